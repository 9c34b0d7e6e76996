"""A worker settles each delivery: the message to the server, the outcome that is counted, the tally left."""

import asyncio
import contextlib

import msgspec
import pytest
import structlog
from clipmill.contracts.events import Failed
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import AnalyzeTask, ScenesTask
from clipmill.messaging import topology
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.dead_letters import DeadLetter
from clipmill.messaging.retry import RetryPolicy
from clipmill.messaging.topology import CONTROL, DEAD_LETTERS
from clipmill.messaging.worker import OUTCOMES, StageWorker, Worker
from prometheus_client import REGISTRY

ACK, GIVEN_BACK, REFUSED, ALIVE = b"", b"-NAK", b"+TERM", b"+WPI"
BEAT_SECONDS = 1.0 / 3
"""A third of the tests' ack wait."""

SOON = RetryPolicy(first_delay=0.01)


async def letters(nc):
    """Return the dead letters, as they are stored."""
    js = nc.jetstream()
    count = (await js.stream_info(DEAD_LETTERS)).state.messages
    return [
        msgspec.json.decode((await js.get_msg(DEAD_LETTERS, seq=n + 1)).data, type=DeadLetter) for n in range(count)
    ]


async def test_every_outcome_and_the_slots_are_counted_from_the_beginning(shared):
    Worker(StageWorker(Stage.ANALYZE, None, slots=3), shared)
    for outcome in OUTCOMES:
        labels = {"stage": Stage.ANALYZE, "outcome": outcome}
        assert REGISTRY.get_sample_value("clipmill_tasks_total", labels) is not None
    assert REGISTRY.get_sample_value("clipmill_worker_slots", {"stage": Stage.ANALYZE}) == 3


async def test_a_finished_task_is_acknowledged_and_its_time_is_counted(working, shared, words, outcomes, tally, nc):
    def seconds(kind):
        return REGISTRY.get_sample_value(f"clipmill_task_duration_seconds_{kind}", {"stage": Stage.SCENES}) or 0.0

    async def handler(_task, _context):
        done.set()

    done, before = asyncio.Event(), (seconds("count"), seconds("sum"))
    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler), grace=10):
        await shared.publisher.task(task)
        await asyncio.wait_for(done.wait(), 60)
    await nc.flush()
    assert (words(), outcomes()) == ([ACK], {"finished": 1})
    assert seconds("count") - before[0] == 1
    assert 0 <= seconds("sum") - before[1] < 60
    assert (await tally(task)).begun == 1


async def test_a_failure_that_may_pass_is_counted_as_retried_and_logged_as_a_warning(working, shared, outcomes):
    async def handler(_task, context):
        if context.attempt == 1:
            raise Transient(ErrorCode.OUT_OF_MEMORY, "No memory was left.")
        done.set()

    done = asyncio.Event()
    with structlog.testing.capture_logs() as logged:
        async with working(StageWorker(Stage.SCENES, handler, retry=SOON), grace=10):
            await shared.publisher.task(ScenesTask(job=new_job_id()))
            await asyncio.wait_for(done.wait(), 60)
    assert outcomes() == {"retried": 1, "finished": 1}
    assert [line["log_level"] for line in logged if line["event"] == "task_failed"] == ["warning"]


async def test_a_failure_for_good_wakes_nobody_when_it_is_the_input_s_fault(
    working, shared, words, outcomes, nc, tally, soon
):
    async def handler(_task, _context):
        raise Permanent(ErrorCode.UNREADABLE_MEDIA, "The file is not a video.")

    task = ScenesTask(job=new_job_id())
    with structlog.testing.capture_logs() as logged:
        async with working(StageWorker(Stage.SCENES, handler), grace=10):
            await shared.publisher.task(task)
            await soon(lambda: outcomes() == {"failed": 1})
    await nc.flush()
    assert words() == [REFUSED]
    assert [line["log_level"] for line in logged if line["event"] == "task_failed"] == ["info"]
    (letter,) = await letters(nc)
    assert (letter.task, letter.code, letter.attempts) == (task, ErrorCode.UNREADABLE_MEDIA, 1)
    assert (await tally(task)).begun == 1


