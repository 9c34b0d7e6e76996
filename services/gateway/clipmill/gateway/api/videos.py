"""The files of rendered clips, served whole or in ranges from the store."""

import re
from typing import NamedTuple

from aiohttp import web
from clipmill.artifacts import layout
from clipmill.artifacts.store import Store
from clipmill.contracts.api import ClipAddress, ClipFileKind, clip_url, parse_clip_url
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.projection.document import JobDocument

TYPES = {
    ClipFileKind.VIDEO: "video/mp4",
    ClipFileKind.POSTER: "image/jpeg",
    ClipFileKind.CAPTIONS: "text/vtt; charset=utf-8",
    ClipFileKind.SUBTITLES: "application/x-subrip; charset=utf-8",
}
PLACES = {
    ClipFileKind.VIDEO: layout.clip,
    ClipFileKind.POSTER: layout.poster,
    ClipFileKind.CAPTIONS: layout.captions,
    ClipFileKind.SUBTITLES: layout.subtitles,
}


RANGE = re.compile(r"bytes=([0-9]{0,19})-([0-9]{0,19})")
"""A range of bytes; 19 digits name more bytes than a file can have."""


class Wanted(NamedTuple):
    """The bytes to send: from `start` up to, but not including, `end`."""

    start: int
    end: int
    partial: bool


class Videos:
    """`GET` and `HEAD /videos/<job>/<name>`.

    Args:
        store: Store of the clips.
        statuses: Statuses of jobs, which show the published clips.
    """

    def __init__(self, store: Store, statuses: Statuses) -> None:
        self._store = store
        self._statuses = statuses

    async def file(self, request: web.Request) -> web.StreamResponse:
        """Send a clip, its poster or its captions."""
        found = parse_clip_url(request.path)
        document = await self._statuses.document(found.job) if found else None
        if found is None or document is None or not _published(document, found):
            sentence = "This video does not exist; its job was removed or cancelled, or the address is wrong."
            raise Permanent(ErrorCode.NOT_FOUND, sentence)
        key = PLACES[found.kind](document.job, found.number)
        size = await self._store.size(key)
        if size is None:
            raise Permanent(ErrorCode.NOT_FOUND, "This clip has no such file; submit the video again if you need it.")
        return await self._send(request, key, size, TYPES[found.kind])

    async def _send(self, request: web.Request, key: str, size: int, content_type: str) -> web.StreamResponse:
        etag = f'"{size:x}"'  # a clip never changes once it is published
        headers = {
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, max-age=3600",
            "Content-Type": content_type,
            "ETag": etag,
        }
        if any(tag.value == etag.strip('"') for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        wanted = _wanted(request, size, etag)
        if wanted is None:
            return web.Response(status=416, headers={**headers, "Content-Range": f"bytes */{size}"})
        if wanted.partial:
            headers["Content-Range"] = f"bytes {wanted.start}-{wanted.end - 1}/{size}"
        headers["Content-Length"] = str(wanted.end - wanted.start)
        response = web.StreamResponse(status=206 if wanted.partial else 200, headers=headers)
        await response.prepare(request)
        if request.method == "GET" and wanted.end > wanted.start:
            async for chunk in self._store.stream(key, wanted.start, wanted.end):
                await response.write(chunk)
        await response.write_eof()
        return response


def _published(document: JobDocument, found: ClipAddress) -> bool:
    """Return whether the job's status shows the clip; a cancelled job serves none because its files are removed."""
    if document.cancelled:
        return False
    url = clip_url(document.job, found.stem, found.number)
    return any(clip.video_url == url for clip in document.clips)


def _wanted(request: web.Request, size: int, etag: str) -> Wanted | None:
    """Return the requested range, None if it is beyond the file; an unknown form of range stands for the whole file."""
    whole = Wanted(0, size, partial=False)
    if request.headers.get("If-Range", etag) != etag:
        return whole
    found = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if found is None or not (found[1] or found[2]):
        return whole
    if not found[1]:
        start, end = max(0, size - int(found[2])), size
    else:
        start, end = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
        if found[2] and int(found[2]) < start:
            return whole
    return Wanted(start, end, partial=True) if start < end else None
