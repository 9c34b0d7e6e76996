"""The loop of every stage: take a task when a slot is free, send heartbeats while it is done, settle it once.

A worker settles a task in one of four ways: it acknowledges a task whose handler returned, delays one for which another
try may help, keeps one as a dead letter if no try will help, and gives one back when this process is asked to stop. A
worker that sent no heartbeat within the ack wait is superseded: it may still acknowledge a finished task, and leaves
the rest to the worker that has the task now.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec
import nats.errors
from clipmill.contracts import codec
from clipmill.contracts.events import ClipFailed, Failed
from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import Task
from clipmill.messaging.attempts import Attempts, Tally
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.context import TaskContext
from clipmill.messaging.dead_letters import DeadLetter
from clipmill.messaging.delivery import Delivery
from clipmill.messaging.publisher import Publisher, now
from clipmill.messaging.pulling import TaskSource
from clipmill.messaging.retry import Retry, RetryPolicy, blameless
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.topology import ACK_WAIT
from clipmill.operations import logs
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import Counter, Gauge, Histogram

log = logs.get_logger(__name__)

TASKS = Counter("clipmill_tasks_total", "Task deliveries, by stage and outcome.", ["stage", "outcome"])
TASK_SECONDS = Histogram(
    "clipmill_task_duration_seconds",
    "Seconds that finished handlers took, by stage.",
    ["stage"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600),
)
RUNNING = Gauge("clipmill_tasks_running", "Tasks being worked on, by stage.", ["stage"])
SLOTS = Gauge("clipmill_worker_slots", "Tasks that may run at the same time, by stage.", ["stage"])

BEATS_PER_ACK_WAIT = 3

BEAT_RETRY_SECONDS = 0.1
"""Pause before an unanswered heartbeat is repeated; short, so one is sent as soon as an outage ends."""

TAKE_BACK_SECONDS = 60.0
"""Time for which a worker goes on, through an outage, to take back a try whose acknowledgement was lost."""

GIVE_BACK_SECONDS = 2.0
"""Time that a stopping worker waits for a server that is away; then the task goes back after the ack wait."""

OUTCOMES = ("finished", "retried", "failed", "given_back", "dropped", "superseded")

Handler = Callable[[Any, TaskContext], Awaitable[None]]
"""A function that does one task. The task has the stage's type, which the stream's subjects guarantee."""


@dataclass(frozen=True)
class StageWorker:
    """The work of one process on one stage.

    Attributes:
        stage: Stage whose tasks are done.
        handler: Function that does one task and raises `Permanent` or `Transient`.
        slots: Number of tasks at the same time.
        retry: Number of attempts and delays between them.
    """

    stage: Stage
    handler: Handler
    slots: int = 1
    retry: RetryPolicy = field(default_factory=RetryPolicy)


@dataclass(frozen=True)
class Facilities:
    """The facilities that the workers of one process share."""

    nc: Client
    publisher: Publisher
    attempts: Attempts
    ended: EndedJobs
    secrets: Secrets


class Worker:
    """Runs a `StageWorker` until it is asked to stop.

    Args:
        work: Stage, handler and slots.
        shared: Facilities that the workers of the process share.
        ack_wait: Ack wait of the consumer, in seconds; a third of it is the time between two heartbeats.
    """

    def __init__(self, work: StageWorker, shared: Facilities, *, ack_wait: float = ACK_WAIT) -> None:
        self._work = work
        self._nc = shared.nc
        self._publisher = shared.publisher
        self._attempts = shared.attempts
        self._ended = shared.ended
        self._secrets = shared.secrets
        self._ack_wait = ack_wait
        self._source = TaskSource(shared.nc, work.stage)
        self._running: set[asyncio.Task[None]] = set()
        self._stopping = asyncio.Event()
        self._fetched_last = asyncio.Event()
        self._chance = random.Random()  # noqa: S311 - jitter, not secrecy
        SLOTS.labels(work.stage).set(work.slots)
        for outcome in OUTCOMES:
            TASKS.labels(work.stage, outcome)

    async def run(self) -> None:
        """Take and do tasks until `stop`; return when the loop has stopped fetching."""
        await self._source.start()
        slots = asyncio.Semaphore(self._work.slots)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while not self._stopping.is_set():
                await slots.acquire()
                fetching = asyncio.create_task(self._source.next())
                await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if self._stopping.is_set():
                    await _unfetch(fetching)
                    break
                delivery = asyncio.create_task(self._deliver(fetching.result()))
                self._running.add(delivery)
                delivery.add_done_callback(self._running.discard)
                delivery.add_done_callback(lambda _: slots.release())
        finally:
            stopping.cancel()
            await self._source.stop()
            self._fetched_last.set()

    async def stop(self, grace: float) -> None:
        """Fetch no more; let running tasks finish for `grace` seconds, then give them back."""
        self._stopping.set()
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for delivery in list(self._running):
            delivery.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._fetched_last.wait()

    async def _deliver(self, message: Msg) -> None:
        try:
            task = codec.decode_task(message.data)
        except msgspec.DecodeError as reason:
            log.warning("task_decoding_failed", subject=message.subject, reason=str(reason))
            await self._publisher.undecodable(message.data, message.subject)
            await message.term()
            return
        with logs.bound(job=task.job, stage=task.stage, clip=task.clip):
            delivery = Delivery(self._nc, message, task, self._ack_wait)
            try:
                with RUNNING.labels(self._work.stage).track_inprogress():
                    outcome = await self._settle(delivery)
            except nats.errors.Error:
                log.exception("task_left_unsettled")  # it is delivered again after the ack wait
                return
            TASKS.labels(self._work.stage, outcome).inc()
            log.info("task_settled", outcome=outcome, seconds=round(time.monotonic() - delivery.begun, 3))

    async def _settle(self, delivery: Delivery) -> str:
        """Do the task, settle its message and return the outcome's name."""
        task = delivery.task
        try:
            ended, tally = await asyncio.gather(
                self._ended.ended(task.job, task.generation), self._attempts.begin(task)
            )
            if ended:
                await delivery.refuse()
                return "dropped"
            if self._work.retry.exhausted(tally):
                died = tally.begun - 1
                times = "once" if died == 1 else f"{died} times"
                sentence = (
                    f"The {task.stage} stage died {times} while working on this task; "
                    f"read the log of the service {task.stage.row.service}."
                )
                return await self._give_up(delivery, Transient(ErrorCode.WORKER_CRASHED, sentence), died)
            return await self._try(delivery, tally)
        except asyncio.CancelledError:
            if delivery.done:
                return await self._finish(delivery, GIVE_BACK_SECONDS)
            await self._give_back(delivery)
            return "given_back"

    async def _try(self, delivery: Delivery, tally: Tally) -> str:
        try:
            finished = await self._work_alive(delivery, tally.begun)
        except Failure as failure:
            return await self._failed(delivery, failure, tally)
        if not finished:
            await delivery.refuse()
            return "dropped"
        return await self._finish(delivery, TAKE_BACK_SECONDS)

    async def _work_alive(self, delivery: Delivery, attempt: int) -> bool:
        """Run the handler under heartbeats and return whether it finished before the job ended."""
        task = delivery.task
        context = TaskContext(task, attempt, self._publisher, self._secrets)
        with self._ended.watch(task.job, task.generation) as ended:
            working = asyncio.create_task(self._guarded(delivery, context))
            ending = asyncio.create_task(ended.wait())
            others = [ending, *map(asyncio.create_task, (self._beat(delivery), self._watch_for_end(task, ended)))]
            try:
                await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in (working, *others):
                    each.cancel()
                await asyncio.gather(working, *others, return_exceptions=True)
                await context.close()
        if not delivery.done and ended.is_set():
            log.info("job_ended_while_working")
            return False
        working.result()
        return True

    async def _finish(self, delivery: Delivery, patience: float) -> str:
        """Acknowledge a finished task.

        A try whose acknowledgement was lost is taken back: the task will be delivered again and skip its work, and
        this try must not count as a worker that died.
        """
        if not await delivery.finish():
            with contextlib.suppress(Transient):
                await self._attempts.take_back(delivery.task, deadline=time.monotonic() + patience)
        TASK_SECONDS.labels(self._work.stage).observe(time.monotonic() - delivery.begun)
        return "finished"

    async def _guarded(self, delivery: Delivery, context: TaskContext) -> None:
        """Run the handler; an unforeseen error is logged with its trace and is `Transient`, because it may pass."""
        try:
            await self._work.handler(delivery.task, context)
        except (Failure, asyncio.CancelledError):
            raise
        except Exception as error:
            log.exception("handler_failed")
            sentence = (
                f"The {self._work.stage} stage met an internal error ({type(error).__name__}); "
                f"look for the job's id in the log of the service {self._work.stage.row.service}, and report the bug."
            )
            raise Transient(ErrorCode.INTERNAL, sentence) from error
        delivery.done = True

    async def _beat(self, delivery: Delivery) -> None:
        """Send heartbeats until cancelled, or until another worker may have the task."""
        heard = True
        while not delivery.superseded:
            await asyncio.sleep(self._ack_wait / BEATS_PER_ACK_WAIT if heard else BEAT_RETRY_SECONDS)
            heard = await delivery.beat()
        log.warning("worker_superseded")
        await self._attempts.take_back(delivery.task)  # this try did not die

    async def _watch_for_end(self, task: Task, ended: asyncio.Event) -> None:
        """Check again and again whether the task's job has ended, because an outage hides the news of it."""
        while True:
            await asyncio.sleep(self._ack_wait / BEATS_PER_ACK_WAIT)
            if await self._ended.ended(task.job, task.generation):
                ended.set()

    async def _failed(self, delivery: Delivery, failure: Failure, tally: Tally) -> str:
        if delivery.superseded:
            log.warning("superseded_worker_failed", code=failure.code, sentence=failure.sentence)
            return "superseded"
        if blameless(failure):
            tally = await self._attempts.wait(delivery.task)
        decision = self._work.retry.decide(failure, tally, self._chance)
        facts = {"code": failure.code, "sentence": failure.sentence, "attempt": tally.begun, "waited": tally.waited}
        if isinstance(failure, Permanent):  # the input is at fault, so nobody needs to be woken
            log.info("task_failed", **facts)
        elif isinstance(decision, Retry):
            log.warning("task_failed", again_in_seconds=round(decision.delay, 1), **facts)
        else:
            log.error("task_failed", **facts)
        if isinstance(decision, Retry):
            await delivery.give_back(decision.delay)
            return "retried"
        return await self._give_up(delivery, failure, tally.begun + tally.waited)

    async def _give_up(self, delivery: Delivery, failure: Failure, attempts: int) -> str:
        """Keep the task as a dead letter, publish its failure, and settle the message."""
        task = delivery.task
        letter = DeadLetter(task=task, code=failure.code, sentence=failure.sentence, attempts=attempts, at=now())
        await self._publisher.dead_letter(task, letter)
        await self._publisher.event(_failure_event(task, failure))
        await delivery.refuse()
        return "failed"

    async def _give_back(self, delivery: Delivery) -> None:
        """Give the task back and take back its try."""
        with contextlib.suppress(Transient):
            await self._attempts.take_back(delivery.task, deadline=time.monotonic() + GIVE_BACK_SECONDS)
        await delivery.give_back()


async def _unfetch(fetching: asyncio.Task[Msg]) -> None:
    """Give back a task that came just when fetching stopped."""
    if not fetching.done():
        fetching.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await fetching
    else:
        await fetching.result().nak()


def _failure_event(task: Task, failure: Failure) -> Failed | ClipFailed:
    """Return the event of a final failure; a clip fails alone."""
    if task.clip is None:
        return Failed(
            job=task.job,
            generation=task.generation,
            stage=task.stage,
            code=failure.code,
            sentence=failure.sentence,
        )
    return ClipFailed(
        job=task.job, generation=task.generation, clip=task.clip, code=failure.code, sentence=failure.sentence
    )
