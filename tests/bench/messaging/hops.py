"""The time of a hop between two stages: from the publishing of a task until its handler is entered.

The hop is timed from before the publishing call, so the storing of the task is part of it. A bare loop (the same pull
and doorbell, nothing counted or looked up) is timed in turn with the worker, task by task, on the same server.
"""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from clipmill.contracts import codec
from clipmill.contracts.documents import Cost
from clipmill.contracts.events import CostKnown, Queued
from clipmill.contracts.identifiers import JobId, new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import DownloadTask, RenderTask, ScenesTask, Task, TranscribeTask
from clipmill.gateway.projection import fold
from clipmill.messaging.context import TaskContext
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.pulling import TaskSource
from clipmill.messaging.topology import JOBS
from clipmill.messaging.worker import StageWorker, Worker
from figures import Figure, milliseconds, quantile

from messaging.concurrency import each_of
from messaging.servers import Bench

HOPS = 500
QUEUED_JOBS = 10_000
PAUSE_SECONDS = (0.015, 0.03)
"""Pause between two tasks, drawn at random: each task finds its reader idle, at any phase of that reader's clock."""

ANSWER_SECONDS = 20.0

Enter = Callable[[JobId], None]


class Entries:
    """The times at which the handler of each job was entered."""

    def __init__(self) -> None:
        self._waiting: dict[JobId, asyncio.Future[float]] = {}

    def expect(self, job: JobId) -> asyncio.Future[float]:
        self._waiting[job] = asyncio.get_running_loop().create_future()
        return self._waiting[job]

    def entered(self, job: JobId) -> None:
        entry = self._waiting.pop(job, None)
        if entry is not None:
            entry.set_result(time.monotonic())


async def hops(bench: Bench) -> list[Figure]:
    """Time hops through a worker and through a bare loop, with an empty queue and with 10,000 jobs in it."""
    entries = Entries()
    count, queued = (10, 50) if bench.quick else (HOPS, QUEUED_JOBS)
    publisher = Publisher(bench.nc)
    async with working(bench, entries.entered), bare_loop(bench, entries.entered):
        await _times(publisher, entries, (ScenesTask, TranscribeTask), 10)  # what is made on first use
        ours, bare = await _times(publisher, entries, (ScenesTask, TranscribeTask), count)
        await _queue(bench, publisher, queued)
        (full,) = await _times(publisher, entries, (ScenesTask,), count)
        await bench.clear()
        (empty,) = await _times(publisher, entries, (ScenesTask,), count)
    ours_p50, bare_p50, full_p50 = (quantile(times, 0.5) for times in (ours, bare, full))
    ratio = ours_p50 / bare_p50
    slower = full_p50 / quantile([*ours, *empty], 0.5)
    p99, bare_p99 = quantile(ours, 0.99), quantile(bare, 0.99)
    return [
        Figure(f"hop, p50 of {count}", milliseconds(ours_p50), "≤ 5 ms", ours_p50 <= 0.005),
        Figure("hop, p99", milliseconds(p99), "≤ 25 ms", p99 <= 0.025),
        Figure("bare loop of the same pull, p50 and p99", f"{milliseconds(bare_p50)}, {milliseconds(bare_p99)}"),
        Figure("hop to bare loop, p50", f"{ratio:.2f} ×", "≤ 2 ×", ratio <= 2),
        Figure(
            f"hop with {queued:,} jobs queued, p50 to that of empty queues before and after",
            f"{slower:.2f} × ({milliseconds(full_p50)})",
            "≤ 1.5 ×",
            slower <= 1.5,
        ),
    ]


@asynccontextmanager
async def working(bench: Bench, enter: Enter) -> AsyncIterator[None]:
    """Run a worker of the scenes stage whose handler only notes that it was entered."""

    async def handler(task: Task, _context: TaskContext) -> None:
        enter(task.job)

    async with bench.runtime() as runtime:
        worker = Worker(StageWorker(Stage.SCENES, handler), runtime.shared, ack_wait=runtime.ack_wait)
        running = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            await worker.stop(1.0)
            await running


@asynccontextmanager
async def bare_loop(bench: Bench, enter: Enter) -> AsyncIterator[None]:
    """Take tasks of the transcribe stage, note and acknowledge each, and do nothing else."""
    async with bench.runtime() as runtime:
        source = TaskSource(runtime.nc, Stage.TRANSCRIBE)
        await source.start()

        async def take() -> None:
            while True:
                message = await source.next()
                enter(codec.decode_task(message.data).job)
                await message.ack()

        taking = asyncio.create_task(take())
        try:
            yield
        finally:
            taking.cancel()
            with suppress(asyncio.CancelledError):
                await taking
            await source.stop()


async def _times(
    publisher: Publisher, entries: Entries, kinds: tuple[type[ScenesTask | TranscribeTask], ...], count: int
) -> list[list[float]]:
    """Return seconds from publishing to entering, for each kind of task, one of each in turn."""
    times: list[list[float]] = [[] for _ in kinds]
    chance = random.Random(1)
    for turn in range(count):
        order = range(len(kinds)) if turn % 2 else reversed(range(len(kinds)))
        for which in order:
            task = kinds[which](job=new_job_id())
            entry = entries.expect(task.job)
            begun = time.monotonic()
            await publisher.task(task)
            async with asyncio.timeout(ANSWER_SECONDS):
                times[which].append(await entry - begun)
            await asyncio.sleep(chance.uniform(*PAUSE_SECONDS))
    return times


async def _queue(bench: Bench, publisher: Publisher, count: int) -> None:
    """Queue `count` jobs: the first task, events and document of each, and a task of a later stage."""
    documents = await bench.nc.jetstream().key_value(JOBS.name)

    async def one() -> None:
        job = new_job_id()
        queued = Queued(job=job, source="https://example.com/talk.mp4", at=time.time())
        stored = await publisher.event(queued)
        document = fold.begin(stored.seq, queued)
        assert document is not None
        await documents.create(job, codec.encode(document))
        await publisher.event(CostKnown(job=job, cost=Cost()))
        await publisher.task(DownloadTask(job=job, url=queued.source))
        await publisher.task(RenderTask(job=job, number=1))

    await each_of(count, one)