async def test_a_dead_letter_counts_tries_and_waits_and_is_logged_as_an_error(
    working, shared, outcomes, nc, events_of, soon
):
    failures = iter([ErrorCode.OUT_OF_SPACE, ErrorCode.OUT_OF_MEMORY, ErrorCode.OUT_OF_MEMORY])

    async def handler(_task, _context):
        raise Transient(next(failures), "Something is short.")

    task = ScenesTask(job=new_job_id())
    policy = RetryPolicy(attempts=2, first_delay=0.01)
    with structlog.testing.capture_logs() as logged:
        async with working(StageWorker(Stage.SCENES, handler, retry=policy), grace=10):
            await shared.publisher.task(task)
            await soon(lambda: outcomes() == {"retried": 2, "failed": 1})
    levels = [line["log_level"] for line in logged if line["event"] == "task_failed"]
    assert levels == ["warning", "warning", "error"]
    (letter,) = await letters(nc)
    assert (letter.code, letter.attempts) == (ErrorCode.OUT_OF_MEMORY, 3)
    (event,) = await events_of(task.job)
    assert isinstance(event, Failed)
    assert (event.stage, event.generation, event.code) == (Stage.SCENES, 0, ErrorCode.OUT_OF_MEMORY)


async def test_a_task_that_its_workers_died_of_says_how_many_did(working, shared, outcomes, nc, words, events_of, soon):
    async def handler(_task, _context):
        pytest.fail("it must not be tried again")

    task = ScenesTask(job=new_job_id())
    for _ in range(2):
        await shared.attempts.begin(task)
    async with working(StageWorker(Stage.SCENES, handler, retry=RetryPolicy(attempts=2)), grace=10):
        await shared.publisher.task(task)
        await soon(lambda: outcomes() == {"failed": 1})
    (letter,) = await letters(nc)
    assert (letter.code, letter.attempts) == (ErrorCode.WORKER_CRASHED, 2)
    (event,) = await events_of(task.job)
    sentence = "The scenes stage died 2 times while working on this task; read the log of the service analyzer."
    assert event.sentence == letter.sentence == sentence
    await nc.flush()
    assert words() == [REFUSED]


async def test_a_task_of_a_job_that_has_ended_is_refused_and_counted_as_dropped(
    working, shared, words, outcomes, nc, soon
):
    async def handler(_task, _context):
        pytest.fail("nothing is to be done for it")

    task = ScenesTask(job=new_job_id())
    await shared.ended.end(task.job, task.generation)
    async with working(StageWorker(Stage.SCENES, handler), grace=10):
        await shared.publisher.task(task)
        await soon(lambda: outcomes() == {"dropped": 1})
    await nc.flush()
    assert words() == [REFUSED]


async def test_a_handler_has_stopped_before_its_task_is_refused(working, shared, words, outcomes, nc, soon):
    begun, stopped = asyncio.Event(), []

    async def handler(_task, _context):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(20):
                await nc.flush()
            stopped.append(words())

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler), grace=10):
        await shared.publisher.task(task)
        await asyncio.wait_for(begun.wait(), 60)
        await shared.ended.end(task.job, task.generation)
        await soon(lambda: outcomes() == {"dropped": 1})
    await nc.flush()
    assert (stopped, words()) == ([[]], [REFUSED])


async def test_the_end_of_a_job_whose_message_was_missed_stops_its_running_task(
    working, shared, words, outcomes, nc, soon
):
    """During an outage nobody receives the message about the end when it is stored."""
    begun = asyncio.Event()

    async def handler(_task, _context):
        begun.set()
        await asyncio.Event().wait()

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler), grace=10):
        await shared.publisher.task(task)
        await asyncio.wait_for(begun.wait(), 60)
        await shared.ended.stop()
        await EndedJobs(await Bucket.open(nc, CONTROL, int)).end(task.job, task.generation)
        await soon(lambda: outcomes() == {"dropped": 1})
        await shared.ended.start()
    await nc.flush()
    assert words() == [REFUSED]


async def test_work_that_was_finished_when_its_job_ended_counts_as_finished(working, shared, words, outcomes, nc, soon):
    begun = asyncio.Event()

    async def handler(_task, _context):
        begun.set()
        with contextlib.suppress(asyncio.CancelledError):  # what it had to store is stored
            await asyncio.Event().wait()

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler), grace=10):
        await shared.publisher.task(task)
        await asyncio.wait_for(begun.wait(), 60)
        await shared.ended.end(task.job, task.generation)
        await soon(lambda: outcomes() == {"finished": 1})
    await nc.flush()
    assert words() == [ACK]


