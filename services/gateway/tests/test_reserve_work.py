"""The work on clips of the reserve: gateway, projector, renderer, sweeper and operator together on a real server."""

import asyncio
from collections import Counter

import pytest
from clipmill.artifacts import layout
from clipmill.contracts import log_lines
from clipmill.contracts.events import ClipRendered, ClipsWanted, StageFinished, StageStarted
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import JobState
from clipmill.contracts.tasks import RenderTask
from clipmill.gateway.projection.projector import JobsView
from clipmill.gateway.projection.rebuilding import Rebuilding
from clipmill.gateway.sweeping.expired_jobs import ExpiredJobs
from clipmill.gateway.sweeping.lost_jobs import LostJobs
from clipmill.messaging.attempts import Attempts, Tally
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.dead_letters import DeadLetters
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import Projector
from clipmill.messaging.reopening import Outcome, Reopening
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.topology import ATTEMPTS, CHECKPOINT, TASKS
from clipmill.messaging.worker import Facilities, StageWorker, Worker
from reserves import clip_failed, numbered

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

    async def sweep():
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
            gateway.publisher,
            lambda: gateway.projector.folded,
            silence=SILENCE,
            answer_seconds=2.0,
        )
        await sweeping.run()
        await until(folded)

    return sweep


async def test_each_clip_of_the_reserve_is_rendered_once_though_several_ask_for_it(completed, ask, renderer, settled):
    job = await completed()
    bodies = [{"more": 2}, {"numbers": [3]}, {"numbers": [3, 5]}, {"numbers": [5]}]
    answers = await asyncio.gather(*(ask(job, body) for body in bodies))
    assert [status for status, _ in answers] == [202] * 4
    given = {number for _, body in answers for number in body["numbers"]}
    document = await settled(job)
    assert sorted(document.clips_ready) == sorted({1, 2} | given)
    assert renderer.made == dict.fromkeys(given, 1)
    assert document.state is JobState.COMPLETED
    assert document.logs.count(log_lines.FINISHED) == 1


async def test_a_clip_that_is_given_up_is_retried_by_its_dead_letter_in_a_completed_job(
    completed, ask, renderer, settled, letters, operator
):
    job = await completed()
    renderer.broken.add(4)
    await ask(job, {"numbers": [3, 4]})
    before = await settled(job)
    assert (before.state, before.clips_ready, list(before.clips_failed)) == (JobState.COMPLETED, [1, 2, 3], [4])
    assert before.logs[-1] == "Clip 4 of 5 failed: No memory was left."
    renderer.broken.clear()
    (letter,) = await letters.all(job)
    retried = await operator.retry(letter.id)
    assert (retried.outcome, retried.clip, retried.generation) == (Outcome.REOPENED, 4, 2)
    after = await settled(job, 2)
    assert after.logs == [*before.logs, "Clip 4 is tried again.", "Clip 4 of 5 ready: It's 🎬 <b>"]
    assert (after.state, after.clips_ready, after.clips_failed) == (JobState.COMPLETED, [1, 2, 3, 4], {})
    assert await letters.all(job) == []


async def test_several_given_up_clips_of_the_reserve_are_retried_at_once(
    completed, ask, renderer, settled, letters, operator, tasks
):
    job = await completed()
    renderer.broken |= {3, 5}
    await ask(job, {"numbers": [3, 5]})
    await settled(job)
    renderer.broken.clear()
    retried = await operator.retry_job(job)
    assert (retried.clip, len(retried.removed)) == (None, 2)
    after = await settled(job, 2)
    assert (after.state, sorted(after.clips_ready), after.clips_failed) == (JobState.COMPLETED, [1, 2, 3, 5], {})
    assert after.logs.count(log_lines.FINISHED) == 1
    assert await letters.all(job) == []


async def test_deleting_the_job_stops_a_clip_that_is_being_rendered(api, completed, ask, renderer, until, tasks):
    job = await completed()
    renderer.slow |= {3}
    await ask(job, {"more": 3})

    async def at_work():
        return bool(renderer.begun[3])

    await until(at_work)
    assert (await api.delete(f"/api/jobs/{job}")).status == 200
    async with asyncio.timeout(60):
        await renderer.stopped.wait()
    assert await tasks(job) == []
    assert renderer.made[3] == 0


async def test_cancelling_the_wanted_clips_stops_the_one_that_is_being_rendered(
    api, completed, ask, renderer, until, settled, gateway
):
    job = await completed()
    renderer.slow |= {3}
    await ask(job, {"numbers": [3]})

    async def at_work():
        return bool(renderer.begun[3])

    await until(at_work)
    assert (await api.delete(f"/api/jobs/{job}", params={"only": "cancel"})).status == 200
    async with asyncio.timeout(60):
        await renderer.stopped.wait()
    document = await settled(job)
    assert (document.state, document.clips_failed[3].code) == (JobState.COMPLETED, ErrorCode.CANCELLED)
    renderer.slow.clear()
    await ask(job, {"numbers": [3]})
    assert (await settled(job, 2)).clips_ready == [1, 2, 3]


