"""The clips of a job as one ZIP archive, which is written while it is sent and is never stored.

Videos do not get smaller by compression, so the members are stored as they are, and the length is known before.
Python's own `zipfile` writes the archive, with ZIP64 where it is needed.
"""

import asyncio
import contextlib
import io
import zipfile
from collections.abc import AsyncGenerator, Iterable
from datetime import datetime
from typing import NamedTuple

from aiohttp import web
from clipmill.artifacts import layout
from clipmill.artifacts.store import Store
from clipmill.artifacts.stored import StoredFacts
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.gateway.api.answers import job_not_found
from clipmill.gateway.api.file_names import disposition, file_name
from clipmill.gateway.api.sending import send_chunks
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.projection.document import JobDocument

KNOWN_LENGTH_LIMIT = 2**30
"""Largest sum of the members, in bytes, for which the length of the archive is stated before. `zipfile` begins to use
longer records near 2 GiB, and the length depends on where it does."""

FILE_MODE = 0o644 << 16
"""Permissions of the members, where ZIP keeps them."""


class Member(NamedTuple):
    """A file of the archive.

    Attributes:
        name: Name in the archive.
        key: Key of the artifact.
        facts: Facts about the artifact.
    """

    name: str
    key: str
    facts: StoredFacts


class Archives:
    """`GET` and `HEAD /api/jobs/<job>/clips.zip`, also as `download-all`.

    Args:
        store: Store of the clips.
        statuses: Statuses of jobs.
    """

    def __init__(self, store: Store, statuses: Statuses) -> None:
        self._store = store
        self._statuses = statuses

    async def clips(self, request: web.Request) -> web.StreamResponse:
        """Send the clips that are ready, each with its subtitles.

        Raises:
            Permanent: `not_found`, no clip is ready.
            Transient: `unavailable`, NATS or the store did not answer in time.
        """
        document = await self._statuses.document(request.match_info["job"])
        if document is None or document.cancelled:
            return job_not_found()
        members = await self._members(document)
        if not members:
            ended = "The job ended without clips; submit the video again."
            waiting = "The job has no clip yet; try again later."
            raise Permanent(ErrorCode.NOT_FOUND, ended if document.state.terminal else waiting)
        name = f"clips-{document.job}.zip"
        headers = {
            "Cache-Control": "private, no-cache",
            "Content-Disposition": disposition(name, name, download=True),
            "Content-Type": "application/zip",
            "X-Content-Type-Options": "nosniff",
        }
        length = archive_length(members)
        if length is not None:
            headers["Content-Length"] = str(length)
        chunks = None if request.method == "HEAD" else archive(self._store, members)
        return await send_chunks(request, web.StreamResponse(headers=headers), chunks)

    async def _members(self, document: JobDocument) -> list[Member]:
        wanted = []
        for number, clip in zip(document.clips_ready, document.clips, strict=True):
            stem = f"{number:02} {file_name(clip.title, 'clip')}"  # the number makes it unique and sorts it
            wanted.append((f"{stem}.mp4", layout.clip(document.job, number)))
            wanted.append((f"{stem}.srt", layout.subtitles(document.job, number)))
        facts = await asyncio.gather(*(self._store.facts(key) for _, key in wanted))
        found = [Member(*each, fact) for each, fact in zip(wanted, facts, strict=True) if fact is not None]
        return sorted(found)


async def archive(store: Store, members: Iterable[Member]) -> AsyncGenerator[bytes, None]:
    """Yield the archive with `members`.

    Raises:
        MissingArtifact: A member was removed meanwhile.
        Transient: `unavailable`; or `busy`, a member was rendered again meanwhile.
    """
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as written:
        for member in members:
            size = 0
            with written.open(_info(member, member.facts.size_bytes), "w") as file:
                async with contextlib.aclosing(store.stream(member.key)) as chunks:
                    async for chunk in chunks:
                        size += len(chunk)
                        file.write(chunk)
                        yield sink.taken()
            if size != member.facts.size_bytes:
                raise Transient(ErrorCode.BUSY, "A clip was rendered again while it was sent; load the clips again.")
    yield sink.taken()


def archive_length(members: Iterable[Member]) -> int | None:
    """Return the length of the archive with `members`, in bytes, None if it is not known before it is written."""
    content, sink = 0, _Sink()
    with zipfile.ZipFile(sink, "w") as written:
        for member in members:
            content += member.facts.size_bytes
            with written.open(_info(member, 0), "w"):
                pass
    return len(sink.taken()) + content if content <= KNOWN_LENGTH_LIMIT else None


def _info(member: Member, size: int) -> zipfile.ZipInfo:
    stored: datetime = member.facts.stored
    info = zipfile.ZipInfo(member.name, max(stored, stored.replace(year=1980)).timetuple()[:6])
    info.external_attr = FILE_MODE
    info.file_size = size
    return info


class _Sink(io.RawIOBase):
    """A file that can only be written, and keeps what was written until it is taken."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview") -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
