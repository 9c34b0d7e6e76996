"""The worker loop on a real server: every task is settled once, in one of four ways."""

import asyncio

import pytest
from clipmill.contracts.events import ClipFailed, Failed
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import Priority, new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import RenderTask, ScenesTask
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.topology import DEAD_LETTERS
from clipmill.messaging.worker import StageWorker

pytestmark = pytest.mark.cluster


async def test_a_task_is_done_and_gone(working, shared, tasks_left, until):
    done = asyncio.Queue()

    async def handler(task, context):
        done.put_nowait((task, context.attempt))

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler)):
        await shared.publisher.task(task)
        assert await asyncio.wait_for(done.get(), 60) == (task, 1)

        async def gone():
            return await tasks_left(task) == 0

        await until(gone)


async def test_a_transient_failure_is_tried_again_until_it_works(working, shared):
    attempts = asyncio.Queue()

    async def handler(_task, context):
        attempts.put_nowait(context.attempt)
        if context.attempt < 3:
            raise Transient(ErrorCode.OUT_OF_MEMORY, "Not just now.")

    async with working(StageWorker(Stage.SCENES, handler, retry=RetryPolicy(attempts=3, first_delay=0.05))):
        await shared.publisher.task(ScenesTask(job=new_job_id()))
        assert [await asyncio.wait_for(attempts.get(), 60) for _ in range(3)] == [1, 2, 3]


async def test_a_permanent_failure_ends_the_job_and_keeps_the_task(working, shared, nc, events_of, tasks_left, until):
    async def handler(_task, _context):
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, "The file is not a video.")

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler)):
        await shared.publisher.task(task)

        async def failed():
            return bool(await events_of(task.job)) and await tasks_left(task) == 0

        await until(failed)
    (event,) = await events_of(task.job)
    assert isinstance(event, Failed)
    assert (event.code, event.sentence) == (ErrorCode.UNREADABLE_MEDIA, "The file is not a video.")
    assert (await nc.jetstream().stream_info(DEAD_LETTERS)).state.messages == 1


async def test_a_clip_that_fails_for_good_fails_alone(working, shared, events_of, until):
    async def handler(_task, _context):
        raise Transient(ErrorCode.OUT_OF_MEMORY, "No memory was left.")

    task = RenderTask(job=new_job_id(), number=2)
    async with working(StageWorker(Stage.RENDER, handler, retry=RetryPolicy(attempts=2, first_delay=0.05))):
        await shared.publisher.task(task)

        async def failed():
            return bool(await events_of(task.job))

        await until(failed)
    (event,) = await events_of(task.job)
    assert isinstance(event, ClipFailed)
    assert (event.clip, event.code) == (2, ErrorCode.OUT_OF_MEMORY)


async def test_an_error_nobody_foresaw_is_tried_again_and_then_reported(working, shared, events_of, until):
    async def handler(_task, _context):
        raise ZeroDivisionError

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler, retry=RetryPolicy(attempts=2, first_delay=0.05))):
        await shared.publisher.task(task)

        async def failed():
            return bool(await events_of(task.job))

        await until(failed)
    (event,) = await events_of(task.job)
    assert event.code is ErrorCode.INTERNAL
    assert "ZeroDivisionError" in event.sentence


async def test_a_task_whose_workers_died_too_often_is_given_up(working, shared, events_of, until):
    async def handler(_task, _context):
        pytest.fail("it must not be tried again")

    task = ScenesTask(job=new_job_id())
    for _ in range(2):
        await shared.attempts.begin(task)  # as two workers did that were killed while they worked
    async with working(StageWorker(Stage.SCENES, handler, retry=RetryPolicy(attempts=2, first_delay=0.05))):
        await shared.publisher.task(task)

        async def failed():
            return bool(await events_of(task.job))

        await until(failed)
    (event,) = await events_of(task.job)
    assert event.code is ErrorCode.WORKER_CRASHED


async def test_a_stopping_worker_gives_its_task_back_unharmed(working, shared):
    begun = asyncio.Queue()

    async def endless(_task, context):
        begun.put_nowait(context.attempt)
        await asyncio.Event().wait()

    async with working(StageWorker(Stage.SCENES, endless)):
        await shared.publisher.task(ScenesTask(job=new_job_id()))
        assert await asyncio.wait_for(begun.get(), 60) == 1
    async with working(StageWorker(Stage.SCENES, endless)):
        assert await asyncio.wait_for(begun.get(), 60) == 1, "the attempt was taken back"


async def test_a_long_task_stays_with_its_worker(working, shared, tasks_left, until):
    begun = 0
    release = asyncio.Event()

    async def handler(_task, _context):
        nonlocal begun
        begun += 1
        await release.wait()

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler, slots=2), grace=5):
        await shared.publisher.task(task)
        asyncio.get_running_loop().call_later(2.5, release.set)  # two and a half ack waits
        await release.wait()

        async def gone():
            return await tasks_left(task) == 0

        await until(gone)
    assert begun == 1


async def test_a_job_that_ends_stops_its_running_task(working, shared, tasks_left, until):
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def handler(_task, _context):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler)):
        await shared.publisher.task(task)
        await asyncio.wait_for(begun.wait(), 60)
        await shared.ended.end(task.job, task.generation)
        await asyncio.wait_for(stopped.wait(), 2)

        async def gone():
            return await tasks_left(task) == 0

        await until(gone)


async def test_a_task_of_a_job_that_has_ended_is_dropped(working, shared, tasks_left, until):
    async def handler(_task, _context):
        pytest.fail("nothing is to be done for it")

    task = ScenesTask(job=new_job_id())
    await shared.ended.end(task.job, task.generation)
    async with working(StageWorker(Stage.SCENES, handler)):
        await shared.publisher.task(task)

        async def gone():
            return await tasks_left(task) == 0

        await until(gone)


async def test_a_message_that_is_no_task_is_kept_aside_and_stops_nobody(working, shared, nc):
    done = asyncio.Event()

    async def handler(_task, _context):
        done.set()

    job = new_job_id()
    async with working(StageWorker(Stage.SCENES, handler)):
        await nc.jetstream().publish(f"clipmill.task.scenes.normal.{job}", b"not json")
        await shared.publisher.task(ScenesTask(job=new_job_id()))
        await asyncio.wait_for(done.wait(), 60)
    assert (await nc.jetstream().stream_info(DEAD_LETTERS)).state.messages == 1


async def test_urgent_tasks_go_first_without_starving_the_others(working, shared):
    order = []
    done = asyncio.Event()

    async def handler(task, _context):
        order.append(task.priority)
        if len(order) == 12:
            done.set()

    for _ in range(4):
        await shared.publisher.task(ScenesTask(job=new_job_id()))
    for _ in range(8):
        await shared.publisher.task(ScenesTask(job=new_job_id(), priority=Priority.HIGH))
    async with working(StageWorker(Stage.SCENES, handler)):
        await asyncio.wait_for(done.wait(), 60)
    assert order[:3] == [Priority.HIGH] * 3
    assert Priority.NORMAL in order[:4]


async def test_a_worker_survives_the_death_of_the_server(nats_server, working, shared):
    done = asyncio.Queue()

    async def handler(task, _context):
        done.put_nowait(task.job)

    async with working(StageWorker(Stage.SCENES, handler)):
        nats_server.kill()
        nats_server.start()
        task = ScenesTask(job=new_job_id())
        await shared.publisher.task(task)
        assert await asyncio.wait_for(done.get(), 60) == task.job
