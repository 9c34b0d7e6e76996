"""Unfinished removals: a gateway died during the deletion of a job, or the store was unavailable."""

import structlog
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.index import JobIndex
from clipmill.gateway.removal import Removal
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import ENDED_FOR_GOOD

log = structlog.stdlib.get_logger()


class UnfinishedRemovals:
    """Finishes the removal of jobs.

    The removal of a job is unfinished if the job is marked as ended for good, was not cancelled and has a document.

    Args:
        control: Bucket of the jobs that are marked as ended.
        index: Index of all jobs.
        documents: Bucket of job documents.
        removal: Removal of jobs.
    """

    name = "removals"

    def __init__(self, control: Bucket[int], index: JobIndex, documents: Bucket[JobDocument], removal: Removal) -> None:
        self._reader = control.reader()
        self._index = index
        self._documents = documents
        self._removal = removal
        self._over: set[JobId] = set()

    async def run(self) -> None:
        """Finish the unfinished removals.

        Raises:
            Transient: `unavailable`.
        """
        await self._reader.refresh()
        async for change in self._reader.changes():
            if change.entry.value == ENDED_FOR_GOOD:
                self._over.add(JobId(change.key))
        for job in list(self._over):
            document = (await self._documents.get(job)).value if job in self._index.jobs else None
            if document is not None and not document.state.terminal:
                continue  # the projector is about to write its cancellation
            if document is not None and not document.cancelled:
                await self._removal.job(job)
                log.warning("removal_finished", job=job)
            self._over.discard(job)
