"""A gateway over real HTTP, with a real NATS and a real store; the test publishes the events in place of workers."""

import asyncio
import contextlib
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from clipmill.artifacts import layout
from clipmill.artifacts.documents import save_once
from clipmill.artifacts.store import Store, open_store
from clipmill.contracts import codec
from clipmill.contracts.documents import ClipFacts
from clipmill.contracts.events import ClipRendered, ClipsPlanned, StageStarted, Started
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import PublicClip
from clipmill.gateway.api.admission import Admission
from clipmill.gateway.api.application import application
from clipmill.gateway.api.archives import Archives
from clipmill.gateway.api.clips import Clips
from clipmill.gateway.api.configuration import Configuration
from clipmill.gateway.api.jobs import Jobs
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.api.submissions import Submissions
from clipmill.gateway.api.transcripts import Transcripts
from clipmill.gateway.api.videos import Videos
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.index import JobIndex
from clipmill.gateway.projection.projector import JobsView
from clipmill.gateway.removal import Removal
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import Projector
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.topology import CHECKPOINT, CONTROL, INTAKE, JOBS, SECRETS
from clipmill.operations.health import Health

sys.path.insert(0, str(Path(__file__).parent))

from reserves import SHOTS, clip_failed, plan_of

MAX_UPLOAD = 3_000_000
MODELS = ("small", "large-v3")
ANSWER_SECONDS = 2.0


@dataclass
class Gateway:
    """The parts of a gateway.

    Attributes:
        client: Client of the gateway.
        store: Store of the artifacts.
        publisher: Publisher of events and tasks.
        ended: Record of ended jobs.
        statuses: Statuses of jobs.
        documents: Bucket of job documents.
        index: Index of all jobs.
        removal: Removal of jobs.
        projector: Projector that folds events.
        projecting: Task that runs the projector; a test may cancel it.
    """

    client: TestClient
    store: Store
    publisher: Publisher
    ended: EndedJobs
    statuses: Statuses
    documents: Bucket[JobDocument]
    index: JobIndex
    removal: Removal
    projector: Projector[JobDocument]
    projecting: asyncio.Task[None]


@pytest.fixture
def max_upload():
    """Return the largest upload that the gateway accepts, in bytes."""
    return MAX_UPLOAD


@pytest.fixture
def store(tmp_path):
    return open_store((tmp_path / "store").as_uri())


@pytest.fixture
async def secrets(nc):
    return Secrets(await Bucket.open(nc, SECRETS, bytes), "the installation's")


@pytest.fixture
async def gateway(nc, store, secrets):
    """Yield a gateway whose projector runs."""
    streams, documents = JobStreams(nc), await Bucket.open(nc, JOBS, JobDocument)
    publisher, ended = Publisher(nc), EndedJobs(await Bucket.open(nc, CONTROL, int))
    statuses = Statuses(documents, answer_seconds=ANSWER_SECONDS)
    index = JobIndex(documents, answer_seconds=ANSWER_SECONDS)
    removal = Removal(streams, store, documents, ended, answer_seconds=ANSWER_SECONDS)
    jobs = Jobs(index, statuses, publisher, ended, removal, answer_seconds=ANSWER_SECONDS)
    admission = Admission(store, streams, 0)
    submissions = Submissions(
        store,
        publisher,
        documents,
        secrets,
        admission,
        max_upload_bytes=MAX_UPLOAD,
        models=MODELS,
        answer_seconds=ANSWER_SECONDS,
    )
    checkpoints = await Bucket.open(nc, CHECKPOINT, int)
    projector = Projector(streams, documents, checkpoints, JobsView(streams, ended, secrets))
    projecting = asyncio.create_task(projector.run())
    app = application(
        submissions,
        statuses,
        jobs,
        Transcripts(store, statuses),
        Videos(store, statuses),
        clips=Clips(store, statuses, publisher, streams, admission, answer_seconds=ANSWER_SECONDS),
        archives=Archives(store, statuses),
        configuration=Configuration(MAX_UPLOAD, MODELS, 3600.0),
        health=Health(),
    )
    async with TestClient(TestServer(app)) as client:
        yield Gateway(client, store, publisher, ended, statuses, documents, index, removal, projector, projecting)
    await jobs.close()
    await submissions.close()
    projecting.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await projecting


