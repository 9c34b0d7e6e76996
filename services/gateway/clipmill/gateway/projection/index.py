"""An index of all jobs, for lists and for the sweeper; each refresh reads only the changes.

The index may be a moment behind the bucket's leader, which alone answers for the status of one job. It takes some 300
bytes per job, or 30 MB for a hundred thousand.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import msgspec
import structlog
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.projection.document import JobDocument, job_status
from clipmill.messaging.buckets import Bucket, Change
from msgspec import Struct

log = structlog.stdlib.get_logger()


class IndexedJob(Struct, frozen=True, gc=False):
    """The entry of a job in the index.

    Attributes:
        status: One of `JOB_STATUSES`.
        created: Unix time of the submission in seconds.
        finished: Unix time of the end in seconds, None before it.
        kept_from: Unix time in seconds from which the job is kept for its retention, None while it is at work.
        wanted: True if clips of its reserve are wanted and not done.
    """

    status: str
    created: float
    finished: float | None
    kept_from: float | None
    wanted: bool


class JobIndex:
    """The index of every job that has a document.

    Args:
        documents: Bucket of job documents.
        answer_seconds: Longest wait for NATS, in seconds.
    """

    def __init__(self, documents: Bucket[JobDocument], *, answer_seconds: float) -> None:
        self._reader = documents.within(answer_seconds).reader()
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

    def _take(self, change: Change[JobDocument]) -> None:
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
            )
