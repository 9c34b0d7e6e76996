"""The view of the gateway's projector: it folds events into job documents and does what a job's end requires."""

from collections.abc import Sequence

import msgspec
import structlog
from clipmill.contracts import codec
from clipmill.contracts.events import Event, Reopened
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.status import JobState
from clipmill.gateway.projection import fold
from clipmill.gateway.projection.document import JobDocument
from clipmill.messaging.cancellation import ENDED_FOR_GOOD, EndedJobs
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import StoredEvent
from clipmill.messaging.secrets import Secrets
from prometheus_client import Counter

log = structlog.stdlib.get_logger()

FOLDED = Counter(
    "clipmill_events_folded_total", "Events that changed a job's document, by kind and stage.", ["kind", "stage"]
)
UNDECODABLE = Counter("clipmill_events_undecodable_total", "Events skipped because they cannot be decoded.")
JOBS = Counter("clipmill_jobs_total", "Jobs that entered a state, by state.", ["state"])
for _state in ("queued", "completed", "failed", "cancelled"):
    JOBS.labels(_state)


class JobsView:
    """The job documents that the projector folds.

    Args:
        streams: Streams in which an ended job may still have tasks.
        ended: Record of ended jobs, which workers watch.
        secrets: Keys that clients lent; they are deleted when their job ends.
    """

    def __init__(self, streams: JobStreams, ended: EndedJobs, secrets: Secrets) -> None:
        self._streams = streams
        self._ended = ended
        self._secrets = secrets
        self._ends: dict[JobId, dict[int, str]] = {}

    def begin(self, event: StoredEvent) -> JobDocument | None:
        """Return a new document if `event` is a `queued`, None otherwise."""
        decoded = _decode(event)
        return None if decoded is None else fold.begin(event.sequence, decoded)

    def fold(self, document: JobDocument, event: StoredEvent) -> bool:
        """Apply `event` to `document` and return whether it changed."""
        decoded, ended = _decode(event), document.state.terminal
        changed = decoded is not None and fold.fold(document, event.sequence, decoded)
        if document.state.terminal and not ended:
            state = "cancelled" if document.cancelled else document.state
            self._ends.setdefault(document.job, {})[event.sequence] = state
        return changed

    async def before_write(self, document: JobDocument) -> None:
        """Mark a job that has ended, so that no worker starts again; then remove its tasks and secrets.

        A generation with open clips of the reserve has not ended.
        """
        if not document.state.terminal:
            return
        job = document.job
        await self._ended.end(job, ENDED_FOR_GOOD if document.cancelled else document.ended_generation)
        if document.state is not JobState.COMPLETED:  # a completed job's last tasks are being acknowledged
            await self._purge_tasks(document)
        if document.extended is None:  # otherwise the secret went when the job ended first
            await self._secrets.forget(job)

    async def _purge_tasks(self, document: JobDocument) -> None:
        """Remove the tasks of a job that has ended, but not those of a later generation.

        The job may have been reopened before its end was folded. A `reopened` event is stored before its task. The ends
        of the task streams are read first. If there is still no `reopened` event then, every task of a later generation
        will be stored after those ends, and the purge stops at them.
        """
        ends = await self._streams.task_ends()
        if not await self._reopened(document):
            await self._streams.purge_tasks(document.job, ends)

    async def _reopened(self, document: JobDocument) -> bool:
        """Return whether the stream has a later generation than the document."""
        message = await self._streams.last_event(document.job, Reopened)
        if message is None:
            return False
        reopened = codec.decode_event(message.data)
        return not document.cancelled and reopened.generation > document.generation

    def written(self, document: JobDocument, events: Sequence[StoredEvent]) -> None:
        """Count the folded events, and the end of a job once, however many of its reserve's clips follow."""
        for event in events:
            decoded = _decode(event)
            if decoded is not None:
                FOLDED.labels(decoded.kind, getattr(decoded, "stage", None) or "").inc()
        ends = self._ends.pop(document.job, {})
        for state in (ends[event.sequence] for event in events if event.sequence in ends):
            JOBS.labels(state).inc()
            log.info("job_ended", job=document.job, state=state)


def _decode(event: StoredEvent) -> Event | None:
    try:
        return codec.decode_event(event.data)
    except msgspec.DecodeError as reason:
        UNDECODABLE.inc()
        log.warning("event_skipped", subject=event.subject, sequence=event.sequence, reason=str(reason))
        return None