async def test_no_more_tasks_are_begun_than_there_are_slots(working, shared, nc, outcomes, soon):
    at_work, most = set(), []

    async def handler(task, _context):
        at_work.add(task.job)
        most.append(len(at_work))
        for _ in range(30):
            await nc.flush()
        most.append(len(at_work))
        at_work.discard(task.job)

    for _ in range(6):
        await shared.publisher.task(ScenesTask(job=new_job_id()))
    async with working(StageWorker(Stage.SCENES, handler, slots=2), grace=10):
        await soon(lambda: outcomes() == {"finished": 6})
    assert max(most) == 2


async def test_a_beat_and_a_look_at_the_job_come_a_third_of_the_ack_wait_apart(
    working, shared, settlements, nc, outcomes, soon
):
    loop = asyncio.get_running_loop()
    begun, looks, release = loop.create_future(), [], asyncio.Event()

    async def notice(_message):
        looks.append(loop.time())

    await nc.subscribe(f"$JS.API.STREAM.MSG.GET.KV_{CONTROL.name}", cb=notice)
    await nc.flush()

    async def handler(_task, _context):
        began = loop.time()
        await nc.flush()  # what was asked before the work began has been heard
        looks.clear()
        begun.set_result(began)
        await release.wait()

    def beats():
        return [when for _, word, when in settlements if word == ALIVE]

    async with working(StageWorker(Stage.SCENES, handler), grace=10):
        await shared.publisher.task(ScenesTask(job=new_job_id()))
        since = await asyncio.wait_for(begun, 60)
        await soon(lambda: len(beats()) >= 5)
        assert len(looks) >= 2
        release.set()
    for heard in (beats(), looks):
        for number, when in enumerate(heard, 1):
            assert when >= since + number * BEAT_SECONDS
    assert outcomes() == {"finished": 1}


async def test_a_message_that_is_no_task_leaves_the_stream(working, nc, tasks_left, until, words):
    async def handler(_task, _context):
        pytest.fail("there is nothing to do")

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler)):
        await nc.jetstream().publish(f"clipmill.task.scenes.normal.{task.job}", b"not json")

        async def gone():
            return await tasks_left(task) == 0

        await until(gone)
    await nc.flush()
    assert words() == [REFUSED]
    assert (await nc.jetstream().get_msg(DEAD_LETTERS, seq=1)).data == b"not json"


async def test_a_try_whose_acknowledgement_was_lost_is_taken_back(
    working, shared, nc, nats_server, outcomes, tally, soon
):
    """The consumer goes away while the task is worked on, so that nobody answers; the task is delivered once more."""
    attempts = []

    async def handler(_task, context):
        attempts.append(context.attempt)
        if len(attempts) == 1:
            await nc.jetstream().delete_consumer(topology.TASKS, "scenes_normal")

    task = ScenesTask(job=new_job_id())
    async with working(StageWorker(Stage.SCENES, handler, retry=RetryPolicy(attempts=1)), grace=10):
        await shared.publisher.task(task)
        await soon(lambda: outcomes() == {"finished": 1})
        assert (await tally(task)).begun == 0
        await topology.apply(nc, nats_server.replicas, ack_wait=1.0)
        await soon(lambda: outcomes() == {"finished": 2})
    assert attempts == [1, 1]
    assert (await tally(task)).begun == 1
    assert await letters(nc) == []


async def test_the_stage_in_a_failure_event_is_the_task_s(working, shared, events_of, outcomes, soon):
    async def handler(_task, _context):
        raise Permanent(ErrorCode.NO_VIDEO, "There is no video.")

    task = AnalyzeTask(job=new_job_id(), generation=2)
    async with working(StageWorker(Stage.ANALYZE, handler), grace=10):
        await shared.publisher.task(task)
        await soon(lambda: outcomes(Stage.ANALYZE) == {"failed": 1})
    (event,) = await events_of(task.job)
    assert (event.stage, event.generation, event.code) == (Stage.ANALYZE, 2, ErrorCode.NO_VIDEO)
    assert outcomes() == {}
