"""Beginning anew what was given up: the retry of dead letters.

The steps and their order: the history is read and the retry refused if it makes no sense; `reopened` is published,
whose message id is the same for all who saw the same history, so that of two operators one wins; what is to be made
afresh is deleted; the task is published in the new generation; the letters that this answers are removed. Whatever
breaks off in between is harmless: before the task there is a job that goes on without one, which the next retry of the
letter takes up, or else the sweeper; after it there is a letter too many, which the next retry removes.

A projector that is just ending the job's older generation purges no task of the newer one: `reopened` is stored first.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import msgspec
from clipmill.artifacts import layout
from clipmill.artifacts.store import Store
from clipmill.contracts import codec, log_lines
from clipmill.contracts.events import Queued, Reopened
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import Task, first_task
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import ENDED_FOR_GOOD, EndedJobs
from clipmill.messaging.connection import REQUEST_SECONDS
from clipmill.messaging.dead_letters import DeadLetter, DeadLetters, KeptLetter
from clipmill.messaging.history import NEVER, JobHistory
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.topology import CONTROL
from msgspec import Struct
from msgspec.structs import replace
from nats.aio.client import Client

CLAIM_SECONDS = 30.0
"""So long somebody else's retry is taken to be under way; after that it was broken off, and is taken up."""

STAGES = tuple(Stage)


class Outcome(StrEnum):
    """What a retry came to."""

    REOPENED = "reopened"
    """The work begins anew."""

    TAKEN_UP = "taken_up"
    """A retry that somebody had begun and not finished is finished."""

    ANSWERED = "answered"
    """The work had begun anew already; only the letter was left over."""


class Retried(Struct, frozen=True, kw_only=True):
    """What became of a retry.

    Attributes:
        job: whose work it is.
        clip: the clip that is rendered again, None for the whole job (finished stages skip themselves).
        generation: of the new work.
        outcome: what was there to be done.
        fresh: the stage from which on artifacts were deleted, None if none were.
        removed: ids of the letters that this answers.
    """

    job: JobId
    clip: int | None
    generation: int
    outcome: Outcome
    fresh: Stage | None
    removed: tuple[int, ...]


class Reopening:
    """Retries dead letters.

    Args:
        nc: an open connection.
        store: where artifacts lie that are to be made afresh; None if nobody will ask for that.
        patience: seconds that each request may take through an outage; then it is `Transient`, `unavailable`.
    """

    def __init__(self, nc: Client, store: Store | None, *, patience: float) -> None:
        self._nc = nc
        self._streams = JobStreams(nc).within(patience)
        self._publisher = Publisher(nc)
        self._letters = DeadLetters(nc.jetstream(timeout=REQUEST_SECONDS), patience=patience)
        self._store = store
        self._patience = patience

    async def retry(self, number: int, *, fresh: bool = False) -> Retried:
        """Retry the letter with the id `number`.

        Args:
            number: of the letter.
            fresh: whether what its stage and later ones made is deleted first, so that they do it all again; of a
                letter about a clip, only that clip's.

        Raises:
            Permanent: `not_found`, `bad_request` or `cancelled`, if it cannot be retried.
            Transient: `busy`, if somebody else is retrying it or there is no room; `unavailable` in an outage.
        """
        kept = await self._letters.get(number)
        if kept.letter is None:
            sentence = f"Nobody can decode the dead letter {number}: it can be shown and dropped, not retried."
            raise Permanent(ErrorCode.BAD_REQUEST, sentence)
        return await self._retry(_plan([kept.letter], fresh=fresh))

    async def retry_job(self, job: JobId, *, fresh: bool = False) -> Retried:
        """Retry all letters of `job` at once; see `retry`."""
        letters = [kept.letter for kept in await self._letters.all(job) if kept.letter is not None]
        if not letters:
            raise Permanent(ErrorCode.NOT_FOUND, f"There is no dead letter of job {job} that could be retried.")
        return await self._retry(_plan(letters, fresh=fresh))

    async def _retry(self, plan: "RetryPlan") -> Retried:
        job = plan.job
        if plan.stale:
            await self._check_store()
        history = JobHistory()
        async for message in self._streams.events(job):
            history.note(message.data)
        queued = history.queued
        if queued is None:
            sentence = f"Job {job} cannot be reopened: it was deleted, or its first events have expired."
            raise Permanent(ErrorCode.NOT_FOUND, sentence)
        if history.cancelled or await self._over(job):
            raise Permanent(ErrorCode.CANCELLED, f"Job {job} was cancelled or deleted; submit the video again.")
        earlier = history.last_retry(plan.clip, plan.generation)
        if earlier is not None:
            return await self._take_up(plan, earlier, history, queued)
        if not all(history.failed(letter.task.clip) >= letter.task.generation for letter in plan.letters):
            sentence = f"Job {job} is just being told of this failure; try again in a moment."
            raise Transient(ErrorCode.BUSY, sentence, retry_after=1)
        ours = Reopened(
            job=job,
            at=time.time(),  # to the microsecond: it tells our claim from another's
            generation=1 + max(plan.generation, history.generation),
            clip=plan.clip,
            fresh=plan.fresh,
            line=log_lines.RETRIED if plan.clip is None else log_lines.clip_retried(plan.clip),
        )
        await self._claim(ours)
        await self._publish(plan, ours, queued, plan.stale)
        return await self._done(plan, ours, Outcome.REOPENED)

    async def _check_store(self) -> None:
        """Find out before the job is told that what is to be made afresh can be deleted."""
        if self._store is None:
            raise Permanent(ErrorCode.BAD_REQUEST, "Nothing can be made afresh without the artifact store.")
        await self._store.ready()

    async def _over(self, job: JobId) -> bool:
        """Whether no generation of `job` will be done any more."""
        bucket = await Bucket.open(self._nc, CONTROL, int, deadline=self._deadline())
        return await EndedJobs(bucket).ended(job, ENDED_FOR_GOOD, deadline=self._deadline())

    async def _claim(self, ours: Reopened) -> None:
        """Publish `ours`, unless somebody who saw the same history was faster."""
        await self._publisher.event(ours, deadline=self._deadline())
        winner = await self._streams.last_event(ours.job, Reopened)
        if winner is None or codec.decode_event(winner.data) != ours:
            sentence = f"Somebody else has just reopened job {ours.job}; look again in a moment."
            raise Transient(ErrorCode.BUSY, sentence, retry_after=1)

    async def _take_up(self, plan: "RetryPlan", earlier: Reopened, history: JobHistory, queued: Queued) -> Retried:
        """Finish a retry that somebody began: in its generation, so that nothing is done twice."""
        age = time.time() - earlier.at
        if age < CLAIM_SECONDS:
            sentence = f"Somebody else has reopened job {plan.job} {max(age, 0):.0f} s ago; look again in a moment."
            raise Transient(ErrorCode.BUSY, sentence, retry_after=CLAIM_SECONDS)
        if history.heard(plan.clip) >= earlier.generation or await self._waiting(plan.job, earlier.generation):
            return await self._done(plan, earlier, Outcome.ANSWERED)
        await self._publish(plan, earlier, queued, plan.stale if earlier.fresh == plan.fresh else ())
        return await self._done(plan, earlier, Outcome.TAKEN_UP)

    async def _publish(self, plan: "RetryPlan", reopened: Reopened, queued: Queued, stale: Iterable[str]) -> None:
        """Publish the task that begins the new generation, once nothing stale is in its way."""
        if self._store is not None:
            for key in stale:
                await (self._store.delete_prefix(key) if key.endswith("/") else self._store.delete(key))
        generation = reopened.generation
        task: Task = first_task(queued, generation)
        if plan.task is not None:
            task = replace(plan.task, generation=generation)
        await self._publisher.task(task, deadline=self._deadline())

    async def _waiting(self, job: JobId, generation: int) -> bool:
        """Whether a task of `generation` or later is in a queue or being worked on."""
        async for message in self._streams.tasks(job):
            if _generation(message.data) >= generation:
                return True
        return False

    async def _done(self, plan: "RetryPlan", reopened: Reopened, outcome: Outcome) -> Retried:
        """Remove the letters that `reopened` answers."""
        answered = [kept.id for kept in await self._letters.all(plan.job) if _answers(reopened, kept)]
        for number in answered:
            await self._letters.forget(number)
        return Retried(
            job=plan.job,
            clip=reopened.clip,
            generation=reopened.generation,
            outcome=outcome,
            fresh=reopened.fresh,
            removed=tuple(sorted(answered)),
        )

    def _deadline(self) -> float:
        return time.monotonic() + self._patience


