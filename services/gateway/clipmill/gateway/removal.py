"""Removing what belongs to a job: each step may be repeated, and a crash between two leaves a job to remove again."""

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
    """Takes jobs out of the streams, the buckets and the store.

    Args:
        streams: where jobs have tasks, events and dead letters.
        store: where artifacts lie.
        documents: the bucket of job documents.
        ended: tells workers that a job is over.
        answer_seconds: how long NATS may take.
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
        """Remove what the store has of `job` and return how many artifacts that were.

        Raises:
            Transient: `unavailable`.
        """
        return await self._store.delete_prefix(layout.job_prefix(job))

    async def rebuildable(self, job: JobId) -> bool:
        """Return whether the events still tell how `job` began: its document can be made anew, if it has none.

        Raises:
            Transient: `unavailable`, when NATS does not answer in time.
        """
        return await self._streams.last_event(job, Queued) is not None

    async def job(self, job: JobId) -> None:
        """Remove all that is left of a job that has ended.

        That it is over is said first, so that nobody makes more of it. The document goes last: while it is there, the
        job can be found and removed again. It leaves a marker, over which no document is ever made.

        Raises:
            Transient: `unavailable`, when NATS or the store does not answer in time; the rest is still to be removed.
        """
        deadline = time.monotonic() + self._answer_seconds
        await self._ended.end(job, ENDED_FOR_GOOD, deadline=deadline)
        await self._streams.purge_tasks(job)
        await self.artifacts(job)
        await self._streams.purge_job(job)
        await self._documents.delete(job)
        log.info("job_removed", job=job)
