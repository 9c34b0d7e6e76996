"""Three servers that hold three copies of everything: one may die, whichever it is, and nothing shows."""

import asyncio
import contextlib
import os
from functools import partial

import pytest
from clipmill.contracts.events import Log, Queued
from clipmill.contracts.identifiers import new_job_id
from clipmill.messaging import connection, topology
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.connection import retry_until
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.lease import Lease
from clipmill.messaging.projection import Projector
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.topology import CHECKPOINT, EVENTS, JOBS, LEASE, LEASE_SECONDS
from nats.js.errors import APIError

LINES = 150
LINE_SECONDS = 0.1

pytestmark = [
    pytest.mark.skipif("CLIPMILL_TEST_NATS_NODES" in os.environ, reason="runs its own clusters"),
    pytest.mark.slow,
]


@contextlib.asynccontextmanager
async def projecting(url, names, holder):
    """A projector with its own connection, active while it holds the lease."""
    nc = await connection.connect(url, holder)
    documents, checkpoints = await Bucket.open(nc, JOBS, dict), await Bucket.open(nc, CHECKPOINT, int)
    leases = await Bucket.open(nc, LEASE, bytes)
    projector = Projector(JobStreams(nc), documents, checkpoints, names)
    running = asyncio.create_task(Lease(leases, "projector", holder, LEASE_SECONDS).run(projector.run))
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await connection.close(nc)


async def test_a_leader_that_dies_loses_no_event_and_takes_no_status_back(nats_cluster, names):
    """The leaders of the events and of the documents die while lines are published, folded and polled."""
    nc = await connection.connect(nats_cluster.url, "test")
    await topology.apply(nc, nats_cluster.replicas)
    publisher, jobs = Publisher(nc), [new_job_id() for _ in range(3)]
    documents = await Bucket.open(nc, JOBS, dict)
    published = [str(number) for number in range(LINES)]
    seen = dict.fromkeys(jobs, 0)
    polls = 0

    async def publish(job):
        await publisher.event(Queued(job=job))
        for name in published:
            await publisher.event(Log(job=job, name=name, line=""))
            await asyncio.sleep(LINE_SECONDS)

    async def poll(job):
        nonlocal polls
        while seen[job] < LINES:
            if document := (await documents.get(job)).value:
                shown = document["names"]
                assert shown == published[: len(shown)], "the fold is not the sequential one"
                assert len(shown) >= seen[job], "a status went back"
                seen[job] = len(shown)
            polls += 1
            await asyncio.sleep(LINE_SECONDS / 4)

    async def sabotage():
        for stream in (EVENTS, JOBS.stream):
            await asyncio.sleep(LINES * LINE_SECONDS / 4)
            leader = await asyncio.to_thread(nats_cluster.leader_of, stream)
            nats_cluster.lose(leader)
            await asyncio.sleep(LINES * LINE_SECONDS / 8)
            await asyncio.to_thread(nats_cluster.restore)

    async with (
        projecting(nats_cluster.url, names, "first"),
        projecting(nats_cluster.url, names, "second"),
        asyncio.timeout(120),
        asyncio.TaskGroup() as group,
    ):
        for job in jobs:
            group.create_task(publish(job))
            group.create_task(poll(job))
        group.create_task(sabotage())
    assert polls > LINES
    await connection.close(nc)


async def test_the_topology_grows_to_three_copies_while_it_is_used(nats_cluster):
    nc = await connection.connect(nats_cluster.url, "test")
    js = nc.jetstream(timeout=2)
    publisher, job = Publisher(nc), new_job_id()
    await topology.apply(nc, 1)
    published = 0
    grown = asyncio.Event()

    async def publish():
        nonlocal published
        while not grown.is_set():
            published += 1
            await publisher.event(Log(job=job, name=str(published), line=""))

    async def copies(stream):
        info = await retry_until(partial(js.stream_info, stream))
        return [each.current for each in info.cluster.replicas or ()]

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(publish())
        await topology.apply(nc, 3)
        while any([await copies(stream) != [True, True] for stream in (EVENTS, JOBS.stream)]):
            await asyncio.sleep(0.1)
        grown.set()
    info = await retry_until(partial(js.stream_info, EVENTS))
    assert (info.config.num_replicas, info.state.messages) == (3, published)
    await connection.close(nc)


async def test_copies_that_a_single_server_cannot_hold_are_refused_at_once(nc):
    with pytest.raises(APIError, match="replicas > 1 not supported"):
        await topology.apply(nc, 3)
