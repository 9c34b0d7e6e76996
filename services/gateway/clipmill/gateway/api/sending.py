"""Artifacts as files over HTTP: whole or in one range, with validators and a name (RFC 9110, 13 and 14)."""

import contextlib
import re
import sys
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from typing import NamedTuple

import structlog
from aiohttp import web
from clipmill.artifacts.store import Store
from clipmill.artifacts.stored import StoredFacts
from clipmill.contracts.failures import ErrorCode, Failure, Transient
from clipmill.gateway.api.file_names import disposition

log = structlog.stdlib.get_logger()

RANGE = re.compile(r"bytes\s*=\s*([0-9]*)\s*-\s*([0-9]*)", re.ASCII | re.IGNORECASE)

DIGITS_LIMIT = 18
"""Most digits of a position in a range that are read; a file has fewer, and a longer number is beyond any end."""


class Wanted(NamedTuple):
    """The bytes to send: from `start` up to, but not including, `end`."""

    start: int
    end: int
    partial: bool


class SentFile(NamedTuple):
    """An artifact and how it is sent.

    Attributes:
        key: Key of the artifact.
        facts: Facts about it.
        content_type: Type of the content.
        name: Name under which a browser saves it, with extension.
        fallback: Name in ASCII, if no letter of `name` is.
    """

    key: str
    facts: StoredFacts
    content_type: str
    name: str
    fallback: str


async def send_file(request: web.Request, store: Store, file: SentFile) -> web.StreamResponse:
    """Send `file`, or the range of it that the client wants; `?download=1` has a browser save it."""
    size, etag, stored = file.facts.size_bytes, f'"{file.facts.tag}"', file.facts.stored.replace(microsecond=0)
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600",
        "Content-Disposition": disposition(file.name, file.fallback, download=request.query.get("download") == "1"),
        "Content-Type": file.content_type,
        "ETag": etag,
        "Last-Modified": format_datetime(stored, usegmt=True),
        "X-Content-Type-Options": "nosniff",
    }
    if _unchanged(request, file.facts.tag, stored):
        return web.Response(status=304, headers=headers)
    wanted = _wanted(request, size, etag, stored)
    if wanted is None:
        return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    if wanted.partial:
        headers["Content-Range"] = f"bytes {wanted.start}-{wanted.end - 1}/{size}"
    headers["Content-Length"] = str(wanted.end - wanted.start)
    response = web.StreamResponse(status=206 if wanted.partial else 200, headers=headers)
    empty = request.method == "HEAD" or wanted.end == wanted.start
    return await send_chunks(request, response, None if empty else store.stream(file.key, wanted.start, wanted.end))


async def send_chunks(
    request: web.Request, response: web.StreamResponse, chunks: AsyncGenerator[bytes, None] | None
) -> web.StreamResponse:
    """Send the response with `chunks` as its body.

    A body that cannot be finished, or is shorter than its `Content-Length`, is cut off with the connection: the client
    notices it, and does not wait for the rest.
    """
    await response.prepare(request)
    if chunks is None:
        await response.write_eof()
        return response
    left = response.content_length
    try:
        async with contextlib.aclosing(chunks):
            async for chunk in chunks:
                await response.write(chunk)
                left = None if left is None else left - len(chunk)
        if left:
            raise Transient(ErrorCode.BUSY, "The file changed while it was sent; load it again.")
    except Failure as failure:
        log.warning("answer_interrupted", path=request.path, code=failure.code, sentence=failure.sentence)
        if request.transport is not None:
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _unchanged(request: web.Request, tag: str, stored: datetime) -> bool:
    """Return whether the client has the file already."""
    if request.if_none_match is not None:
        return any(known.value in (tag, "*") for known in request.if_none_match)
    since = _date(request.headers.get("If-Modified-Since", ""))
    return since is not None and stored <= since


def _wanted(request: web.Request, size: int, etag: str, stored: datetime) -> Wanted | None:
    """Return the requested range, None if it is beyond the file; an unknown form of range stands for the whole file."""
    whole = Wanted(0, size, partial=False)
    found = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if request.method != "GET" or found is None or not (found[1] or found[2]):
        return whole
    condition = request.headers.get("If-Range", etag).strip()
    if condition != etag and _date(condition) != stored:
        return whole
    first, last = _position(found[1]), _position(found[2])
    if not found[1]:
        start, end = max(0, size - last), size
    else:
        start, end = first, min(size, last + 1) if found[2] else size
        if found[2] and last < start:
            return whole
    return Wanted(start, end, partial=True) if start < end else None


def _position(digits: str) -> int:
    digits = digits.lstrip("0")
    return int(digits or "0") if len(digits) <= DIGITS_LIMIT else sys.maxsize


def _date(text: str) -> datetime | None:
    """Return the date that a header has, None if it has none."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return date.replace(tzinfo=UTC) if date.tzinfo is None else date
