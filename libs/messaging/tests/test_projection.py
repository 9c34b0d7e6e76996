"""Folding a stream: in order, once, whoever folds and however often they are interrupted."""

import asyncio
import contextlib
import json
import time
from functools import partial

import pytest
from clipmill.contracts.events import Log, Queued
from clipmill.contracts.identifiers import new_job_id
from clipmill.messaging import projection
from clipmill.messaging.buckets import Bucket
from clipmill.messaging.connection import close, connect, retry_until
from clipmill.messaging.lease import Lease
from clipmill.messaging.projection import _Reader
from clipmill.messaging.topology import CHECKPOINT, EVENTS, JOBS, LEASE, LEASE_SECONDS
from nats.js.errors import KeyNotFoundError
from prometheus_client import REGISTRY

pytestmark = pytest.mark.cluster


@contextlib.asynccontextmanager
async def running(projector):
    task = asyncio.create_task(projector.run())
    yield task
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def submit(shared, count):
    job = new_job_id()
    await shared.publisher.event(Queued(job=job))
    for number in range(count):
        await shared.publisher.event(Log(job=job, name=str(number), line=""))
    return job


async def names_of(nc, job):
    js = nc.jetstream(timeout=2)
    try:
        documents = await retry_until(lambda: js.key_value(JOBS.name))
        entry = await retry_until(lambda: documents.get(job))
    except KeyNotFoundError:
        return None
    return json.loads(entry.value)["names"]


async def test_events_are_folded_in_order_as_they_come(shared, nc, projector_of, until):
    async with running(projector_of()):
        job = await submit(shared, 20)

        async def all_there():
            return await names_of(nc, job) == [str(number) for number in range(20)]

        await until(all_there)


async def test_a_restarted_projector_goes_on_where_the_last_stopped(shared, nc, projector_of, until):
    first = await submit(shared, 5)
    async with running(projector_of()):

        async def first_there():
            return await names_of(nc, first) == [str(number) for number in range(5)]

        await until(first_there)
    second = await submit(shared, 5)
    async with running(projector_of()):

        async def second_there():
            return await names_of(nc, second) == [str(number) for number in range(5)]

        await until(second_there)


async def test_projectors_that_race_agree_on_the_sequential_fold(shared, nc, projector_of, until):
    async with running(projector_of()), running(projector_of()), running(projector_of()):
        jobs = await asyncio.gather(*(submit(shared, 15) for _ in range(8)))
        expected = [str(number) for number in range(15)]

        async def all_there():
            return all([await names_of(nc, job) == expected for job in jobs])

        await until(all_there, 20)


async def test_a_projector_survives_the_death_of_the_server(shared, nc, projector_of, nats_server, until):
    async with running(projector_of()):
        job = await submit(shared, 3)
        nats_server.kill()
        nats_server.start()
        await shared.publisher.event(Log(job=job, name="after", line=""))

        async def all_there():
            return await names_of(nc, job) == ["0", "1", "2", "after"]

        await until(all_there, 20)


async def test_an_event_for_which_a_document_has_no_room_is_skipped_and_the_others_are_folded(
    shared, nc, projector_of, until
):
    skipped = projection.OVERSIZED._value
    before = skipped.get()
    full, other = new_job_id(), new_job_id()
    long = [letter * 60_000 for letter in "abcdefghijklmnopqrs"]  # 17 of them fit into 1 MiB
    await shared.publisher.event(Queued(job=full))
    for name in (*long, "short"):
        await shared.publisher.event(Log(job=full, name=name, line=""))
    await shared.publisher.event(Queued(job=other))
    await shared.publisher.event(Log(job=other, name="after", line=""))
    async with running(projector_of()) as task:

        async def all_there():
            return await names_of(nc, full) == [*long[:17], "short"] and await names_of(nc, other) == ["after"]

        await until(all_there)
        assert not task.done()
    assert skipped.get() == before + 2


async def test_a_stream_that_lost_its_tail_stops_the_projector_loudly(shared, nc, projector_of, monkeypatch):
    monkeypatch.setattr(projection, "PATIENCE_SECONDS", 0.3)
    await submit(shared, 1)
    js = nc.jetstream()
    created = int((await js.stream_info("EVENTS")).created.timestamp())
    await (await js.key_value(CHECKPOINT.name)).put(f"events_{created}", b"999")
    with pytest.raises(RuntimeError, match="before the checkpoint"):
        await projector_of().run()


