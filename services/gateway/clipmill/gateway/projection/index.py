"""An index of all jobs, for lists and for the sweeper; each refresh reads only the changes.

The index may be a moment behind the bucket's leader, which alone answers for the status of one job. It takes at most
1 KiB for each job, of which `WORDS_BYTES` are the words that a search looks in.
"""

import asyncio
import time
import unicodedata
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec
import structlog
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.projection.document import JobDocument, JobHead, job_status
from clipmill.messaging.buckets import Bucket, Change
from msgspec import Struct

log = structlog.stdlib.get_logger()

WORDS_BYTES = 600
"""Most bytes of a job's words that are kept, in UTF-8: with the rest of the entry they stay below 1 KiB. The source
comes first, then the titles in the order of the clips; ten titles are about 500 bytes."""

SOURCE_CHARACTERS = 160
"""Most characters of the source that are kept, its last ones: the name of a file, or the end of a long URL."""


class IndexedJob(Struct, frozen=True, gc=False):
    """The entry of a job in the index.

    Attributes:
        status: One of `JOB_STATUSES`.
        created: Unix time of the submission in seconds.
        finished: Unix time of the end in seconds, None before it.
        kept_from: Unix time in seconds from which the job is kept for its retention, None while it is at work.
        wanted: True if clips of its reserve are wanted and not done.
        words: Source and titles as `searchable` writes them, in UTF-8, which takes half as much as Python's own text
            in most scripts.
    """

    status: str
    created: float
    finished: float | None
    kept_from: float | None
    wanted: bool
    words: bytes = b""


def searchable(text: str) -> str:
    """Return `text` so that spellings that people take for the same are the same: case, width, accents' encoding."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


class JobIndex:
    """The index of every job that has a document.

    Args:
        documents: Bucket of job documents.
        answer_seconds: Longest wait for NATS, in seconds.
    """

    def __init__(self, documents: Bucket[JobDocument], *, answer_seconds: float) -> None:
        self._reader = documents.within(answer_seconds).read_as(JobHead).reader()
        self._answer_seconds = answer_seconds
        self._jobs: dict[JobId, IndexedJob] = {}
        self._refreshing = asyncio.Lock()

    @property
    def jobs(self) -> Mapping[JobId, IndexedJob]:
        """Return all jobs as the last `refresh` found them."""
        return self._jobs

    async def refresh(self) -> None:
        """Read the changes since the last refresh.

        Raises:
            Transient: `unavailable`, NATS did not answer in time; the changes read until then are kept.
        """
        deadline = time.monotonic() + self._answer_seconds
        async with self._turn():
            if await self._reader.refresh(deadline=deadline):
                self._jobs.clear()
            async for change in self._reader.changes():
                self._take(change)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Let one caller refresh at a time; the others fail after the wait, or they would queue up during an outage."""
        try:
            async with asyncio.timeout(self._answer_seconds):
                await self._refreshing.acquire()
        except TimeoutError:
            raise Transient(
                ErrorCode.UNAVAILABLE, "The list of jobs is not up to date yet; try again in a moment."
            ) from None
        try:
            yield
        finally:
            self._refreshing.release()

    def _take(self, change: Change[JobHead]) -> None:
        job = JobId(change.key)
        self._jobs.pop(job, None)
        try:
            document = change.entry.value
        except msgspec.DecodeError as reason:
            log.warning("document_skipped", job=job, reason=str(reason))
            return
        if document is not None:
            self._jobs[job] = IndexedJob(
                job_status(document),
                document.created,
                document.finished,
                document.kept_from,
                wanted=bool(document.wanted),
                words=_words(document),
            )


def _words(document: JobHead) -> bytes:
    titles = dict.fromkeys(clip.title for clip in document.clips)
    text = searchable("\n".join((document.source[-SOURCE_CHARACTERS:], *titles))).encode()
    return text[:WORDS_BYTES].decode(errors="ignore").encode()
