"""A renderer, an operator and a sweeper for tests of work on the reserve."""

import asyncio
from collections import Counter

import pytest
from clipmill.artifacts import layout
from clipmill.contracts.events import (
    ClipRendered,
    StageFinished,
    StageStarted,
)
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.stages import Stage
from clipmill.gateway.sweeping.lost_jobs import LostJobs
from clipmill.messaging.attempts import Attempts, Tally
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.dead_letters import DeadLetters
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.reopening import Reopening
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.topology import ATTEMPTS
from clipmill.messaging.worker import Facilities, StageWorker, Worker

NO_MEMORY = Transient(ErrorCode.OUT_OF_MEMORY, "No memory was left.")
SILENCE = 0.3
"""Seconds after which work of these tests counts as lost."""


class Renderer:
    """Renders clips in no time; the numbers in `broken` fail, and those in `slow` never come to an end."""

    def __init__(self, store, clip_of):
        self.broken: set[int] = set()
        self.slow: set[int] = set()
        self.begun: Counter[int] = Counter()
        self.made: Counter[int] = Counter()
        self.stopped = asyncio.Event()
        self._store = store
        self._clip_of = clip_of

    async def render(self, task, context):
        number, job = task.number, task.job
        self.begun[number] += 1
        await context.emit(StageStarted(job=job, stage=Stage.RENDER))
        if number in self.broken:
            raise NO_MEMORY
        if number in self.slow:
            try:
                await asyncio.Event().wait()
            finally:
                self.stopped.set()
        if await self._store.size(layout.clip(job, number)) is None:
            self.made[number] += 1
            await self._store.put_bytes(layout.clip(job, number), b"clip", create=True)
        await context.emit(StageFinished(job=job, stage=Stage.RENDER, clip=number))
        await context.emit(ClipRendered(job=job, clip=number, public=self._clip_of(job, number)))


@pytest.fixture
async def renderer(nc, gateway, store, secrets, clip_of):
    """Yield a renderer whose worker runs."""
    renderer = Renderer(store, clip_of)
    await gateway.ended.start()
    attempts = Attempts(await Bucket.open(nc, ATTEMPTS, Tally))
    shared = Facilities(nc, gateway.publisher, attempts, gateway.ended, secrets)
    work = StageWorker(Stage.RENDER, renderer.render, slots=2, retry=RetryPolicy(attempts=2, first_delay=0.05))
    worker = Worker(work, shared, ack_wait=1.0)
    running = asyncio.create_task(worker.run())
    yield renderer
    await worker.stop(0.1)
    await running
    await gateway.ended.stop()


@pytest.fixture
def settled(gateway, until):
    """Return a function that waits until no wanted clip of a job is open, and returns its document."""

    async def wait(job, generation=1):
        async def done():
            document = await gateway.statuses.document(job)
            return document.generation >= generation and not document.wanted

        await until(done)
        return await gateway.statuses.document(job)

    return wait


@pytest.fixture
def letters(nc):
    return DeadLetters(nc.jetstream(), patience=5.0)


@pytest.fixture
def operator(nc, store):
    return Reopening(nc, store, patience=5.0)


@pytest.fixture
def lost(nc, gateway, until):
    """Return a function that sweeps for lost work once, after its silence and with all events folded."""

    async def sweep(publisher=gateway.publisher):
        async def folded():
            _, last = await JobStreams(nc).events_end()
            return gateway.projector.folded >= last

        await until(folded)
        await asyncio.sleep(SILENCE)
        await gateway.index.refresh()
        sweeping = LostJobs(
            JobStreams(nc),
            gateway.index,
            gateway.documents,
            publisher,
            lambda: gateway.projector.folded,
            silence=SILENCE,
            answer_seconds=2.0,
        )
        await sweeping.run()
        await until(folded)

    return sweep
