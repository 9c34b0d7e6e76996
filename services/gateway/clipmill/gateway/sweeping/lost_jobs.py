"""Lost jobs: they have work left, but nobody does it because their task or the end of their queue was lost."""

import contextlib
import time
from collections.abc import Callable, Set

import msgspec
import structlog
from clipmill.contracts import codec, log_lines
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

    The same applies to each wanted clip of the reserve: its task is published once more, and if that one is lost too,
    the clip fails. All times come from the server's clock.

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
            try:
                if not document.state.terminal:
                    await (self._fail(document) if document.revived else self._revive(document))
                elif document.wanted:
                    await self._revive_clips(document)
            except Transient as reason:
                if reason.code is not ErrorCode.BUSY:
                    raise
                log.warning("revival_delayed", job=document.job, sentence=reason.sentence)

    async def _silent(self, job: JobId, at: float) -> bool:
        """Return whether the job's last event is long past and in its document."""
        event = await self._streams.last_event(job)
        if event is None:
            return True  # its events are lost too
        return at - (event.at or at) >= self._silence and event.sequence <= self._folded()

    async def _revive(self, document: JobDocument) -> None:
        """Restart the job. Only tasks may be refused, so they are published first, and the event only after them."""
        generation, clips = document.generation + 1, await self._lost_once(document)
        await self._publisher.task(first_task(document.submission(), generation), deadline=self._deadline())
        await self._publish_clips(document, clips, generation)
        reopened = Reopened(job=document.job, generation=generation, clips=clips, revived=True, line=log_lines.REVIVED)
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

    async def _revive_clips(self, document: JobDocument) -> None:
        """Publish the tasks of the open clips again, and fail the clips whose tasks were published again before.

        The tasks come before the event, as in `_revive`. If the gateway dies in between, the job has tasks and is not
        lost. Once these tasks are done, only the clips that are still missing count as lost.
        """
        again = await self._lost_once(document)
        await self._fail_clips(document, document.wanted.keys() - set(again))
        if not again:
            return
        generation = document.generation + 1
        await self._publish_clips(document, again, generation)
        wanted = ClipsWanted(job=document.job, generation=generation, numbers=again, revived=True)
        await self._publisher.event(wanted, deadline=self._deadline())
        REVIVED.inc()
        log.warning("clips_revived", job=document.job, generation=generation, clips=again)

    async def _lost_once(self, document: JobDocument) -> tuple[int, ...]:
        """Return the open clips whose task was not published again yet: no revival began its generation."""
        if not document.wanted:
            return ()
        revivals: dict[int, bool] = {}
        async for message in self._streams.events(document.job):
            with contextlib.suppress(msgspec.DecodeError):
                event = codec.decode_event(message.data)
                if isinstance(event, ClipsWanted | Reopened):
                    revivals.setdefault(event.generation, event.revived)
        return tuple(sorted(clip for clip, made in document.wanted.items() if not revivals.get(made)))

    async def _publish_clips(self, document: JobDocument, clips: tuple[int, ...], generation: int) -> None:
        """Publish the tasks of `clips` in a new generation, because the server may drop a known message id."""
        for clip in clips:
            await self._publisher.task(document.render_task(clip, generation), deadline=self._deadline())

    async def _fail_clips(self, document: JobDocument, clips: Set[int]) -> None:
        for clip in sorted(clips):
            failed = ClipFailed(
                job=document.job,
                generation=document.wanted[clip],
                clip=clip,
                code=ErrorCode.LOST_TASK,
                sentence="clipmill lost the work on this clip twice; ask for it again.",
            )
            await self._publisher.event(failed, deadline=self._deadline())
        if clips:
            LOST.inc()
            log.error("clips_lost", job=document.job, clips=sorted(clips))

    def _deadline(self) -> float:
        return time.monotonic() + self._answer_seconds
