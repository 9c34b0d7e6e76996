"""Which jobs there are, for lists and for whoever tidies up: what a list is made of, brought up to date bit by bit.

What one job's status is, the bucket's leader alone tells; this index may be a moment behind it. It holds some 300 bytes
a job, so that a gateway that knows a hundred thousand is hardly larger for it.
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
    """What the index knows of a job.

    Attributes:
        status: one of `JOB_STATUSES`.
        created: Unix time in seconds.
        finished: likewise, None before it ended.
    """

    status: str
    created: float
    finished: float | None


class JobIndex:
    """Every job that has a document.

    Args:
        documents: the bucket of job documents.
        answer_seconds: how long NATS may take.
    """

    def __init__(self, documents: Bucket[JobDocument], *, answer_seconds: float) -> None:
        self._reader = documents.within(answer_seconds).reader()
        self._answer_seconds = answer_seconds
        self._jobs: dict[JobId, IndexedJob] = {}
        self._refreshing = asyncio.Lock()

    @property
    def jobs(self) -> Mapping[JobId, IndexedJob]:
        """All jobs as the last `refresh` found them."""
        return self._jobs

    async def refresh(self) -> None:
        """Take up what was written meanwhile.

        Raises:
            Transient: `unavailable`, when NATS does not answer in time; what was read until then is kept.
        """
        deadline = time.monotonic() + self._answer_seconds
        async with self._turn():
            if await self._reader.refresh(deadline=deadline):
                self._jobs.clear()
            async for change in self._reader.changes():
                self._take(change)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Let one look at a time; during an outage, those that wait for their turn must not queue up."""
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
            self._jobs[job] = IndexedJob(job_status(document), document.created, document.finished)
