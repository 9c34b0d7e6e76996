"""The loop that every stage runs: take a task when a slot is free, stay alive while it is done, settle it once.

A task is settled in one of four ways: acknowledged when its handler returned, delayed when another try may help, kept
as a dead letter when none will, given back when this process is asked to stop. A worker that could not say it is
alive within the ack wait has been superseded: it may still acknowledge what it finished, never refuse it, since that
would hit the new worker's delivery.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import msgspec
import nats.errors
from clipmill.contracts import codec
from clipmill.contracts.events import ClipFailed, Failed
from clipmill.contracts.failures import ErrorCode, Failure, Permanent, Transient
from clipmill.contracts.identifiers import Stage
from clipmill.contracts.tasks import Task
from clipmill.messaging import retry
from clipmill.messaging.attempts import Attempts
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.connection import OUTAGE
from clipmill.messaging.context import TaskContext
from clipmill.messaging.dead_letters import DeadLetter
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.pulling import TaskSource
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.topology import ACK_WAIT
from clipmill.operations import logs
from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import Counter, Gauge, Histogram

log = logs.get_logger(__name__)

TASKS = Counter("clipmill_tasks_total", "Deliveries of tasks, by how they were settled.", ["stage", "outcome"])
TASK_SECONDS = Histogram(
    "clipmill_task_duration_seconds",
    "Wall time of handlers that finished.",
    ["stage"],
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600),
)
RUNNING = Gauge("clipmill_tasks_running", "Tasks being worked on.", ["stage"])
SLOTS = Gauge("clipmill_worker_slots", "Tasks that may be worked on at once.", ["stage"])

BEATS_PER_ACK_WAIT = 3
ACK_TRIES = 2
"""A delivery that the server has forgotten is never answered: after two tries the worker moves on."""

Handler = Callable[[Any, TaskContext], Awaitable[None]]
"""Does one task. The task's type is the stage's own, which the stream's subjects guarantee."""


@dataclass(frozen=True)
class StageWorker:
    """How one process works on one stage.

    Attributes:
        stage: which.
        handler: does one task; raises `Permanent` or `Transient`.
        slots: how many tasks at once.
        attempts: how often a task is tried before it is given up.
    """

    stage: Stage
    handler: Handler
    slots: int = 1
    attempts: int = 3


@dataclass(frozen=True)
class Facilities:
    """What the workers of one process share."""

    nc: Client
    publisher: Publisher
    attempts: Attempts
    ended: EndedJobs
    secrets: Secrets