class _Dated(Struct):
    """What is looked at of a task."""

    generation: int = 0


@dataclass(frozen=True)
class RetryPlan:
    """What is to begin anew.

    Attributes:
        job: whose work it is.
        generation: the latest in which it was given up.
        letters: which said so.
        clip: the clip it is about, None for the whole job.
        task: the clip's task, None for the job's first.
        fresh: the stage that is done afresh, as the job is told.
        stale: keys to be deleted, as `layout.made_from` orders them.
    """

    job: JobId
    generation: int
    letters: tuple[DeadLetter, ...]
    clip: int | None = None
    task: Task | None = None
    fresh: Stage | None = None
    stale: tuple[str, ...] = ()


def _plan(letters: Sequence[DeadLetter], *, fresh: bool) -> RetryPlan:
    """Return what retrying `letters`, which are of one job, means.

    One clip is rendered again by its own task. Several, like a job that failed as a whole, go through the job's first
    task: one `reopened` answers them all, and what is finished skips itself.
    """
    job = letters[0].task.job
    generation = max(letter.task.generation for letter in letters)
    whole = [letter.task for letter in letters if letter.task.clip is None]
    clips = {letter.task.clip: letter.task for letter in letters if letter.task.clip is not None}
    plan = partial(RetryPlan, job, generation, tuple(letters))
    if whole:
        stage = min((task.stage for task in whole), key=STAGES.index)
        return plan(fresh=stage, stale=layout.made_from(stage, job)) if fresh else plan()
    stale = tuple(key for clip in clips for key in layout.made_for_clip(job, clip)) if fresh else ()
    if len(clips) > 1:
        return plan(stale=stale)
    ((clip, task),) = clips.items()
    return plan(clip=clip, task=task, fresh=task.stage if fresh else None, stale=stale)


def _answers(reopened: Reopened, kept: KeptLetter) -> bool:
    """Whether `kept` is of a generation before `reopened` and about the same clip, or about anything of the job."""
    if kept.letter is None:
        return False
    task = kept.letter.task
    return task.generation < reopened.generation and reopened.clip in (None, task.clip)


def _generation(data: bytes) -> int:
    try:
        return msgspec.json.decode(data, type=_Dated).generation
    except msgspec.DecodeError:
        return NEVER
