"""Orphans: artifacts that belong to no job, or to a cancelled one."""

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
"""The time from a job's cancellation to the second removal of its artifacts, in seconds. By then its workers know of
the cancellation (at once, or 10 s after an outage, with the next heartbeat) and have stored their last artifacts."""

LISTINGS_PER_AGE = 4
"""The number of listings of the whole store, which cost much work, within the age at which an orphan is removed."""


class Orphans:
    """Removes artifacts that nobody will ask for.

    A job keeps its artifacts if it has a document, or the events to rebuild it, and was not cancelled.

    Args:
        index: Index of all jobs.
        documents: Bucket of job documents.
        store: Store of the artifacts.
        removal: Removal of artifacts.
        age: Time since the last change after which artifacts of no job are removed, in seconds. An upload that is still
            arriving belongs to no job yet.
        settling: Time from a job's cancellation to the final removal of its artifacts, in seconds.
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
        """Remove the artifacts of cancelled jobs and, from time to time, those of unknown jobs.

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
        return not await self._removal.rebuildable(job)  # a lost document may yet be rebuilt

    def _left_over(self, indexed: IndexedJob) -> bool:
        """Return whether the job was cancelled so long ago that its artifacts can be removed for good."""
        return indexed.status == CANCELLED and time.time() - (indexed.finished or 0.0) >= self._settling

    async def _remove(self, job: JobId) -> None:
        count = await self._removal.artifacts(job)
        if count:
            ORPHANS.inc()
            log.info("orphan_removed", job=job, artifacts=count)


def _job(prefix: JobPrefix) -> JobId | None:
    """Return the job of a prefix, None if its name is no job id; such a prefix is left as it is."""
    try:
        job = parse_job_id(prefix.name)
    except Permanent:
        return None
    return job if job == prefix.name else None