class Worker:
    """Runs a `StageWorker` until it is asked to stop.

    Args:
        work: what to do with each task, and how many at once.
        shared: what the process's workers share.
        ack_wait: the consumer's ack wait, seconds; a third of it is the time between two heartbeats.
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
        self._chance = random.Random()  # noqa: S311 - jitter, not secrecy
        SLOTS.labels(work.stage).set(work.slots)
        for outcome in ("finished", "retried", "failed", "given_back", "dropped"):
            TASKS.labels(work.stage, outcome)

    async def run(self) -> None:
        """Take and do tasks until `stop`; returns when the loop has stopped fetching."""
        await self._source.start()
        slots = asyncio.Semaphore(self._work.slots)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while not self._stopping.is_set():
                await slots.acquire()
                fetching = asyncio.create_task(self._source.next())
                await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not fetching.done():
                    fetching.cancel()
                    with contextlib.suppress(asyncio.CancelledError):
                        await fetching
                    break
                delivery = asyncio.create_task(self._deliver(fetching.result()))
                self._running.add(delivery)
                delivery.add_done_callback(self._running.discard)
                delivery.add_done_callback(lambda _: slots.release())
        finally:
            stopping.cancel()
            await self._source.stop()

    async def stop(self, grace: float) -> None:
        """Fetch no more; let running tasks finish for `grace` seconds, then give them back."""
        self._stopping.set()
        if self._running:
            await asyncio.wait(self._running, timeout=grace)
        for delivery in list(self._running):
            delivery.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _deliver(self, message: Msg) -> None:
        try:
            task = codec.decode_task(message.data)
        except msgspec.DecodeError as reason:
            log.warning("undecodable_task", subject=message.subject, reason=str(reason))
            await self._publisher.undecodable(message.data, message.subject)
            await message.term()
            return
        with logs.bound(job=task.job, stage=task.stage, clip=task.clip):
            delivery = _Delivery(self._nc, message, task, self._ack_wait)
            try:
                with RUNNING.labels(self._work.stage).track_inprogress():
                    outcome = await self._settle(delivery)
            except nats.errors.Error:
                log.exception("task_left_unsettled")  # it is delivered again after the ack wait
                return
            TASKS.labels(self._work.stage, outcome).inc()
            log.info("task_settled", outcome=outcome, seconds=round(time.monotonic() - delivery.begun, 3))

    async def _settle(self, delivery: "_Delivery") -> str:
        """Do the task and settle its message; returns the outcome's name."""
        task = delivery.task
        if await self._ended.ended(task.job):
            await delivery.refuse()
            return "dropped"
        attempt = await self._attempts.begin(task)
        if attempt > self._work.attempts:
            crashed = Transient(
                ErrorCode.WORKER_CRASHED, f"The {task.stage} stage died {attempt - 1} times while working on this."
            )
            return await self._give_up(delivery, crashed, attempt - 1)
        try:
            finished = await self._work_alive(delivery, attempt)
        except Failure as failure:
            return await self._failed(delivery, failure, attempt)
        except asyncio.CancelledError:
            await self._attempts.take_back(task)
            await delivery.give_back()
            return "given_back"
        if not finished:
            await delivery.refuse()
            return "dropped"
        await delivery.finish()
        TASK_SECONDS.labels(self._work.stage).observe(time.monotonic() - delivery.begun)
        return "finished"

    async def _work_alive(self, delivery: "_Delivery", attempt: int) -> bool:
        """Run the handler under heartbeats; returns False when the job ended meanwhile."""
        task = delivery.task
        ended = self._ended.watch(task.job)
        context = TaskContext(task, attempt, self._publisher, self._secrets)
        working = asyncio.create_task(self._guarded(task, context))
        beating = asyncio.create_task(self._beat(delivery, ended))
        ending = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait({working, ending}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return True
            log.info("job_ended_while_working")
            return False
        finally:
            for each in (working, beating, ending):
                each.cancel()
            await asyncio.gather(working, beating, ending, return_exceptions=True)
            await context.close()
            self._ended.unwatch(task.job, ended)

    async def _guarded(self, task: Task, context: TaskContext) -> None:
        """Run the handler; what it did not foresee may pass, so it is tried again, with the trace in the log."""
        try:
            await self._work.handler(task, context)
        except (Failure, asyncio.CancelledError):
            raise
        except Exception as error:
            log.exception("handler_broke")
            raise Transient(
                ErrorCode.INTERNAL, f"The {task.stage} stage met an internal error ({type(error).__name__})."
            ) from error

    async def _beat(self, delivery: "_Delivery", ended: asyncio.Event) -> None:
        """Say that the task is alive, and look whether its job still is, until cancelled."""
        while True:
            await asyncio.sleep(self._ack_wait / BEATS_PER_ACK_WAIT)
            await delivery.beat()
            if await self._ended.ended(delivery.task.job):
                ended.set()

    async def _failed(self, delivery: "_Delivery", failure: Failure, attempt: int) -> str:
        decision = retry.decide(failure, attempt, self._work.attempts, self._chance)
        facts = {"code": failure.code, "sentence": failure.sentence, "attempt": attempt}
        if isinstance(failure, Permanent):  # the input's fault, not the service's: nobody needs to be woken
            log.info("task_failed", **facts)
        elif isinstance(decision, retry.Retry):
            log.warning("task_failed", again_in_seconds=round(decision.delay, 1), **facts)
        else:
            log.error("task_failed", **facts)
        if isinstance(decision, retry.Retry):
            await delivery.give_back(decision.delay)
            return "retried"
        return await self._give_up(delivery, failure, attempt)

    async def _give_up(self, delivery: "_Delivery", failure: Failure, attempts: int) -> str:
        """Keep the task as a dead letter, tell the job, and settle the message."""
        task = delivery.task
        letter = DeadLetter(
            task=task, code=failure.code, sentence=failure.sentence, attempts=attempts, at=round(time.time(), 3)
        )
        await self._publisher.dead_letter(task, letter)
        if task.clip is None:
            await self._publisher.event(
                Failed(job=task.job, stage=task.stage, code=failure.code, sentence=failure.sentence)
            )
        else:
            await self._publisher.event(
                ClipFailed(job=task.job, clip=task.clip, code=failure.code, sentence=failure.sentence)
            )
        await delivery.refuse()
        return "failed"


class _Delivery:
    """One delivery's message and how long ago it last said it is alive."""

    def __init__(self, nc: Client, message: Msg, task: Task, ack_wait: float) -> None:
        self.task = task
        self._nc = nc
        self.begun = time.monotonic()
        self._message = message
        self._ack_wait = ack_wait
        self._beaten = self.begun

    @property
    def superseded(self) -> bool:
        """Whether the server may have given the task to another worker."""
        return time.monotonic() - self._beaten > self._ack_wait

    async def beat(self) -> None:
        if self.superseded:
            return
        try:
            await self._message.in_progress()
        except nats.errors.Error as reason:
            log.warning("heartbeat_failed", reason=str(reason))
        else:
            if self._nc.is_connected:  # a beat into the void is not a beat
                self._beaten = time.monotonic()

    async def finish(self) -> None:
        """Acknowledge, and wait for the server to say so."""
        for _ in range(ACK_TRIES):
            try:
                await self._message.ack_sync(1.0)
            except (*OUTAGE, nats.errors.Error) as reason:
                log.warning("ack_unanswered", reason=str(reason) or type(reason).__name__)
            else:
                return

    async def refuse(self) -> None:
        """Remove the task: nobody is to do it."""
        if not self.superseded:
            await self._message.term()

    async def give_back(self, delay: float = 0.0) -> None:
        """Let the task be delivered again, after `delay` seconds."""
        if not self.superseded:
            await self._message.nak(delay or None)
