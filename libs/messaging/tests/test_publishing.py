"""Every message is stored once; only the first stage refuses any."""

import asyncio
import time
from functools import partial

import pytest
from clipmill.contracts.events import Started
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.tasks import DownloadTask, TranscribeTask
from clipmill.messaging import topology
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.connection import retry_until
from clipmill.messaging.secrets import Secrets
from clipmill.messaging.topology import INTAKE, SECRETS

pytestmark = pytest.mark.cluster


async def test_the_same_event_is_stored_once(shared, events_of):
    event = Started(job=new_job_id())
    first, second = await shared.publisher.event(event), await shared.publisher.event(event)
    assert second.duplicate
    assert first.seq == second.seq
    assert len(await events_of(event.job)) == 1


async def test_an_event_that_is_published_by_many_at_once_is_stored_once(shared, events_of):
    events = [Started(job=new_job_id(), at=1.0) for _ in range(5)]
    await asyncio.gather(*(shared.publisher.event(event) for event in events for _ in range(10)))
    assert [await events_of(event.job) for event in events] == [[event] for event in events]


async def test_a_raised_generation_is_another_task(shared):
    job = new_job_id()
    await shared.publisher.task(TranscribeTask(job=job))
    assert not (await shared.publisher.task(TranscribeTask(job=job, generation=1))).duplicate


async def test_a_full_intake_refuses_new_work_and_only_that(shared, nc):
    js = nc.jetstream()
    info = await js.stream_info(INTAKE)
    await js.update_stream(info.config.evolve(max_msgs=1))
    await shared.publisher.task(DownloadTask(job=new_job_id(), url="https://example.com/a"))
    with pytest.raises(Transient) as refusal:
        await shared.publisher.task(DownloadTask(job=new_job_id(), url="https://example.com/b"))
    assert refusal.value.code is ErrorCode.BUSY
    assert refusal.value.retry_after
    await shared.publisher.task(TranscribeTask(job=new_job_id()))


async def test_an_outage_past_the_deadline_is_reported(shared, nats_server):
    nats_server.kill()
    with pytest.raises(Transient) as refusal:
        await shared.publisher.event(Started(job=new_job_id()), deadline=time.monotonic())
    assert refusal.value.code is ErrorCode.UNAVAILABLE


async def test_the_topology_can_be_applied_again(nc, nats_server):
    await topology.apply(nc, nats_server.replicas, ack_wait=2.0, retention=1.0)
    js = nc.jetstream()
    for consumer in topology.CONSUMERS:
        info = await retry_until(partial(js.consumer_info, consumer.stream, consumer.name))
        assert info.config.ack_wait == 2.0


async def test_a_lent_key_is_unreadable_at_rest_and_forgotten(nc):
    bucket = await nc.jetstream().key_value(SECRETS.name)
    secrets, job = Secrets(await Bucket.open(nc, SECRETS, bytes), "the installation's"), new_job_id()
    await secrets.put(job, "AIza-lent")
    assert b"AIza" not in ((await bucket.get(job)).value or b"")
    assert await secrets.get(job) == "AIza-lent"
    with pytest.raises(Permanent) as other:
        await Secrets(await Bucket.open(nc, SECRETS, bytes), "another's").get(job)
    assert other.value.code is ErrorCode.SECRETS_NOT_CONFIGURED
    await secrets.forget(job)
    assert await secrets.get(job) is None


async def test_without_a_secret_key_no_key_is_taken(nc):
    secrets = Secrets(await Bucket.open(nc, SECRETS, bytes), None)
    with pytest.raises(Permanent):
        await secrets.put(new_job_id(), "AIza-lent")
