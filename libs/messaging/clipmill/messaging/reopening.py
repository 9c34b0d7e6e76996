"""The retry of dead letters, which starts work again that was given up.

A retry has five steps:

1. Read the history, and refuse the retry if it makes no sense.
2. Publish `reopened`. Its message id is the same for all who saw the same history, so of two operators one wins.
3. Delete the artifacts that are to be made again.
4. Publish the task in the new generation.
5. Remove the letters that the retry answers.

A retry may break off after any step. If it has published no task by then, the job waits until the letter is retried
again or the sweeper restarts the job. If letters are left over, the next retry removes them.

A projector that is just ending the job's older generation purges no task of the newer one, because `reopened` is stored
before the task.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

import msgspec
from clipmill.artifacts import layout
from clipmill.artifacts.store import Store
from clipmill.contracts import codec, log_lines
from clipmill.contracts.events import Reopened
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
"""Time for which somebody else's retry counts as under way; an older one counts as broken off and is finished here."""

STAGES = tuple(Stage)


class Outcome(StrEnum):
    """The result of a retry."""

    REOPENED = "reopened"
    """The work starts again."""

    TAKEN_UP = "taken_up"
    """An earlier retry, which had broken off, is finished."""

    ANSWERED = "answered"
    """The work had started again already; only the letter was left over."""


class Retried(Struct, frozen=True, kw_only=True):
    """A retry that was done.

    Attributes:
        job: Job of the letters.
        clip: Clip that is rendered again, None for the whole job (finished stages skip themselves).
        generation: Generation of the new work.
        outcome: Result of the retry.
        fresh: First stage whose artifacts were deleted, None if none were.
        removed: Ids of the letters that the retry answers.
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
        nc: Open connection.
        store: Artifact store, needed only for `fresh` retries.
        patience: Time for which each request is repeated, in seconds; after it, the request raises `Transient`,
            `unavailable`.
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
            number: Id of the letter.
            fresh: True to delete first the artifacts of the letter's stage and of later stages; for a letter about a
                clip, only the clip's artifacts.

        Raises:
            Permanent: `not_found`, `bad_request` or `cancelled`, if it cannot be retried.
            Transient: `busy`, if somebody else is retrying it or the queue is full; `unavailable` in an outage.
        """
        kept = await self._letters.get(number)
        if kept.letter is None:
            sentence = (
                f"The dead letter {number} cannot be decoded; show it with `clipmill dead-letters show {number}`, or "
                f"drop it with `clipmill dead-letters drop {number}`."
            )
            raise Permanent(ErrorCode.BAD_REQUEST, sentence)
        return await self._retry([(number, kept.letter)], fresh=fresh)

    async def retry_job(self, job: JobId, *, fresh: bool = False) -> Retried:
        """Retry all letters of `job` at once; see `retry`."""
        letters = [(kept.id, kept.letter) for kept in await self._letters.all(job) if kept.letter is not None]
        if not letters:
            sentence = f"Job {job} has no dead letter that can be retried; list all with `clipmill dead-letters list`."
            raise Permanent(ErrorCode.NOT_FOUND, sentence)
        return await self._retry(letters, fresh=fresh)

    async def _retry(self, kept: Sequence[tuple[int, DeadLetter]], *, fresh: bool) -> Retried:
        job = kept[0][1].task.job
        history = JobHistory()
        async for message in self._streams.events(job):
            history.note(message.data)
        if history.queued is None:
            sentence = f"Job {job} was deleted, or its first events have expired; submit the video again."
            raise Permanent(ErrorCode.NOT_FOUND, sentence)
        if history.cancelled or await self._over(job):
            raise Permanent(ErrorCode.CANCELLED, f"Job {job} was cancelled or deleted; submit the video again.")
        settled = {number: letter for number, letter in kept if _rendered(letter, history)}
        for number in settled:
            await self._letters.forget(number)
        letters = [letter for number, letter in kept if number not in settled]
        if not letters:
            return _answered(settled, history)
        plan = _plan(letters, fresh=fresh)
        if plan.stale:
            await self._check_store()
        earlier = history.last_retry(plan.clip, plan.generation)
        if earlier is not None:
            return await self._take_up(plan, earlier, history, settled)
        if not all(history.failed(letter.task.clip) >= letter.task.generation for letter in plan.letters):
            sentence = f"Job {job} does not show this failure yet; try again in a moment."
            raise Transient(ErrorCode.BUSY, sentence, retry_after=1)
        ours = Reopened(
            job=job,
            at=time.time(),  # to the microsecond, which distinguishes this claim from another
            generation=1 + max(plan.generation, history.generation),
            clip=plan.clip,
            clips=plan.reserve(history) if plan.clip is None else None,
            fresh=plan.fresh,
            line=log_lines.RETRIED if plan.clip is None else log_lines.clip_retried(plan.clip),
        )
        await self._claim(ours)
        await self._publish(plan, ours, history, plan.stale)
        return await self._done(plan, ours, Outcome.REOPENED, settled)

    async def _check_store(self) -> None:
        """Check before the job is reopened that artifacts can be deleted."""
        if self._store is None:
            raise Permanent(ErrorCode.BAD_REQUEST, "A fresh retry needs the artifact store; set CLIPMILL_STORE_URL.")
        await self._store.ready()

    async def _over(self, job: JobId) -> bool:
        """Return whether `job` was cancelled or deleted."""
        bucket = await Bucket.open(self._nc, CONTROL, int, deadline=self._deadline())
        return await EndedJobs(bucket).ended(job, ENDED_FOR_GOOD, deadline=self._deadline())

    async def _claim(self, ours: Reopened) -> None:
        """Publish `ours`.

        Raises:
            Transient: `busy`, if somebody who saw the same history was faster.
        """
        await self._publisher.event(ours, deadline=self._deadline())
        winner = await self._streams.last_event(ours.job, Reopened)
        if winner is None or codec.decode_event(winner.data) != ours:
            sentence = f"Somebody else has just reopened job {ours.job}; check the job in a moment."
            raise Transient(ErrorCode.BUSY, sentence, retry_after=1)

    async def _take_up(
        self, plan: "RetryPlan", earlier: Reopened, history: JobHistory, settled: Iterable[int]
    ) -> Retried:
        """Finish a retry that somebody began, in its generation, so that nothing is done twice."""
        age = time.time() - earlier.at
        if age < CLAIM_SECONDS:
            sentence = f"Somebody else reopened job {plan.job} {max(age, 0):.0f} s ago; check the job in a moment."
            raise Transient(ErrorCode.BUSY, sentence, retry_after=CLAIM_SECONDS)
        if history.heard(plan.clip) >= earlier.generation or await self._waiting(plan.job, earlier.generation):
            return await self._done(plan, earlier, Outcome.ANSWERED, settled)
        await self._publish(plan, earlier, history, plan.stale if earlier.fresh == plan.fresh else ())
        return await self._done(plan, earlier, Outcome.TAKEN_UP, settled)

    async def _publish(self, plan: "RetryPlan", reopened: Reopened, history: JobHistory, stale: Iterable[str]) -> None:
        """Delete the stale artifacts and publish the first tasks of the new generation.

        The job's first task is published if anything but clips of the reserve failed; it leads to the clips of the
        plan. Each clip of the reserve has its own task.
        """
        if self._store is not None:
            for key in stale:
                await (self._store.delete_prefix(key) if key.endswith("/") else self._store.delete(key))
        tasks: list[Task] = []
        if plan.task is not None:
            tasks.append(plan.task)
        elif history.queued is not None:
            clips = plan.reserve(history)
            if not clips or not history.reserve_only:
                tasks.append(first_task(history.queued))
            tasks += [letter.task for letter in plan.letters if letter.task.clip in clips]
        for task in tasks:
            await self._publisher.task(replace(task, generation=reopened.generation), deadline=self._deadline())

    async def _waiting(self, job: JobId, generation: int) -> bool:
        """Return whether a task of `generation` or later is waiting or being worked on."""
        async for message in self._streams.tasks(job):
            if _generation(message.data) >= generation:
                return True
        return False

    async def _done(self, plan: "RetryPlan", reopened: Reopened, outcome: Outcome, settled: Iterable[int]) -> Retried:
        """Remove the letters that `reopened` answers; those that are `settled` are removed already."""
        answered = [kept.id for kept in await self._letters.all(plan.job) if _answers(reopened, kept)]
        for number in answered:
            await self._letters.forget(number)
        return Retried(
            job=plan.job,
            clip=reopened.clip,
            generation=reopened.generation,
            outcome=outcome,
            fresh=reopened.fresh,
            removed=tuple(sorted({*answered, *settled})),
        )

    def _deadline(self) -> float:
        return time.monotonic() + self._patience


