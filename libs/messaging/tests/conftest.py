"""Fixtures of the messaging tests: workers on a real server, and a reader of a job's events."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest
from clipmill.contracts import codec, subjects
from clipmill.contracts.events import Event, Log, Queued
from clipmill.contracts.identifiers import JobId, new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import Task
from clipmill.messaging.attempts import Attempts, Tally
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.connection import retry_until
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import Projector
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.topology import ATTEMPTS, CHECKPOINT, CONTROL, EVENTS, JOBS, SECRETS, stream_of
from clipmill.messaging.worker import OUTCOMES, Facilities, StageWorker, Worker
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError
from prometheus_client import REGISTRY

ACK_WAIT = 1.0


@pytest.fixture
async def shared(nc: Client) -> AsyncIterator[Facilities]:
    ended = EndedJobs(await Bucket.open(nc, CONTROL, int))
    await ended.start()
    attempts = Attempts(await Bucket.open(nc, ATTEMPTS, Tally))
    secrets = Secrets(await Bucket.open(nc, SECRETS, bytes), "a secret of the test")
    yield Facilities(nc, Publisher(nc), attempts, ended, secrets)
    await ended.stop()


@pytest.fixture
def working(shared: Facilities):
    """Return a context manager in which a worker runs; no exception of its tasks may go unseen."""

    @asynccontextmanager
    async def run(work: StageWorker, grace: float = 0.0) -> AsyncIterator[Worker]:
        unseen: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        worker = Worker(work, shared, ack_wait=ACK_WAIT)
        running = asyncio.create_task(worker.run())
        yield worker
        await worker.stop(grace)
        await running
        assert not unseen

    return run


@pytest.fixture
async def settlements(nc: Client) -> list[tuple[str, bytes, float]]:
    """Return what workers send about their deliveries: the consumer, the message, and when it came (monotonic)."""
    heard: list[tuple[str, bytes, float]] = []

    async def hear(message: Msg) -> None:
        heard.append((message.subject.split(".")[3], message.data, time.monotonic()))

    await nc.subscribe("$JS.ACK.>", cb=hear)
    await nc.flush()
    return heard


@pytest.fixture
def words(settlements) -> Callable[[], list[bytes]]:
    """Return a function that lists the messages that settled deliveries so far, without heartbeats."""
    return lambda: [word for _, word, _ in settlements if word != b"+WPI"]


@pytest.fixture
def outcomes() -> Callable[..., dict[str, float]]:
    """Return a function that returns the outcomes of a stage's tasks counted since the test began."""

    def counted(stage: Stage) -> dict[str, float]:
        return {
            outcome: REGISTRY.get_sample_value("clipmill_tasks_total", {"stage": stage, "outcome": outcome}) or 0.0
            for outcome in OUTCOMES
        }

    before = {stage: counted(stage) for stage in Stage}

    def since(stage: Stage = Stage.SCENES) -> dict[str, float]:
        changes = {outcome: count - before[stage][outcome] for outcome, count in counted(stage).items()}
        return {outcome: change for outcome, change in changes.items() if change}

    return since


@pytest.fixture
def soon() -> Callable[[Callable[[], object]], Awaitable[None]]:
    """Return a function that waits until a condition holds; the condition asks no server."""

    async def wait(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.01)

    return wait


@pytest.fixture
def tally(nc: Client) -> Callable[[Task], Awaitable[Tally]]:
    """Return a function that reads the tally of a task's tries."""

    async def read(task: Task) -> Tally:
        key = f"{task.job}.{task.stage}" if task.clip is None else f"{task.job}.{task.stage}.{task.clip}"
        bucket = await nc.jetstream().key_value(ATTEMPTS.name)
        return msgspec.json.decode((await bucket.get(f"{key}.{task.generation}")).value or b"", type=Tally)

    return read


@pytest.fixture
def events_of(nc: Client) -> Callable[[JobId], Awaitable[list[Event]]]:
    """Return a function that reads a job's events so far."""

    async def read(job: JobId) -> list[Event]:
        js, found, sequence = nc.jetstream(), [], 0
        while True:
            try:
                message = await js.get_msg(EVENTS, seq=sequence + 1, subject=subjects.events_of_job(job), next=True)
            except NotFoundError:
                return found
            sequence = message.seq or 0
            found.append(codec.decode_event(message.data or b""))

    return read


@pytest.fixture
def tasks_left(nc: Client) -> Callable[[Task], Awaitable[int]]:
    """Return a function that counts the messages of a task's stage."""

    async def count(task: Task) -> int:
        info = await retry_until(lambda: nc.jetstream(timeout=1).stream_info(stream_of(task.stage)))
        return info.state.messages

    return count


@pytest.fixture
def until():
    """Return a function that checks a condition again and again until it holds."""

    async def wait(condition: Callable[[], Awaitable[bool]], seconds: float = 60.0) -> None:
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.02)

    return wait


class Names:
    """A view that keeps the names of a job's log events, in order."""

    def begin(self, event):
        return {"sequence": event.sequence, "names": []} if b'"queued"' in event.data else None

    def fold(self, document, event):
        if event.sequence <= document["sequence"]:
            return False
        document["sequence"] = event.sequence
        document["names"].append(json.loads(event.data).get("name"))
        return True

    async def before_write(self, document):
        pass

    def written(self, document, events):
        pass


@pytest.fixture
def names() -> Names:
    """Return a view for projectors that is easily compared."""
    return Names()


@pytest.fixture
async def projector_of(nc: Client, names: Names) -> Callable[[], Projector[dict[str, object]]]:
    """Return a function that makes projectors of that view."""
    documents, checkpoints = await Bucket.open(nc, JOBS, dict), await Bucket.open(nc, CHECKPOINT, int)
    return lambda: Projector(JobStreams(nc), documents, checkpoints, names)


@pytest.fixture
async def heard(nc):
    """Return a function that lists the messages on a subject from now on, each with the time when it came."""

    async def listen(subject):
        messages = []

        async def hear(message):
            messages.append((time.monotonic(), message))

        await nc.subscribe(subject, cb=hear)
        await nc.flush()
        return messages

    return listen


@pytest.fixture
async def buckets(nc):
    """Return the buckets of documents and checkpoints as the client of NATS opens them."""
    js = nc.jetstream()
    return await js.key_value(JOBS.name), await js.key_value(CHECKPOINT.name)


@pytest.fixture
def running():
    """Return a context manager in which a projector runs; it yields the task."""

    @asynccontextmanager
    async def run(projector):
        task = asyncio.create_task(projector.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    return run


@pytest.fixture
def publish(shared):
    """Return a function that publishes events of a job and returns the job and the last sequence.

    Without a job it begins a new one.
    """

    async def publish(*names, job=None):
        if job is None:
            job = new_job_id()
            await shared.publisher.event(Queued(job=job))
        acks = [await shared.publisher.event(Log(job=job, name=name, line="")) for name in names]
        return job, acks[-1].seq

    return publish
