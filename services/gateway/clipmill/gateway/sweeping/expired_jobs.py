"""Expired jobs: their documents, events and artifacts are removed together."""

import time

from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.index import JobIndex
from clipmill.gateway.removal import Removal
from clipmill.messaging.buckets import Bucket
from prometheus_client import Counter

EXPIRED = Counter("clipmill_jobs_expired_total", "Jobs removed because their retention ended.")


class ExpiredJobs:
    """Removes jobs whose retention is over; a job at work, or with a wanted clip that is not done, never expires.

    Args:
        index: Index of all jobs.
        documents: Bucket of job documents.
        removal: Removal of jobs.
        retention: Time for which a job is kept after its end or the last clip of its reserve, in seconds.
    """

    name = "expired"

    def __init__(self, index: JobIndex, documents: Bucket[JobDocument], removal: Removal, *, retention: float) -> None:
        self._index = index
        self._documents = documents
        self._removal = removal
        self._retention = retention

    async def run(self) -> None:
        """Remove the expired jobs.

        Raises:
            Transient: `unavailable`.
        """
        for job, indexed in list(self._index.jobs.items()):
            if not self._over(indexed.kept_from):
                continue
            document = (await self._documents.get(job)).value  # it may have been reopened since
            if document is not None and self._over(document.kept_from):
                await self._removal.job(job)
                EXPIRED.inc()

    def _over(self, kept_from: float | None) -> bool:
        return kept_from is not None and time.time() >= kept_from + self._retention
