"""The removal of jobs: each step may be repeated, and after a crash between two steps the job can be removed again."""

import time

import structlog
from clipmill.artifacts import layout
from clipmill.artifacts.store import Store
from clipmill.contracts.events import Queued
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.projection.document import JobDocument
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import ENDED_FOR_GOOD, EndedJobs
from clipmill.messaging.job_streams import JobStreams

log = structlog.stdlib.get_logger()


class Removal:
    """Removes jobs from the streams, the buckets and the store.

    Args:
        streams: Streams with the tasks, events and dead letters of jobs.
        store: Store of the artifacts.
        documents: Bucket of job documents.
        ended: Record of ended jobs, which workers watch.
        answer_seconds: Longest wait for NATS, in seconds.
    """

    def __init__(
        self,
        streams: JobStreams,
        store: Store,
        documents: Bucket[JobDocument],
        ended: EndedJobs,
        *,
        answer_seconds: float,
    ) -> None:
        self._streams = streams.within(answer_seconds)
        self._store = store
        self._documents = documents.within(answer_seconds)
        self._ended = ended
        self._answer_seconds = answer_seconds

    async def artifacts(self, job: JobId) -> int:
        """Remove the artifacts of `job` from the store and return their number.

        Raises:
            Transient: `unavailable`.
        """
        return await self._store.delete_prefix(layout.job_prefix(job))

    async def rebuildable(self, job: JobId) -> bool:
        """Return whether the stream still has the first event of `job`, from which its document can be rebuilt.

        Raises:
            Transient: `unavailable`, NATS did not answer in time.
        """
        return await self._streams.last_event(job, Queued) is not None

    async def job(self, job: JobId) -> None:
        """Remove everything that is left of a job that has ended.

        The job is marked as ended first, and workers stop working on it. Its document is deleted last: until then, the
        job can be found and removed again. The deletion leaves a marker that prevents a new document.

        Raises:
            Transient: `unavailable`, NATS or the store did not answer in time; the removal is unfinished.
        """
        deadline = time.monotonic() + self._answer_seconds
        await self._ended.end(job, ENDED_FOR_GOOD, deadline=deadline)
        await self._streams.purge_tasks(job)
        await self.artifacts(job)
        await self._streams.purge_job(job)
        await self._documents.delete(job)
        log.info("job_removed", job=job)
