"""Retrying dead letters: workers, projector and operator together on a real server."""

import asyncio
import contextlib
from collections import Counter

import msgspec
import pytest
from clipmill.artifacts import layout
from clipmill.artifacts.store import open_store
from clipmill.contracts import log_lines
from clipmill.contracts.events import (
    Cancelled,
    ClipRendered,
    ClipsPlanned,
    Queued,
    StageFinished,
    StageStarted,
    Started,
)
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import JobState, PublicClip
from clipmill.contracts.tasks import AnalyzeTask, RenderTask, first_task
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.projector import JobsView
from clipmill.messaging import reopening
from clipmill.messaging.attempts import Attempts, Tally
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.dead_letters import DeadLetters
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import Projector
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.reopening import Outcome, Reopening
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.topology import ATTEMPTS, CHECKPOINT, CONTROL, JOBS, SECRETS
from clipmill.messaging.worker import Facilities, StageWorker, Worker
from nats.js.errors import KeyNotFoundError

PATIENCE = 5.0
CLIPS = 3


class Mill:
    """Three quick stages over a real store; the stages and clip numbers in `broken` fail."""

    def __init__(self, store, publisher):
        self.store = store
        self.publisher = publisher
        self.broken: dict[object, Exception] = {}
        self.made: Counter[object] = Counter()

    async def make(self, what, key):
        if await self.store.size(key) is None:
            if what in self.broken:
                raise self.broken[what]
            self.made[what] += 1
            await self.store.put_bytes(key, b"{}", create=True)

    async def download(self, task, context):
        await context.emit(Started(job=task.job))
        await context.emit(StageStarted(job=task.job, stage=task.stage, line="Receiving upload..."))
        await self.make(task.stage, layout.media(task.job))
        await context.emit(StageFinished(job=task.job, stage=task.stage))
        await context.submit(AnalyzeTask(job=task.job, options=task.options, generation=task.generation))

    async def analyze(self, task, context):
        await context.emit(StageStarted(job=task.job, stage=task.stage, line="Analyzing..."))
        await self.make(task.stage, layout.plan(task.job))
        await context.emit(StageFinished(job=task.job, stage=task.stage))
        await context.emit(ClipsPlanned(job=task.job, count=CLIPS))
        for number in range(1, CLIPS + 1):
            await context.submit(
                RenderTask(job=task.job, options=task.options, generation=task.generation, number=number)
            )

    async def render(self, task, context):
        await self.make(task.number, layout.clip_facts(task.job, task.number))
        await context.emit(StageFinished(job=task.job, stage=task.stage, clip=task.number))
        await context.emit(ClipRendered(job=task.job, clip=task.number, public=clip(task.number)))

    def works(self):
        handlers = {Stage.DOWNLOAD: self.download, Stage.ANALYZE: self.analyze, Stage.RENDER: self.render}
        return [
            StageWorker(stage, handler, retry=RetryPolicy(attempts=2, first_delay=0.05))
            for stage, handler in handlers.items()
        ]

    async def submit(self):
        queued = Queued(job=new_job_id(), source="talk.mp4", upload=True, options=JobOptions(target_clips=CLIPS))
        await self.publisher.event(queued)
        await self.publisher.task(first_task(queued))
        return queued.job


def clip(number):
    return PublicClip(
        video_url=f"/videos/{number}",
        title=f"Title {number}",
        video_description_for_tiktok="",
        video_description_for_instagram="",
        video_title_for_youtube_short="",
        start=0.0,
        end=20.0,
        virality_score=50,
    )


@pytest.fixture
async def shared(nc):
    ended = EndedJobs(await Bucket.open(nc, CONTROL, int))
    await ended.start()
    secrets = Secrets(await Bucket.open(nc, SECRETS, bytes), "a secret of the test")
    yield Facilities(nc, Publisher(nc), Attempts(await Bucket.open(nc, ATTEMPTS, Tally)), ended, secrets)
    await ended.stop()


@pytest.fixture
async def mill(nc, shared):
    """Yield a mill with running workers and a running projector."""
    mill = Mill(open_store("memory://"), shared.publisher)
    view = JobsView(JobStreams(nc), shared.ended, shared.secrets)
    documents, checkpoints = await Bucket.open(nc, JOBS, JobDocument), await Bucket.open(nc, CHECKPOINT, int)
    projector = Projector(JobStreams(nc), documents, checkpoints, view)
    workers = [Worker(work, shared, ack_wait=1.0) for work in mill.works()]
    running = [asyncio.create_task(each.run()) for each in (projector, *workers)]
    yield mill
    await asyncio.gather(*(worker.stop(1.0) for worker in workers))
    running[0].cancel()
    await asyncio.gather(*running, return_exceptions=True)


@pytest.fixture
async def document_of(nc):
    jobs = await nc.jetstream().key_value(JOBS.name)

    async def read(job):
        with contextlib.suppress(KeyNotFoundError):
            return msgspec.json.decode((await jobs.get(job)).value, type=JobDocument)
        return None

    return read


