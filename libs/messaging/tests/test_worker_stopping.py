"""A worker stops: its tasks are finished or given back, and nothing is left behind."""

import asyncio
import contextlib
import gc

import pytest
import structlog
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import ScenesTask
from clipmill.messaging.connection import close, connect
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.pulling import TaskSource
from clipmill.messaging.worker import Facilities, StageWorker, Worker

ACK, GIVEN_BACK = b"", b"-NAK"


async def test_work_that_was_finished_when_its_worker_was_stopped_is_acknowledged(
    working, shared, words, outcomes, nc, tally
):
    begun = asyncio.Event()

    async def handler(_task, _context):
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler)) as worker:
        await shared.publisher.task(task)
        await asyncio.wait_for(begun.wait(), 60)
        await worker.stop(0)
    await nc.flush()
    assert (words(), outcomes()) == ([ACK], {"finished": 1})
    assert (await tally(task)).begun == 1


async def test_a_worker_that_has_stopped_has_given_everything_back(working, shared, words, outcomes, nc, tally):
    begun = asyncio.Event()

    async def handler(_task, _context):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(20):
                await nc.flush()

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler, slots=2)) as worker:
        await shared.publisher.task(task)
        await asyncio.wait_for(begun.wait(), 60)
        await worker.stop(0)
        assert outcomes() == {"given_back": 1}
    await nc.flush()
    assert words() == [GIVEN_BACK]
    assert (await tally(task)).begun == 0


async def test_a_stopping_worker_lets_its_task_finish_within_the_grace(working, shared, outcomes):
    begun, release = asyncio.Event(), asyncio.Event()

    async def handler(_task, _context):
        begun.set()
        await release.wait()

    async with working(StageWorker(Stage.SCENES, handler)) as worker:
        await shared.publisher.task(ScenesTask(job=new_job_id()))
        await asyncio.wait_for(begun.wait(), 60)
        stopping = asyncio.create_task(worker.stop(30))
        for _ in range(10):
            await asyncio.sleep(0)
        assert not stopping.done()
        release.set()
        await stopping
    assert outcomes() == {"finished": 1}


async def test_a_task_that_comes_as_the_worker_stops_is_given_back_at_once(
    working, shared, words, outcomes, nc, monkeypatch, tasks_left, soon
):
    async def handler(_task, _context):
        pytest.fail("the worker was stopped before")

    fetch = TaskSource.next
    stopping = []

    async def fetch_and_stop(source):
        message = await fetch(source)
        stopping.append(asyncio.create_task(worker.stop(0)))
        await asyncio.sleep(0)
        return message

    monkeypatch.setattr(TaskSource, "next", fetch_and_stop)
    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler)) as worker:
        await shared.publisher.task(task)
        await soon(lambda: stopping)
        await stopping[0]
    await nc.flush()
    assert (words(), outcomes()) == ([GIVEN_BACK], {})
    assert await tasks_left(task) == 1


async def test_a_stopped_worker_leaves_no_subscription_and_no_task_behind(working, shared, nc, soon):
    begun = asyncio.Event()

    async def handler(_task, context):
        context.progress(10)
        await soon(lambda: context._publishing is None)
        context.progress(20)  # is published a second later, unless the task has ended
        begun.set()

    subscriptions, before = set(nc._subs), asyncio.all_tasks()
    async with working(StageWorker(Stage.SCENES, handler)) as worker:
        await shared.publisher.task(ScenesTask(job=new_job_id()))
        await asyncio.wait_for(begun.wait(), 60)
        await worker.stop(10)
        assert set(nc._subs) == subscriptions, "stopped means that nothing is fetched any more"
    await asyncio.sleep(0)
    assert {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before} == set()


async def test_a_worker_whose_run_is_cancelled_leaves_no_task_behind(shared, nc, soon):
    before = asyncio.all_tasks()
    subscriptions = set(nc._subs)
    running = asyncio.create_task(Worker(StageWorker(Stage.SCENES, None), shared, ack_wait=1.0).run())
    await soon(lambda: set(nc._subs) != subscriptions)
    await nc.flush()
    running.cancel()
    await asyncio.wait({running})
    for _ in range(10):
        await asyncio.sleep(0)
    left = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - before}
    assert left <= {"TaskSource.next"}, "a fetch ends with its connection"
    assert set(nc._subs) == subscriptions


async def test_a_worker_that_loses_its_connection_for_good_leaves_the_task_to_others(
    working, shared, nats_server, outcomes, soon
):
    unseen, tried = [], asyncio.Queue()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
    theirs = await connect(nats_server.url, "losing")
    losing = Facilities(theirs, Publisher(theirs), shared.attempts, shared.ended, shared.secrets)

    async def lose(_task, _context):
        await close(theirs)
        raise Transient(ErrorCode.OUT_OF_MEMORY, "No memory was left.")

    async def handler(_task, context):
        tried.put_nowait(context.attempt)

    with structlog.testing.capture_logs() as logged:
        running = asyncio.create_task(Worker(StageWorker(Stage.SCENES, lose), losing, ack_wait=1.0).run())
        await shared.publisher.task(ScenesTask(job=new_job_id()))
        await soon(lambda: any(line["event"] == "task_left_unsettled" for line in logged))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
    del running
    gc.collect()  # an exception that nobody asks for is reported when its task goes
    assert (outcomes(), unseen) == ({}, [])
    async with working(StageWorker(Stage.SCENES, handler), grace=10):
        assert await asyncio.wait_for(tried.get(), 60) == 2