class _Dated(Struct):
    """The only field of a task that is read here."""

    generation: int = 0


@dataclass(frozen=True)
class RetryPlan:
    """The work that a retry starts again.

    Attributes:
        job: Job of the letters.
        generation: Latest generation in which the work was given up.
        letters: Letters that are retried.
        clip: Clip that is rendered again, None for the whole job.
        task: Task of that clip, None for the job's first task.
        fresh: Stage that does its work again, named in the event `reopened`; None if artifacts stay.
        stale: Keys to delete, as `layout.made_from` orders them.
    """

    job: JobId
    generation: int
    letters: tuple[DeadLetter, ...]
    clip: int | None = None
    task: Task | None = None
    fresh: Stage | None = None
    stale: tuple[str, ...] = ()

    def reserve(self, history: JobHistory) -> tuple[int, ...]:
        """Return the clips of the reserve whose tasks are published again beside the job's first task, ascending."""
        clips = {letter.task.clip for letter in self.letters} & history.wanted
        return () if self.fresh else tuple(sorted(clip for clip in clips if clip is not None))


def _plan(letters: Sequence[DeadLetter], *, fresh: bool) -> RetryPlan:
    """Return the plan to retry `letters`, which belong to one job.

    One clip is rendered again by its own task. For several clips, or a job that failed as a whole, the plan starts with
    the job's first task: one `reopened` answers all letters, and finished stages skip themselves.
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


def _rendered(letter: DeadLetter, history: JobHistory) -> bool:
    """Return whether the clip of `letter` was rendered after the letter was written, because somebody asked for it."""
    return history.rendered(letter.task.clip) > letter.task.generation


def _answered(settled: Mapping[int, DeadLetter], history: JobHistory) -> Retried:
    """Return the result for letters of clips that were rendered meanwhile; nothing is done again."""
    tasks = [letter.task for letter in settled.values()]
    return Retried(
        job=tasks[0].job,
        clip=tasks[0].clip if len({task.clip for task in tasks}) == 1 else None,
        generation=max(history.rendered(task.clip) for task in tasks),
        outcome=Outcome.ANSWERED,
        fresh=None,
        removed=tuple(sorted(settled)),
    )


def _answers(reopened: Reopened, kept: KeptLetter) -> bool:
    """Return whether `reopened` answers `kept`, a letter of an earlier generation about the same clip or job."""
    if kept.letter is None:
        return False
    task = kept.letter.task
    return task.generation < reopened.generation and reopened.clip in (None, task.clip)


def _generation(data: bytes) -> int:
    try:
        return msgspec.json.decode(data, type=_Dated).generation
    except msgspec.DecodeError:
        return NEVER