async def test_a_message_lost_on_the_way_is_asked_for_again(shared, nc, projector_of, until, monkeypatch):
    """The connection may move to another server in the middle of an answer."""
    answered = _Reader._answered
    job = await submit(shared, 20)
    first = (await retry_until(lambda: nc.jetstream(timeout=2).stream_info(EVENTS))).state.first_seq
    to_lose = {str(first), str(first + 7), str(first + 20)}

    async def lossy(reader, message):
        sequence = message.headers.get("Nats-Sequence")
        if sequence in to_lose:
            to_lose.remove(sequence)
        else:
            await answered(reader, message)

    monkeypatch.setattr(_Reader, "_answered", lossy)
    async with running(projector_of()):

        async def all_there():
            return await names_of(nc, job) == [str(number) for number in range(20)]

        await until(all_there)
    assert not to_lose


async def test_the_events_of_a_deleted_job_do_not_bring_it_back(shared, nc, projector_of, until):
    async with running(projector_of()):
        deleted = await submit(shared, 1)

        async def there():
            return await names_of(nc, deleted) == ["0"]

        await until(there)
        await (await nc.jetstream().key_value(JOBS.name)).delete(deleted)
        await shared.publisher.event(Queued(job=deleted, generation=1))
        after = await submit(shared, 1)

        async def others_there():
            return await names_of(nc, after) == ["0"]

        await until(others_there)
        assert await names_of(nc, deleted) is None


async def test_an_event_whose_subject_names_no_possible_job_stops_nobody(shared, nc, projector_of, until):
    await nc.jetstream().publish("clipmill.event.no!job.queued", b'{"kind": "queued"}')
    async with running(projector_of()):
        job = await submit(shared, 1)

        async def there():
            return await names_of(nc, job) == ["0"]

        await until(there)


async def test_the_lag_is_what_is_left_to_fold_and_nothing_where_another_folds(shared, projector_of, names, until):
    await submit(shared, 20)
    held, release = asyncio.Event(), asyncio.Event()

    async def slow(_document):
        held.set()
        await release.wait()

    names.before_write = slow
    lag = partial(REGISTRY.get_sample_value, "clipmill_projection_lag_events")
    async with running(projector_of()) as stopped:
        await asyncio.wait_for(held.wait(), 60)
        assert lag() == 21
        stopped.cancel()
        await asyncio.wait({stopped})
        assert lag() == 0, "it is another's by now"
    release.set()
    async with running(projector_of()):

        async def none_left():
            return lag() == 0

        await until(none_left)


async def test_a_lease_has_one_holder_and_passes_on(nc):
    bucket = await Bucket.open(nc, LEASE, bytes)
    active, taken = [], asyncio.Queue()

    def work_of(name):
        async def work():
            active.append(name)
            taken.put_nowait(name)
            try:
                await asyncio.Event().wait()
            finally:
                active.remove(name)

        return work

    async def hold(name):
        await Lease(bucket, "one", name, ttl=2.0).run(work_of(name))

    holders = {name: asyncio.create_task(hold(name)) for name in ("a", "b")}
    first = await asyncio.wait_for(taken.get(), 60)
    assert active == [first]
    holders[first].cancel()
    await asyncio.gather(holders[first], return_exceptions=True)
    second = await asyncio.wait_for(taken.get(), 60)
    assert {first, second} == {"a", "b"}
    assert active == [second]
    holders[second].cancel()
    await asyncio.gather(holders[second], return_exceptions=True)


async def test_a_holder_that_dies_without_a_word_is_replaced_when_its_lease_has_run_out(nc, nats_server):
    """The dead holder leaves its key behind; only the age of the key shows that nobody holds the lease."""
    bucket = await Bucket.open(nc, LEASE, bytes)
    taken = asyncio.Event()

    async def work():
        taken.set()
        await asyncio.Event().wait()

    other = await connect(nats_server.url, "dying")
    theirs = await Bucket.open(other, LEASE, bytes)
    dying = asyncio.create_task(Lease(theirs, "one", "dying", LEASE_SECONDS).run(work))
    await asyncio.wait_for(taken.wait(), 60)
    taken.clear()
    await close(other)
    died = time.monotonic()
    heir = asyncio.create_task(Lease(bucket, "one", "heir", LEASE_SECONDS).run(work))
    await asyncio.wait_for(taken.wait(), 60)
    assert time.monotonic() - died < LEASE_SECONDS + 6, "4.5 s at most where nothing else runs"
    for each in (dying, heir):
        each.cancel()
    await asyncio.gather(dying, heir, return_exceptions=True)
