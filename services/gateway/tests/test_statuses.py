"""Polls of one job: simultaneous polls share one request, but not across a deletion."""

import asyncio

import msgspec
import pytest
from clipmill.contracts.identifiers import new_job_id
from clipmill.gateway.api.statuses import Statuses
from clipmill.gateway.projection.document import JobDocument
from clipmill.messaging import buckets, topology
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.topology import JOBS
from suspension import suspended


async def begun(poll):
    """Begin a poll, and return its task once it waits for the answer."""
    task = asyncio.create_task(poll)
    for _ in range(10):
        await asyncio.sleep(0)
    return task


@pytest.fixture
async def job(nc, gateway):
    """Store the document of a job without a projector, and return the job."""
    gateway.projecting.cancel()
    await asyncio.gather(gateway.projecting, return_exceptions=True)
    document = JobDocument(job=new_job_id(), logs=["First."])
    await (await nc.jetstream().key_value(JOBS.name)).put(document.job, msgspec.json.encode(document))
    return document.job


@pytest.fixture
async def statuses(job, nc, monkeypatch):
    """Return statuses that never repeat a request, however late a busy server answers it; so requests can be counted.

    The job exists before them.
    """
    monkeypatch.setattr(buckets, "REQUEST_SECONDS", 120.0)
    return Statuses(await Bucket.open(nc, JOBS, JobDocument), answer_seconds=240.0)


async def test_polls_at_the_same_time_ask_once(statuses, job, nats_server, questions, nc):
    with suspended(nats_server):
        polls = [await begun(statuses.document(job)) for _ in range(5)]
    assert [document.logs for document in await asyncio.gather(*polls)] == [["First."]] * 5
    await nc.flush()
    assert len(questions) == 1
    assert (await statuses.document(job)).logs == ["First."]
    await nc.flush()
    assert len(questions) == 2, "a later poll asks again"


async def test_a_poller_that_leaves_takes_no_answer_from_the_others(gateway, job, nats_server):
    with suspended(nats_server):
        first, second = [await begun(gateway.statuses.document(job)) for _ in range(2)]
        first.cancel()
        await asyncio.wait({first})
    assert (await second).logs == ["First."]


async def test_a_poll_after_a_deletion_does_not_share_the_answer_to_one_before_it(
    statuses, job, nats_server, questions, nc
):
    with suspended(nats_server):
        before = await begun(statuses.document(job))
        statuses.forget(job)
        after = [await begun(statuses.document(job)) for _ in range(2)]
    await asyncio.gather(before, *after)
    await nc.flush()
    assert len(questions) == 2


async def test_nothing_of_a_deleted_job_is_answered_when_its_bucket_counts_from_one_again(
    gateway, job, nc, nats_server
):
    async def logs():
        return (await (await gateway.client.get(f"/api/status/{job}")).json())["logs"]

    js = nc.jetstream()
    revision = (await (await js.key_value(JOBS.name)).get(job)).revision
    assert await logs() == ["First."]
    gateway.statuses.forget(job)
    await js.delete_stream(JOBS.stream)
    await topology.apply(nc, nats_server.replicas, ack_wait=1.0)
    again = msgspec.json.encode(JobDocument(job=job, logs=["Again."]))
    assert await (await js.key_value(JOBS.name)).put(job, again) == revision
    assert await logs() == ["Again."]