@pytest.fixture
def ended(document_of):
    """Return a function that waits until a generation of a job has ended, and returns its document."""

    async def wait(job, generation=0):
        async with asyncio.timeout(60):
            while True:
                document = await document_of(job)
                if document and document.state.terminal and document.generation >= generation:
                    return document
                await asyncio.sleep(0.02)

    return wait


@pytest.fixture
def letters(nc):
    return DeadLetters(nc.jetstream(), patience=PATIENCE)


@pytest.fixture
def operator(nc, mill):
    return Reopening(nc, mill.store, patience=PATIENCE)


UNREADABLE = Permanent(ErrorCode.UNREADABLE_MEDIA, "The file is not a video.")
NO_MEMORY = Transient(ErrorCode.OUT_OF_MEMORY, "No memory was left.")


async def test_a_clip_that_failed_is_rendered_again_alone_and_the_job_completes_again(mill, operator, letters, ended):
    mill.broken[2] = NO_MEMORY
    job = await mill.submit()
    before = await ended(job)
    assert (before.state, list(before.clips_failed), before.clips_ready) == (JobState.COMPLETED, [2], [1, 3])
    mill.broken.clear()
    (letter,) = await letters.all(job)
    retried = await operator.retry(letter.id)
    after = await ended(job, 1)
    assert (retried.outcome, retried.clip, retried.removed) == (Outcome.REOPENED, 2, (letter.id,))
    assert (after.state, after.clips_ready, after.clips_failed) == (JobState.COMPLETED, [1, 3, 2], {})
    assert after.logs[: len(before.logs)] == before.logs
    assert after.logs[len(before.logs) :] == [
        "Clip 2 is tried again.",
        "Clip 2 of 3 ready: Title 2",
        log_lines.FINISHED,
    ]
    assert mill.made == {Stage.DOWNLOAD: 1, Stage.ANALYZE: 1, 1: 1, 2: 1, 3: 1}
    assert await letters.all() == []


async def test_a_job_that_was_given_up_goes_on_with_what_is_there(mill, operator, letters, ended):
    mill.broken[Stage.ANALYZE] = Transient(ErrorCode.WORKER_CRASHED, "The child died.")
    job = await mill.submit()
    before = await ended(job)
    assert (before.state, before.error.code) == (JobState.FAILED, ErrorCode.WORKER_CRASHED)
    mill.broken.clear()
    await operator.retry_job(job)
    after = await ended(job, 1)
    assert (after.state, after.error, len(after.clips)) == (JobState.COMPLETED, None, CLIPS)
    assert after.logs[len(before.logs)] == log_lines.RETRIED
    assert mill.made[Stage.DOWNLOAD] == 1, "what is finished is not done again"
    assert await letters.all() == []


async def test_a_job_can_be_retried_until_it_works(mill, operator, letters, ended):
    mill.broken[Stage.DOWNLOAD] = UNREADABLE
    job = await mill.submit()
    for generation in (1, 2):
        await ended(job, generation - 1)
        (letter,) = await letters.all(job)
        assert (letter.letter.code, letter.letter.task.generation) == (UNREADABLE.code, generation - 1)
        if generation == 2:
            mill.broken.clear()
        assert (await operator.retry(letter.id)).generation == generation
    document = await ended(job, 2)
    assert (document.state, len(document.clips)) == (JobState.COMPLETED, CLIPS)
    assert document.logs.count(log_lines.RETRIED) == 2
    assert await letters.all() == []


async def test_several_clips_of_a_job_are_retried_at_once(mill, operator, letters, ended):
    mill.broken |= {1: NO_MEMORY, 3: NO_MEMORY}
    job = await mill.submit()
    await ended(job)
    mill.broken.clear()
    retried = await operator.retry_job(job)
    document = await ended(job, 1)
    assert (len(retried.removed), retried.clip) == (2, None)
    assert (document.clips_ready, document.clips_failed) == ([2, 1, 3], {})
    assert document.logs.count(log_lines.FINISHED) == 2
    assert mill.made[2] == 1
    assert await letters.all() == []


async def test_a_clip_is_made_afresh_without_touching_its_neighbours(mill, operator, letters, ended):
    mill.broken[2] = NO_MEMORY
    job = await mill.submit()
    await ended(job)
    left_over = layout.clip(job, 2)
    await mill.store.put_bytes(left_over, b"of a worker that died before it had described it")
    mill.broken.clear()
    (letter,) = await letters.all(job)
    retried = await operator.retry(letter.id, fresh=True)
    assert (await ended(job, 1)).clips_ready == [1, 3, 2]
    assert retried.fresh is Stage.RENDER
    assert await mill.store.size(left_over) is None
    assert mill.made == {Stage.DOWNLOAD: 1, Stage.ANALYZE: 1, 1: 1, 2: 1, 3: 1}