async def test_only_the_missing_clips_of_a_lost_request_are_rendered_once_more(
    completed, published, renderer, gateway, settled, lost
):
    """The gateway died after the first of two tasks."""
    job = await completed()
    await published(ClipsWanted(job=job, generation=1, numbers=(3, 4)))
    await gateway.publisher.task(RenderTask(job=job, number=3, generation=1))

    async def rendered():
        return 3 in (await gateway.statuses.document(job)).clips_ready

    async with asyncio.timeout(60):
        while not await rendered():
            await asyncio.sleep(0.02)
    await lost()
    document = await settled(job, 2)
    assert document.clips_ready == [1, 2, 3, 4]
    assert renderer.begun == {3: 1, 4: 1}
    assert document.state is JobState.COMPLETED


async def test_clips_whose_tasks_are_lost_twice_fail_and_the_job_stays_completed(
    api, completed, ask, lost, tasks, nc, gateway
):
    job = await completed()
    await ask(job, {"numbers": [3, 5]})
    await lost()
    assert await numbered(tasks, job) == [(3, 1), (5, 1)], "their tasks wait"
    await nc.jetstream().purge_stream(TASKS)
    await lost()
    assert await numbered(tasks, job) == [(3, 2), (5, 2)]
    await nc.jetstream().purge_stream(TASKS)
    await lost()
    assert await tasks(job) == []
    document = await gateway.statuses.document(job)
    assert {clip: failure.code for clip, failure in document.clips_failed.items()} == dict.fromkeys((3, 5), "lost_task")
    assert (document.state, document.wanted) == (JobState.COMPLETED, {})
    assert document.logs[-1].endswith("clipmill lost the work on this clip twice; ask for it again.")
    await ask(job, {"numbers": [3]})
    await nc.jetstream().purge_stream(TASKS)
    await lost()
    assert await numbered(tasks, job) == [(3, 4)], "a new request may be lost once again"


async def test_a_job_with_an_open_clip_never_expires_and_is_kept_from_its_last_clip_on(
    api, completed, ask, published, gateway, clip_of
):
    job = await completed()
    await ask(job, {"numbers": [3]})

    async def sweep(retention):
        await gateway.index.refresh()
        await ExpiredJobs(gateway.index, gateway.documents, gateway.removal, retention=retention).run()
        return (await api.get(f"/api/status/{job}")).status

    assert await sweep(0.0) == 200
    ended = (await gateway.statuses.document(job)).finished
    await published(ClipRendered(job=job, clip=3, generation=1, public=clip_of(job, 3), at=ended + 3600))
    assert await sweep(0.0) == 200
    await published(ClipsWanted(job=job, generation=2, numbers=(4,)), clip_failed(job, 4, 2))
    assert await sweep(0.0) == 404


async def test_a_rebuild_gives_the_document_of_a_job_with_wanted_clips_to_the_byte(
    nc, completed, ask, published, gateway, clip_of, secrets, tasks
):
    job, other = await completed(), await completed()
    await ask(job, {"more": 2}, key="a key")
    await published(clip_failed(job, 4, 1))
    await ask(job, {"numbers": [4, 5]})
    await published(ClipRendered(job=job, clip=5, generation=2, public=clip_of(job, 5)))
    kept = {name: (await gateway.documents.get(name)).data for name in (job, other)}
    assert b'"wanted":{"3":1,"4":2}' in kept[job]
    streams = JobStreams(nc)
    view = JobsView(streams, gateway.ended, secrets)
    checkpoints = await Bucket.open(nc, CHECKPOINT, int)

    async def rebuild():
        projector = Projector(streams, gateway.documents, checkpoints, view)
        return await Rebuilding(streams, gateway.documents, projector, view).run()

    assert (await rebuild()).equal == 2
    gateway.projecting.cancel()
    await asyncio.gather(gateway.projecting, return_exceptions=True)
    await nc.jetstream().purge_stream("KV_jobs")
    report = await rebuild()
    assert (report.created, len(report.missing)) == (2, 2)
    assert {name: (await gateway.documents.get(name)).data for name in (job, other)} == kept
    assert not await gateway.ended.ended(job, 1), "clip 3 is open"
    assert await ask(job, {"more": 2}, key="a key") == (202, {"job_id": job, "numbers": [3, 4]})
