"""The steps of the projector before it writes the end of a job."""

import asyncio
import contextlib

import pytest
from clipmill.contracts.events import Cancelled, Failed, Queued, Reopened
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import ScenesTask, first_task
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.projector import JOBS as JOBS_ENDED
from clipmill.gateway.projection.projector import JobsView
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.cancellation import EndedJobs
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import Projector
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.topology import CHECKPOINT, CONTROL, INTAKE, JOBS, SECRETS, TASKS
from msgspec.structs import replace


@pytest.fixture
def publisher(nc):
    return Publisher(nc)


@pytest.fixture
async def ended(nc):
    return EndedJobs(await Bucket.open(nc, CONTROL, int))


@pytest.fixture
async def fold_one(nc, ended):
    """Return a function that folds all events up to the last in the stream."""
    js = nc.jetstream()
    view = JobsView(JobStreams(nc), ended, Secrets(await Bucket.open(nc, SECRETS, bytes), None))
    documents, checkpoints = await Bucket.open(nc, JOBS, JobDocument), await Bucket.open(nc, CHECKPOINT, int)

    async def fold():
        projector = Projector(JobStreams(nc), documents, checkpoints, view)
        running = asyncio.create_task(projector.run())
        last = (await js.stream_info("EVENTS")).state.last_seq
        async with asyncio.timeout(60):
            while projector.folded < last:
                await asyncio.sleep(0.01)
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running

    return fold


async def tasks(nc):
    js = nc.jetstream()
    return [(await js.stream_info(stream)).state.messages for stream in (INTAKE, TASKS)]


def failed(job):
    return Failed(job=job, stage=Stage.SCENES, code=ErrorCode.UNREADABLE_MEDIA, sentence="It cannot be read.")


@pytest.mark.parametrize("end", [failed, lambda job: Cancelled(job=job)])
async def test_the_end_of_a_job_removes_its_tasks_and_no_others(nc, publisher, ended, fold_one, end):
    job, other = new_job_id(), new_job_id()
    for each in (job, other):
        queued = Queued(job=each, source="talk.mp4", upload=True)
        await publisher.event(queued)
        await publisher.task(first_task(queued))
        await publisher.task(ScenesTask(job=each))
    await publisher.event(end(job))
    await fold_one()
    assert await tasks(nc) == [1, 1]
    assert await ended.ended(job, 0)
    assert not await ended.ended(other, 0)


async def test_a_job_that_was_reopened_before_its_end_was_folded_keeps_its_new_task(nc, publisher, ended, fold_one):
    """The operator is faster than a lagging projector, which folds `failed` before it has read the retry."""
    job = new_job_id()
    queued = Queued(job=job, source="talk.mp4", upload=True)
    await publisher.event(queued)
    await publisher.event(failed(job))
    view_of_failed_alone = JobsView(JobStreams(nc), ended, Secrets(await Bucket.open(nc, SECRETS, bytes), None))
    await fold_one()
    document = (await (await Bucket.open(nc, JOBS, JobDocument)).get(job)).value
    await publisher.event(Reopened(job=job, generation=1))
    await publisher.task(first_task(queued, 1))
    await view_of_failed_alone.before_write(document)
    assert await tasks(nc) == [1, 0]
    assert await ended.ended(job, 0)
    assert not await ended.ended(job, 1)
    await fold_one()
    await publisher.event(replace(failed(job), generation=1))
    await fold_one()
    assert await tasks(nc) == [0, 0]


async def test_an_end_that_is_folded_together_with_the_reopening_after_it_counts_as_that_end(fold_one, publisher):
    counted = {state: JOBS_ENDED.labels(state)._value for state in ("completed", "failed", "cancelled")}
    before = {state: value.get() for state, value in counted.items()}
    job = new_job_id()
    end = Failed(job=job, stage=None, code=ErrorCode.INTERNAL, sentence="It broke.")
    for event in (Queued(job=job), end, Reopened(job=job, generation=1), replace(end, generation=1)):
        await publisher.event(event)
    await publisher.event(Reopened(job=job, generation=2))
    await fold_one()
    assert {state: value.get() - before[state] for state, value in counted.items()} == {
        "completed": 0,
        "failed": 2,
        "cancelled": 0,
    }
    assert ("processing",) not in JOBS_ENDED._metrics