@pytest.fixture
def api(gateway):
    """Return a client of the gateway."""
    return gateway.client


@pytest.fixture
def published(nc, gateway):
    """Return a function that publishes events of a job and waits until the last is in its document."""

    async def publish(*events):
        for event in events:
            ack = await gateway.publisher.event(event)
        jobs = await nc.jetstream().key_value(JOBS.name)
        async with asyncio.timeout(60):
            while b'"sequence":%d' % ack.seq not in (await jobs.get(events[-1].job)).value:
                await asyncio.sleep(0.01)

    return publish


@pytest.fixture
def submit(api):
    """Return a function that submits a URL and returns the job's id."""

    async def post(**body):
        answer = await api.post("/api/process", json={"url": "https://example.com/talk.mp4", **body})
        assert answer.status == 200, await answer.text()
        return (await answer.json())["job_id"]

    return post


@pytest.fixture
def clip_of():
    """Return a function that makes the entry of a clip in the status of its job."""

    def make(job, number):
        return PublicClip(
            video_url=f"/videos/{job}/talk_clip_{number}.mp4",
            title="It's 🎬 <b>",
            video_description_for_tiktok="a",
            video_description_for_instagram="b",
            video_title_for_youtube_short="c",
            start=45.2,
            end=68.5,
            virality_score=87,
        )

    return make


@pytest.fixture
def until():
    """Return a function that checks a condition again and again until it holds."""

    async def wait(condition, seconds=60.0):
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def rendered(clip_of, store):
    """Return a function that stores the facts of a clip and returns the event of its rendering."""

    async def make(job, number, generation=0):
        facts = ClipFacts(number=number, duration=9.5, width=8, height=8, frames=4, size_bytes=4, shots=SHOTS)
        await save_once(store, layout.clip_facts(job, number), facts)
        return ClipRendered(job=job, clip=number, generation=generation, public=clip_of(job, number))

    return make


@pytest.fixture
def completed(submit, published, rendered, nc, store):
    """Return a function that makes a completed job with a stored plan and no task; the clips `failed` are not ready."""

    async def make(plan=None, failed=(), **body):
        job, plan = await submit(**body), plan or plan_of()
        await nc.jetstream().purge_stream(INTAKE)
        await save_once(store, layout.plan(job), plan)
        clips = [
            clip_failed(job, clip.number, 0) if clip.number in failed else await rendered(job, clip.number)
            for clip in plan.clips
        ]
        await published(
            Started(job=job),
            ClipsPlanned(job=job, count=len(plan.clips), reserve=len(plan.reserve)),
            *([StageStarted(job=job, stage=Stage.RENDER)] if clips else []),
            *clips,
        )
        return job

    return make


@pytest.fixture
def tasks(nc):
    """Return a function that lists the tasks of a job."""

    async def read(job):
        return [codec.decode_task(message.data) async for message in JobStreams(nc).tasks(JobId(job))]

    return read


@pytest.fixture
def ask(api):
    """Return a function that asks for more clips, and returns status and body."""

    async def post(job, body, key=None, client=api):
        headers = {} if key is None else {"Idempotency-Key": key}
        answer = await client.post(f"/api/jobs/{job}/clips", json=body, headers=headers)
        return answer.status, await answer.json()

    return post


@pytest.fixture
async def questions(nc):
    """Return a list that collects the requests to the bucket of jobs from now on."""
    heard = []

    async def hear(message):
        heard.append(message.data)

    await nc.subscribe(f"$JS.API.STREAM.MSG.GET.{JOBS.stream}", cb=hear)
    await nc.flush()
    return heard
