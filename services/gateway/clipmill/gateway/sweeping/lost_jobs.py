"""Lost jobs: they have work left, but nobody does it because their task or the end of their queue was lost."""

import time
from collections.abc import Callable

import structlog
from clipmill.contracts import log_lines
from clipmill.contracts.events import ClipFailed, ClipsWanted, Failed, Reopened
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.status import JobState
from clipmill.contracts.tasks import first_task
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.index import JobIndex
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.publisher import Publisher
from prometheus_client import Counter

log = structlog.stdlib.get_logger()

REVIVED = Counter("clipmill_jobs_revived_total", "Jobs restarted because they had lost their task.")
LOST = Counter("clipmill_jobs_lost_total", "Jobs failed because they lost their task twice.")

AT_WORK = (JobState.QUEUED, JobState.PROCESSING)


class LostJobs:
    """Restarts a job once if it has no task and publishes no events, and fails it if it is lost again.

    So it does with the wanted clips of a completed job, of which it publishes the tasks again. All times come from the
    server's clock.

    Args:
        streams: Streams with the tasks and events of jobs.
        index: Index of all jobs.
        documents: Bucket of job documents.
        publisher: Publisher of tasks and events.
        folded: Function that returns the sequence up to which the projector has folded.
        silence: Time without task and event after which a job counts as lost, in seconds.
        answer_seconds: Longest wait for NATS, in seconds.
    """

    name = "lost"

    def __init__(
        self,
        streams: JobStreams,
        index: JobIndex,
        documents: Bucket[JobDocument],
        publisher: Publisher,
        folded: Callable[[], int],
        *,
        silence: float,
        answer_seconds: float,
    ) -> None:
        self._streams = streams.within(answer_seconds)
        self._index = index
        self._documents = documents.within(answer_seconds)
        self._publisher = publisher
        self._folded = folded
        self._silence = silence
        self._answer_seconds = answer_seconds

    async def run(self) -> None:
        """Restart or fail the lost jobs.

        Raises:
            Transient: `unavailable`.
        """
        at_work = [job for job, indexed in self._index.jobs.items() if indexed.status in AT_WORK or indexed.wanted]
        if not at_work:
            return
        tasks = await self._streams.open_tasks()
        for job in at_work:
            if job in tasks.jobs or not await self._silent(job, tasks.at):
                continue
            document = (await self._documents.get(job)).value
            if document is None:
                continue
            if not document.state.terminal:
                await self._revive_or_fail(document)
            elif document.wanted:
                await (self._fail_clips(document) if document.revived else self._want_again(document))

    async def _silent(self, job: JobId, at: float) -> bool:
        """Return whether the job's last event is long past and in its document."""
        event = await self._streams.last_event(job)
        if event is None:
            return True  # its events are lost too
        return at - (event.at or at) >= self._silence and event.sequence <= self._folded()

    async def _revive_or_fail(self, document: JobDocument) -> None:
        if document.revived:
            await self._fail(document)
            return
        try:
            await self._revive(document)
        except Transient as reason:
            if reason.code is not ErrorCode.BUSY:
                raise
            log.warning("revival_delayed", job=document.job, sentence=reason.sentence)

    async def _revive(self, document: JobDocument) -> None:
        """Restart the job. Only the task may be refused, so it is published first, and the event only after it."""
        generation = document.generation + 1
        await self._publisher.task(first_task(document.submission(), generation), deadline=self._deadline())
        reopened = Reopened(job=document.job, generation=generation, revived=True, line=log_lines.REVIVED)
        await self._publisher.event(reopened, deadline=self._deadline())
        REVIVED.inc()
        log.warning("job_revived", job=document.job, generation=generation)

    async def _fail(self, document: JobDocument) -> None:
        failed = Failed(
            job=document.job,
            generation=document.generation,
            stage=None,
            code=ErrorCode.LOST_TASK,
            sentence="clipmill lost the work on this video twice; submit the video again.",
        )
        await self._publisher.event(failed, deadline=self._deadline())
        LOST.inc()
        log.error("job_lost", job=document.job)

    async def _want_again(self, document: JobDocument) -> None:
        """Publish the tasks of the open clips in a new generation, because the server may drop a known message id."""
        generation, numbers = document.generation + 1, tuple(sorted(document.wanted))
        wanted = ClipsWanted(job=document.job, generation=generation, numbers=numbers, revived=True)
        await self._publisher.event(wanted, deadline=self._deadline())
        for number in numbers:
            await self._publisher.task(document.render_task(number, generation), deadline=self._deadline())
        REVIVED.inc()
        log.warning("clips_revived", job=document.job, generation=generation, clips=numbers)

    async def _fail_clips(self, document: JobDocument) -> None:
        for number, generation in sorted(document.wanted.items()):
            failed = ClipFailed(
                job=document.job,
                generation=generation,
                clip=number,
                code=ErrorCode.LOST_TASK,
                sentence="clipmill lost the work on this clip twice; ask for it again.",
            )
            await self._publisher.event(failed, deadline=self._deadline())
        LOST.inc()
        log.error("clips_lost", job=document.job, clips=sorted(document.wanted))

    def _deadline(self) -> float:
        return time.monotonic() + self._answer_seconds
