"""Jobs whose deleting was broken off: a gateway died over it, or the store was away."""

import structlog
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.index import JobIndex
from clipmill.gateway.removal import Removal
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import ENDED_FOR_GOOD

log = structlog.stdlib.get_logger()


class UnfinishedRemovals:
    """Removes jobs that are over for good, were not cancelled and still have a document: they were being deleted.

    Args:
        control: the bucket that knows which jobs are over.
        index: of all jobs.
        documents: the bucket of job documents.
        removal: of jobs.
    """

    name = "removals"

    def __init__(self, control: Bucket[int], index: JobIndex, documents: Bucket[JobDocument], removal: Removal) -> None:
        self._reader = control.reader()
        self._index = index
        self._documents = documents
        self._removal = removal
        self._over: set[JobId] = set()

    async def run(self) -> None:
        """Finish what was begun.

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
                continue  # its cancelling is about to be in its document
            if document is not None and not document.cancelled:
                await self._removal.job(job)
                log.warning("removal_finished", job=job)
            self._over.discard(job)