async def test_a_failed_stage_is_done_afresh_with_all_that_builds_upon_it(mill, operator, ended):
    mill.broken[Stage.ANALYZE] = UNREADABLE
    job = await mill.submit()
    await ended(job)
    await mill.store.put_bytes(f"jobs/{job}/analyze/spent-1.json", b"{}")
    await mill.store.put_bytes(layout.clip_facts(job, 1), b"{}")
    mill.broken.clear()
    retried = await operator.retry_job(job, fresh=True)
    document = await ended(job, 1)
    assert retried.fresh is Stage.ANALYZE
    assert await mill.store.size(f"jobs/{job}/analyze/spent-1.json") is None
    assert mill.made == {Stage.DOWNLOAD: 1, Stage.ANALYZE: 1, 1: 1, 2: 1, 3: 1}
    assert (document.state, document.logs.count("Analyzing...")) == (JobState.COMPLETED, 2)


async def test_of_two_operators_one_wins_and_the_other_is_refused(nc, mill, letters, ended):
    mill.broken[2] = NO_MEMORY
    job = await mill.submit()
    await ended(job)
    mill.broken.clear()
    (letter,) = await letters.all(job)
    operators = [Reopening(nc, None, patience=PATIENCE) for _ in range(2)]
    results = await asyncio.gather(*(each.retry(letter.id) for each in operators), return_exceptions=True)
    (refusal,) = (result for result in results if isinstance(result, Transient))
    assert refusal.code is ErrorCode.BUSY
    assert "Somebody else" in refusal.sentence
    document = await ended(job, 1)
    assert (document.generation, document.clips_ready) == (1, [1, 3, 2])


async def test_a_retry_that_broke_off_before_its_task_is_taken_up(mill, operator, letters, ended, monkeypatch):
    mill.broken[Stage.ANALYZE] = UNREADABLE
    job = await mill.submit()
    await ended(job)
    mill.broken.clear()
    monkeypatch.setattr(Reopening, "_publish", broken_off)
    with pytest.raises(BrokenOffError):
        await operator.retry_job(job)
    monkeypatch.undo()
    with pytest.raises(Transient, match="Somebody else reopened"):
        await operator.retry_job(job)
    monkeypatch.setattr(reopening, "CLAIM_SECONDS", 0.0)
    retried = await operator.retry_job(job)
    assert (retried.outcome, retried.generation) == (Outcome.TAKEN_UP, 1)
    assert (await ended(job, 1)).state is JobState.COMPLETED
    assert await letters.all() == []


async def test_a_retry_that_broke_off_after_its_task_leaves_a_letter_that_the_next_removes(
    mill, operator, letters, ended, monkeypatch
):
    mill.broken[2] = NO_MEMORY
    job = await mill.submit()
    await ended(job)
    mill.broken.clear()
    monkeypatch.setattr(Reopening, "_done", broken_off)
    with pytest.raises(BrokenOffError):
        await operator.retry_job(job)
    monkeypatch.undo()
    document = await ended(job, 1)
    monkeypatch.setattr(reopening, "CLAIM_SECONDS", 0.0)
    assert (await operator.retry_job(job)).outcome is Outcome.ANSWERED
    assert await letters.all() == []
    assert await ended(job, 1) == document
    assert mill.made[2] == 1


class BrokenOffError(Exception):
    """An error that stands for the death of the operator's command."""


async def broken_off(*_arguments):
    raise BrokenOffError


async def test_what_cannot_be_retried_is_refused_with_the_reason(nc, mill, operator, letters, ended):
    mill.broken[Stage.DOWNLOAD] = UNREADABLE
    cancelled, forgotten = await mill.submit(), await mill.submit()
    for job in (cancelled, forgotten):
        await ended(job)
    await mill.publisher.event(Cancelled(job=cancelled))
    await nc.jetstream().purge_stream("EVENTS", subject=f"clipmill.event.{forgotten}.>")
    await mill.publisher.undecodable(b"not json", f"clipmill.task.scenes.normal.{cancelled}")
    (unreadable, *_) = await letters.all(cancelled)
    refusals = {
        operator.retry_job(cancelled): ErrorCode.CANCELLED,
        operator.retry_job(forgotten): ErrorCode.NOT_FOUND,
        operator.retry_job(new_job_id()): ErrorCode.NOT_FOUND,
        operator.retry(12345): ErrorCode.NOT_FOUND,
        operator.retry(unreadable.id): ErrorCode.BAD_REQUEST,
    }
    for attempt, code in refusals.items():
        with pytest.raises(Permanent) as refused:
            await attempt
        assert refused.value.code is code
    assert len(await letters.all()) == 3, "a letter that is not retried is kept"


async def test_a_job_that_has_not_heard_of_its_failure_yet_is_left_alone(nc, mill, operator, letters, shared):
    job = new_job_id()
    await shared.publisher.event(Queued(job=job))
    task = RenderTask(job=job, number=1)
    letter = msgspec.convert(
        {"task": msgspec.to_builtins(task), "code": "internal", "sentence": "x", "attempts": 1, "at": 1.0},
        reopening.DeadLetter,
    )
    await shared.publisher.dead_letter(task, letter)
    with pytest.raises(Transient, match="does not show this failure yet"):
        await operator.retry_job(job)
    assert len(await letters.all(job)) == 1
