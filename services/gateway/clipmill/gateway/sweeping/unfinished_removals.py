"""Jobs whose deleting was broken off: a gateway died over it, or the store was away."""

import structlog
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.projection.bucket_reader import BucketReader
from clipmill.gateway.projection.index import JobIndex
from clipmill.gateway.sweeping.removal import Removal
from clipmill.messaging.cancellation import ENDED_FOR_GOOD
from clipmill.messaging.topology import CONTROL
from nats.js import JetStreamContext

log = structlog.stdlib.get_logger()


class UnfinishedRemovals:
    """Removes jobs that are over for good, were not cancelled and still have a document: they were being deleted.

    Args:
        js: for reading which jobs are over.
        index: of all jobs.
        statuses: which tell where one job stands.
        removal: of jobs.
        answer_seconds: how long NATS may take.
    """

    name = "removals"

    def __init__(
        self, js: JetStreamContext, index: JobIndex, statuses: Statuses, removal: Removal, *, answer_seconds: float
    ) -> None:
        self._reader = BucketReader(js, CONTROL, answer_seconds=answer_seconds)
        self._index = index
        self._statuses = statuses
        self._removal = removal
        self._over: set[JobId] = set()

    async def run(self) -> None:
        """Finish what was begun.

        Raises:
            Transient: `unavailable`.
        """
        await self._reader.begin()
        async for written in self._reader.news():
            if written.value == str(ENDED_FOR_GOOD).encode():
                self._over.add(JobId(written.key))
        for job in list(self._over):
            document = await self._statuses.document(job) if job in self._index.jobs else None
            if document is not None and not document.state.terminal:
                continue  # its cancelling is about to be in its document
            if document is not None and not document.cancelled:
                await self._removal.job(job)
                log.warning("removal_finished", job=job)
            self._over.discard(job)
