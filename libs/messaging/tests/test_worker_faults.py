"""The worker loop when something dies: its server, its time, its surroundings, or itself."""

import asyncio
import time

from clipmill.contracts import codec
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import ScenesTask
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.topology import ATTEMPTS, DEAD_LETTERS
from clipmill.messaging.worker import StageWorker
from msgspec.structs import replace


async def letters(nc):
    return (await nc.jetstream().stream_info(DEAD_LETTERS)).state.messages


async def test_the_try_of_a_superseded_worker_is_taken_back(working, shared, tasks_left, until, tally):
    attempts, release = [], asyncio.Event()

    async def handler(_task, context):
        attempts.append(context.attempt)
        if len(attempts) == 1:
            time.sleep(1.5)  # noqa: ASYNC251 - the fault itself: a loop that stands still for longer than the ack wait
        await release.wait()

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler, slots=2), grace=10):
        await shared.publisher.task(task)

        async def superseded():
            return len(attempts) == 2 and (await tally(task)).begun == 1

        await until(superseded)
        release.set()

        async def gone():
            return await tasks_left(task) == 0

        await until(gone)


async def test_a_superseded_worker_leaves_the_task_to_its_successor(working, shared, nc, events_of, tasks_left, until):
    attempts = []

    async def handler(_task, context):
        attempts.append(context.attempt)
        if len(attempts) == 1:
            time.sleep(1.5)  # noqa: ASYNC251 - the fault itself: a loop that stands still for longer than the ack wait
            raise Permanent(ErrorCode.UNREADABLE_MEDIA, "What a superseded worker thinks is nobody's concern.")

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler)):
        await shared.publisher.task(task)

        async def gone():
            return await tasks_left(task) == 0

        await until(gone)
    assert len(attempts) == 2
    assert await letters(nc) == 0
    assert await events_of(task.job) == []


async def test_an_acknowledgement_lost_with_the_server_spends_no_try(
    working, shared, nc, nats_server, tasks_left, until, tally
):
    attempts = []

    async def handler(_task, context):
        attempts.append(context.attempt)
        if len(attempts) == 1:
            nats_server.kill()
            asyncio.get_running_loop().call_later(3, nats_server.start)  # later than the worker waits for an answer

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler, retry=RetryPolicy(attempts=1)), grace=5):
        await shared.publisher.task(task)

        async def gone():
            return len(attempts) > 0 and await tasks_left(task) == 0

        await until(gone, 30)
    assert set(attempts) == {1}
    assert (await tally(task)).begun == len(attempts) - 1, "the first try was taken back"
    assert await letters(nc) == 0


async def test_a_failure_of_the_surroundings_spends_no_try(working, shared, nc, tasks_left, until):
    attempts = []

    async def handler(_task, context):
        attempts.append(context.attempt)
        if len(attempts) < 5:
            raise Transient(ErrorCode.OUT_OF_SPACE, "The disk is full.")

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler, retry=RetryPolicy(attempts=1, first_delay=0.02))):
        await shared.publisher.task(task)

        async def gone():
            return await tasks_left(task) == 0

        await until(gone)
    assert attempts == [1] * 5
    assert await letters(nc) == 0


async def test_a_surrounding_that_stays_broken_ends_the_job(working, shared, events_of, until):
    impatient = RetryPolicy(first_delay=0.01, delay_limit=0.01, waits=4)

    async def handler(_task, _context):
        raise Transient(ErrorCode.OUT_OF_SPACE, "The disk is full.")

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler, retry=impatient)):
        await shared.publisher.task(task)

        async def failed():
            return bool(await events_of(task.job))

        await until(failed)
    assert [event.code for event in await events_of(task.job)] == [ErrorCode.OUT_OF_SPACE]


async def test_a_worker_stops_while_the_server_is_away(working, shared, nats_server):
    begun = asyncio.Event()

    async def endless(_task, _context):
        begun.set()
        await asyncio.Event().wait()

    async with working(StageWorker(Stage.SCENES, endless)) as worker:
        await shared.publisher.task(ScenesTask(job=new_job_id()))
        await asyncio.wait_for(begun.wait(), 60)
        nats_server.kill()
        await asyncio.wait_for(worker.stop(0), 60)
    nats_server.start()


async def test_a_stopping_worker_gives_back_what_it_has_not_begun(working, shared, nc, until):
    """A busy stage is stopped many times. No stop keeps a task for an ack wait, and none counts a try."""
    done = asyncio.Queue()

    async def handler(task, context):
        done.put_nowait((task.job, context.attempt))

    tasks = [ScenesTask(job=new_job_id()) for _ in range(40)]
    for task in tasks:
        await shared.publisher.task(task)
    while done.qsize() < len(tasks):
        async with working(StageWorker(Stage.SCENES, handler)):
            before = done.qsize()

            async def moved(before=before):
                return done.qsize() > before

            await until(moved)
    settled = [done.get_nowait() for _ in tasks]
    assert sorted(job for job, _ in settled) == sorted(task.job for task in tasks)
    assert {attempt for _, attempt in settled} == {1}


async def test_work_of_a_later_generation_is_done_though_an_earlier_one_has_ended(working, shared):
    done = asyncio.Queue()

    async def handler(task, _context):
        done.put_nowait(task.generation)

    task = ScenesTask(job=new_job_id())
    await shared.ended.end(task.job, 0)
    async with working(StageWorker(Stage.SCENES, handler)):
        await shared.publisher.task(task)
        await shared.publisher.task(replace(task, generation=1))
        assert await asyncio.wait_for(done.get(), 60) == 1
    assert done.empty()


async def test_an_end_is_never_taken_back_by_a_late_writer(shared):
    job = new_job_id()
    await shared.ended.end(job, 2)
    await shared.ended.end(job, 1)
    assert await shared.ended.ended(job, 2)
    assert not await shared.ended.ended(job, 3)


async def test_a_try_is_counted_once_though_its_answer_was_lost(shared, nats_server, nc):
    """Tries are counted while the server dies again and again: the tally is the number of calls, not of requests."""
    task = ScenesTask(job=new_job_id())

    async def kill_often():
        for _ in range(4):
            await asyncio.sleep(0.05)
            nats_server.kill()
            nats_server.start()

    killing = asyncio.create_task(kill_often())
    calls = 0
    while not killing.done():
        await shared.attempts.begin(task)
        calls += 1
    await killing
    entry = await (await nc.jetstream().key_value(ATTEMPTS.name)).get(f"{task.job}.scenes.0")
    assert codec.decode_document(entry.value, dict)["begun"] == calls
