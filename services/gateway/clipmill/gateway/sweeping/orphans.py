"""Artifacts that belong to no job, or to one that was cancelled."""

import time

import structlog
from clipmill.artifacts.prefixes import JobPrefix
from clipmill.artifacts.store import Store
from clipmill.contracts.api import CANCELLED
from clipmill.contracts.failures import Permanent
from clipmill.contracts.identifiers import JobId, parse_job_id
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.index import IndexedJob, JobIndex
from clipmill.gateway.removal import Removal
from clipmill.messaging.buckets import Bucket
from prometheus_client import Counter

log = structlog.stdlib.get_logger()

ORPHANS = Counter("clipmill_orphans_removed_total", "Jobs whose orphaned artifacts were removed.")

SETTLING_SECONDS = 60.0
"""How long after a job's cancelling its artifacts are removed once more: by then its workers have heard of it (at once,
or at the next heartbeat after an outage, 10 s) and what they were storing has landed."""

LISTINGS_PER_AGE = 4
"""Listing the whole store is work: it is done so many times within the age at which an orphan is removed."""


class Orphans:
    """Removes what nobody will ask for.

    A job that has a document, or the events to make it anew, keeps its artifacts, unless it was cancelled.

    Args:
        index: of all jobs.
        documents: the bucket of job documents.
        store: where artifacts lie.
        removal: of artifacts.
        age: seconds since its last change after which what belongs to no job is removed; an upload that is still
            coming in belongs to none yet.
        settling: seconds from a job's cancelling until its artifacts are removed for certain.
    """

    name = "orphans"

    def __init__(
        self,
        index: JobIndex,
        documents: Bucket[JobDocument],
        store: Store,
        removal: Removal,
        *,
        age: float,
        settling: float = SETTLING_SECONDS,
    ) -> None:
        self._index = index
        self._documents = documents
        self._store = store
        self._removal = removal
        self._age = age
        self._settling = settling
        self._settled: set[JobId] = set()
        self._list_after = 0.0

    async def run(self) -> None:
        """Remove what cancelled jobs left, and from time to time what the store holds of jobs that nobody knows.

        Raises:
            Transient: `unavailable`.
        """
        self._settled &= self._index.jobs.keys()
        for job, indexed in list(self._index.jobs.items()):
            if job not in self._settled and self._left_over(indexed):
                await self._remove(job)
                self._settled.add(job)
        if time.monotonic() < self._list_after:
            return
        async for prefix in self._store.job_prefixes():
            owner = _job(prefix)
            if owner is not None and await self._orphaned(owner, prefix):
                await self._remove(owner)
        self._list_after = time.monotonic() + self._age / LISTINGS_PER_AGE

    async def _orphaned(self, job: JobId, prefix: JobPrefix) -> bool:
        known = self._index.jobs.get(job)
        if known is not None:
            return self._left_over(known)
        if time.time() - prefix.modified < self._age or (await self._documents.get(job)).value is not None:
            return False
        return not await self._removal.rebuildable(job)  # else its document was lost and is yet to be made anew

    def _left_over(self, indexed: IndexedJob) -> bool:
        """Whether the job was cancelled so long ago that nothing of it may be left."""
        return indexed.status == CANCELLED and time.time() - (indexed.finished or 0.0) >= self._settling

    async def _remove(self, job: JobId) -> None:
        count = await self._removal.artifacts(job)
        if count:
            ORPHANS.inc()
            log.info("orphan_removed", job=job, artifacts=count)


def _job(prefix: JobPrefix) -> JobId | None:
    """Return whose artifacts they are, None if they are not a job's: those are left alone."""
    try:
        job = parse_job_id(prefix.name)
    except Permanent:
        return None
    return job if job == prefix.name else None
