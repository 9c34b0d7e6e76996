"""The reports of a handler while it works: events of its generation, and progress that only moves forward."""

import asyncio
import itertools

import pytest
import structlog
from clipmill.contracts.events import Log, StageProgress
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import DownloadTask, RenderTask, ScenesTask
from clipmill.messaging import context as contexts
from clipmill.messaging.context import TaskContext
from clipmill.messaging.worker import StageWorker

PAUSE = 0.3


@pytest.fixture(autouse=True)
def pause(monkeypatch):
    """Let progress be published more often than in service, so that the tests wait less."""
    monkeypatch.setattr(contexts, "PROGRESS_SECONDS", PAUSE)


@pytest.fixture
def context_of(shared):
    return lambda task, attempt=1: TaskContext(task, attempt, shared.publisher, shared.secrets)


@pytest.fixture
def published(events_of):
    """Return a function that waits until a job's stream holds so many events, and returns them."""

    async def wait(job, count):
        async with asyncio.timeout(60):
            while len(found := await events_of(job)) < count:
                await asyncio.sleep(0.01)
        return found

    return wait


async def test_the_first_progress_is_published_at_once_with_what_it_is_of(context_of, published):
    task = RenderTask(job=new_job_id(), number=3, generation=2)
    context = context_of(task, 4)
    context.progress(10.9)
    (event,) = await published(task.job, 1)
    expected = StageProgress(job=task.job, stage=Stage.RENDER, attempt=4, percent=10, clip=3, generation=2, at=event.at)
    assert event == expected
    await context.close()


async def test_progress_is_published_now_and_then_when_it_has_moved_forward(context_of, published):
    task = ScenesTask(job=new_job_id())
    context = context_of(task)
    for count, percents in enumerate(((0,), (0, -5, 30, 20, 40.5), (39, 40, 250)), 1):
        for percent in percents:
            context.progress(percent)
        await published(task.job, count)
        context.progress(percents[-1])  # as far as before
    await context.close()
    events = await published(task.job, 3)
    assert [event.percent for event in events] == [0, 40, 100]
    for earlier, later in itertools.pairwise(events):
        assert later.at - earlier.at >= PAUSE - 0.01  # `at` is a wall clock's, to the millisecond


async def test_nothing_is_published_after_the_task_was_closed(context_of, published, events_of, shared):
    task = ScenesTask(job=new_job_id())
    context, before = context_of(task), asyncio.all_tasks()
    context.progress(10)
    await published(task.job, 1)
    async with asyncio.timeout(60):
        while asyncio.all_tasks() - before:  # until the publishing has ended
            await asyncio.sleep(0.01)
    context.progress(20)
    await context.close()
    await context.close()
    assert not asyncio.all_tasks() - before
    assert [event.percent for event in await events_of(task.job)] == [10]


async def test_an_event_is_of_the_task_s_generation(context_of, events_of):
    task = ScenesTask(job=new_job_id(), generation=3)
    await context_of(task).emit(Log(job=task.job, name="a", line="A line."))
    (event,) = await events_of(task.job)
    assert (event.name, event.line, event.generation) == ("a", "A line.", 3)


async def test_the_next_task_is_stored_when_submitting_returns(context_of, tasks_left):
    task = ScenesTask(job=new_job_id())
    await context_of(DownloadTask(job=task.job)).submit(task)
    assert await tasks_left(task) == 1


async def test_the_key_lent_for_a_job_is_its_own(context_of, shared):
    job, other = new_job_id(), new_job_id()
    await shared.secrets.put(job, "a key")
    assert await context_of(ScenesTask(job=job)).secret() == "a key"
    assert await context_of(ScenesTask(job=other)).secret() is None


async def test_a_handler_s_log_names_job_stage_try_and_clip(context_of):
    task = RenderTask(job=new_job_id(), number=3)
    with structlog.testing.capture_logs() as logged:
        context_of(task, 2).log.info("heard")
        context_of(ScenesTask(job=task.job)).log.info("heard")
    names = {"event": "heard", "log_level": "info", "job": task.job}
    assert logged == [
        {**names, "stage": Stage.RENDER, "attempt": 2, "clip": 3},
        {**names, "stage": Stage.SCENES, "attempt": 1},
    ]


async def test_the_next_try_s_progress_is_that_try_s(working, shared, published):
    task = ScenesTask(job=new_job_id())

    async def handler(_task, context):
        context.progress(50)
        await published(task.job, context.attempt)
        if context.attempt == 1:
            raise Transient(ErrorCode.OUT_OF_MEMORY, "No memory was left.", retry_after=0.01)

    async with working(StageWorker(Stage.SCENES, handler), grace=10):
        await shared.publisher.task(task)
        events = await published(task.job, 2)
    assert [(event.attempt, event.percent) for event in events] == [(1, 50), (2, 50)]
