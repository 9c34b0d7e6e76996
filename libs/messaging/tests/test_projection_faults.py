"""Reading and folding when the stream is long, late, silent or another one, and what a projector leaves behind."""

import asyncio
import contextlib
import json
import time

import pytest
from clipmill.contracts.events import Log, Queued
from clipmill.contracts.identifiers import new_job_id
from clipmill.messaging import projection, topology
from clipmill.messaging.projection import read_events, read_to_end
from clipmill.messaging.topology import CHECKPOINT, EVENTS, JOBS
from nats.js.errors import KeyNotFoundError
from prometheus_client import REGISTRY

REQUESTS = f"$JS.API.DIRECT.GET.{EVENTS}"


@pytest.fixture
async def buckets(nc):
    js = nc.jetstream()
    return await js.key_value(JOBS.name), await js.key_value(CHECKPOINT.name)


@contextlib.asynccontextmanager
async def running(projector):
    task = asyncio.create_task(projector.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def soon(condition):
    """Wait until `condition()` holds."""
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.01)


async def publish(shared, *names, job=None):
    """Publish a job's events, at first with its beginning, and return the job and the last sequence."""
    if job is None:
        job = new_job_id()
        await shared.publisher.event(Queued(job=job))
    acks = [await shared.publisher.event(Log(job=job, name=name, line="")) for name in names]
    return job, acks[-1].seq


async def names_of(buckets, job):
    return json.loads((await buckets[0].get(job)).value)["names"]


async def many(nc, count):
    """Publish `count` events of one job at once and return the job."""
    job, js = new_job_id(), nc.jetstream()
    events = [b'{"kind":"queued"}', *(json.dumps({"name": str(number)}).encode() for number in range(count - 1))]
    for event in events:
        await js.publish_async(f"clipmill.event.{job}.log", event)
    await js.publish_async_completed()
    return job


# Reading


async def test_events_are_read_in_batches_after_a_position_without_a_gap(nc):
    count = 2 * projection.BATCH + 10
    await many(nc, count)
    sequences = []
    async with contextlib.aclosing(read_events(nc, 5)) as batches:
        async for batch in batches:
            assert batch
            sequences += [event.sequence for event in batch]
            if sequences[-1] == count:
                break
    assert sequences == list(range(6, count + 1))


@pytest.mark.parametrize("position", [0, 7, 2 * projection.BATCH, 2 * projection.BATCH + 10])
async def test_reading_to_the_end_ends_there(nc, position):
    count = 2 * projection.BATCH + 10
    await many(nc, count)
    async with asyncio.timeout(60):
        sequences = [event.sequence async for batch in read_to_end(nc, position) for event in batch]
    assert sequences == list(range(position + 1, count + 1))


async def test_a_reader_leaves_no_subscription_behind(nc, shared):
    _, last = await publish(shared, "0")
    before = set(nc._subs)
    async with contextlib.aclosing(read_events(nc, last - 1)) as batches:
        async for _ in batches:
            assert set(nc._subs) != before
            break
    assert set(nc._subs) == before


async def test_a_projector_that_was_cancelled_leaves_no_subscription_behind(nc, shared, projector_of):
    _, last = await publish(shared, "0")
    before, projector = set(nc._subs), projector_of()
    async with running(projector):
        await soon(lambda: projector.folded == last)
    assert set(nc._subs) == before


async def test_an_event_wakes_a_reader_that_waits(nc, shared, projector_of, heard, monkeypatch):
    monkeypatch.setattr(projection, "IDLE_SECONDS", 600.0)
    requests, projector = await heard(REQUESTS), projector_of()
    async with running(projector):
        await soon(lambda: requests)
        await nc.flush()  # the answer that nothing is there has come
        _, last = await publish(shared, "0")
        await soon(lambda: projector.folded == last)


async def test_a_reader_that_finds_nothing_asks_less_and_less_often(shared, projector_of, heard):
    _, last = await publish(shared, "0")
    projector = projector_of()
    async with running(projector):
        await soon(lambda: projector.folded == last)
        await publish(shared, "1", job=new_job_id())  # of no job that exists, so that the bell has rung
        since = time.monotonic()
        requests = await heard(REQUESTS)
        await soon(lambda: len(requests) >= 9)
    pauses = [0.001 * 2**number for number in range(9)]
    for number, (when, _) in enumerate(requests[1:], 1):
        assert when - since >= sum(pauses[: max(0, number - 2)])


async def test_an_answer_to_a_request_that_was_given_up_is_ignored(nc, shared, projector_of, heard, buckets):
    requests, projector = await heard(REQUESTS), projector_of()
    async with running(projector):
        job, last = await publish(shared, "0")
        await soon(lambda: projector.folded == last)
        headers = {
            "Nats-Sequence": str(last + 1),
            "Nats-Last-Sequence": "0",
            "Nats-Num-Pending": "0",
            "Nats-Subject": f"clipmill.event.{job}.log",
        }
        await nc.publish(requests[0][1].reply, b'{"name": "late"}', headers=headers)
        await nc.flush()
        _, last = await publish(shared, "1", "2", job=job)
        await soon(lambda: projector.folded == last)
    assert await names_of(buckets, job) == ["0", "1", "2"]


@pytest.mark.parametrize("refused", [False, True], ids=["unanswered", "refused"])
async def test_a_stream_that_is_re_created_while_it_is_read_stops_the_projector(
    nc, nats_server, shared, projector_of, heard, monkeypatch, refused
):
    async def refuse(message):
        if away:
            await nc.publish(message.reply, headers={"Status": "503"})

    away = False
    if refused:  # as a server does that has lost its leader
        await nc.subscribe(REQUESTS, cb=refuse)
    else:
        monkeypatch.setattr(projection, "ANSWER_SECONDS", 0.1)
    _, last = await publish(shared, "0", "1")
    js, projector, requests = nc.jetstream(), projector_of(), await heard(REQUESTS)
    first = (await js.stream_info(EVENTS)).created
    task = asyncio.create_task(projector.run())
    await soon(lambda: projector.folded == last)
    away = True
    await js.delete_stream(EVENTS)
    since = time.monotonic()
    requests.clear()
    await soon(lambda: len(requests) >= 6)
    pause = projection.UNREACHABLE_PAUSE + (0 if refused else projection.ANSWER_SECONDS)
    for number, (when, _) in enumerate(requests):  # one may have been under way
        assert when - since >= (number - 1) * pause
    await next_second(first)
    await topology.apply(nc, nats_server.replicas, ack_wait=1.0)
    away = False
    with pytest.raises(RuntimeError, match="re-created"):
        await asyncio.wait_for(task, 60)


async def next_second(moment):
    """Wait until the second of `moment` is over: a stream is known by the second in which it was made."""
    while int(time.time()) == int(moment.timestamp()):
        await asyncio.sleep(0.01)


async def test_a_stream_that_vanishes_again_while_it_is_re_created_is_waited_for(
    nc, nats_server, shared, projector_of, heard
):
    async def answer(message):
        if status is not None:
            await nc.publish(message.reply, headers={"Status": status})

    status = None
    await nc.subscribe(REQUESTS, cb=answer)
    _, last = await publish(shared, "0", "1")
    js, projector, requests = nc.jetstream(), projector_of(), await heard(REQUESTS)
    first = (await js.stream_info(EVENTS)).created
    async with running(projector) as task:
        await soon(lambda: projector.folded == last)
        status = "503"
        await js.delete_stream(EVENTS)
        requests.clear()
        await soon(lambda: len(requests) >= 3)
        looks = await heard(f"$JS.API.STREAM.INFO.{EVENTS}")
        status = "404"  # an empty stream answers so, but is gone before its name is asked for
        await soon(lambda: len(looks) >= 3 or task.done())
        assert not task.done()
        await next_second(first)
        await topology.apply(nc, nats_server.replicas, ack_wait=1.0)
        with pytest.raises(RuntimeError, match="re-created"):
            await asyncio.wait_for(task, 60)


async def test_a_projector_that_starts_before_its_stream_waits_for_it(nc, nats_server, shared, projector_of, heard):
    js, projector = nc.jetstream(), projector_of()
    first = (await js.stream_info(EVENTS)).created
    await js.delete_stream(EVENTS)
    looks = await heard(f"$JS.API.STREAM.INFO.{EVENTS}")
    async with running(projector) as task:
        await soon(lambda: len(looks) >= 3 or task.done())
        assert not task.done()
        await next_second(first)
        await topology.apply(nc, nats_server.replicas, ack_wait=1.0)
        _, last = await publish(shared, "0")
        await soon(lambda: projector.folded == last)


async def test_a_stream_that_is_behind_the_checkpoint_is_waited_for(nc, shared, projector_of, buckets, heard):
    """As when a new leader has not caught up with itself yet."""
    job, last = await publish(shared, "0")
    created = int((await nc.jetstream().stream_info(EVENTS)).created.timestamp())
    await buckets[1].put(f"events_{created}", str(last + 2).encode())
    looks, projector = await heard(f"$JS.API.STREAM.INFO.{EVENTS}"), projector_of()
    since = time.monotonic()
    async with running(projector) as task:
        await soon(lambda: len(looks) >= 4)
        for number, (when, _) in enumerate(looks):  # the first two follow each other at once
            assert when - since >= (number - 1) * projection.PATIENCE_PAUSE
        assert not task.done()
        assert projector.folded == 0
        await publish(shared, "1", "2", job=job)
        await soon(lambda: projector.folded == last + 2)
        other, last = await publish(shared, "0")
        await soon(lambda: projector.folded == last)
    assert await names_of(buckets, other) == ["0"]
    with pytest.raises(KeyNotFoundError):
        await buckets[0].get(job)


# Folding


async def test_how_far_the_stream_was_folded_is_known_and_kept(nc, shared, projector_of):
    projector = projector_of()
    assert (projector.folded, await projector.checkpoint()) == (0, 0)
    _, last = await publish(shared, "0", "1")
    async with running(projector):
        await soon(lambda: projector.folded == last)
        async with asyncio.timeout(60):
            while await projector.checkpoint() != last:
                await asyncio.sleep(0.01)
    successor = projector_of()
    assert await successor.checkpoint() == last
    async with running(successor):
        await soon(lambda: successor.folded == last)


async def test_the_lag_counts_the_batch_and_what_lies_behind_it(nc, projector_of, names):
    count = projection.BATCH + 40
    await many(nc, count)
    lags = []

    async def record(_document):
        lags.append(REGISTRY.get_sample_value("clipmill_projection_lag_events"))

    names.before_write = record
    projector = projector_of()
    async with running(projector):
        await soon(lambda: projector.folded == count)
        await soon(lambda: REGISTRY.get_sample_value("clipmill_projection_lag_events") == 0)
        assert REGISTRY.get_sample_value("clipmill_projection_active") == 1
    assert lags == [count, 40]


async def test_a_view_hears_of_each_event_that_changed_a_document_once(nc, shared, projector_of, names, buckets):
    heard, writes, fold = [], [], names.fold

    def fold_some(document, event):
        return b"ignored" not in event.data and fold(document, event)

    async def before_write(_document):
        writes.append(len(heard))

    def written(_document, events):
        heard.extend(event.sequence for event in events)

    names.fold, names.before_write, names.written = fold_some, before_write, written
    job, last = await publish(shared, "0", "ignored", "1")
    projector = projector_of()
    async with running(projector):
        await soon(lambda: projector.folded == last)
        assert heard == [last - 3, last - 2, last]
        revision = (await buckets[0].get(job)).revision
        await publish(shared, "ignored too", job=job)
        nobody, later = new_job_id(), len(writes)
        _, last = await publish(shared, "0", job=nobody)  # without a beginning
        await soon(lambda: projector.folded == last)
    assert (await buckets[0].get(job)).revision == revision
    assert len(writes) == later > 0, "what changes nothing is not written"
    with pytest.raises(KeyNotFoundError):
        await buckets[0].get(nobody)


async def test_a_document_is_read_once_and_the_stream_is_looked_at_once(shared, projector_of, heard, buckets):
    reads, looks = await heard(f"$JS.API.STREAM.MSG.GET.KV_{JOBS.name}"), await heard(f"$JS.API.STREAM.INFO.{EVENTS}")
    requests, projector = await heard(REQUESTS), projector_of()
    async with running(projector):
        job, last = await publish(shared, "0")
        for number in range(1, 6):
            await soon(lambda last=last: projector.folded == last)
            _, last = await publish(shared, str(number), job=job)
        await soon(lambda: projector.folded == last)
        requests.clear()
        await soon(lambda: len(requests) >= 3)
        assert (len(reads), len(looks)) == (1, 1)
    assert await names_of(buckets, job) == ["0", "1", "2", "3", "4", "5"]


async def test_a_document_that_another_wrote_meanwhile_is_read_and_folded_again(nc, shared, projector_of, buckets):
    projector = projector_of()
    async with running(projector):
        job, last = await publish(shared, "0")
        await soon(lambda: projector.folded == last)
        theirs = await nc.jetstream().key_value(JOBS.name)
        document = json.loads((await theirs.get(job)).value)
        document["names"].append("theirs")
        await theirs.put(job, json.dumps(document).encode())
        _, last = await publish(shared, "1", job=job)
        await soon(lambda: projector.folded == last)
    assert await names_of(buckets, job) == ["0", "theirs", "1"]


async def test_a_document_that_does_not_change_is_read_once_too(shared, projector_of, heard, names):
    job, last = await publish(shared, "0")
    first = projector_of()
    async with running(first):
        await soon(lambda: first.folded == last)
    names.fold = lambda document, event: False
    reads, projector = await heard(f"$JS.API.STREAM.MSG.GET.KV_{JOBS.name}"), projector_of()
    async with running(projector):
        for number in range(1, 4):
            _, last = await publish(shared, str(number), job=job)
            await soon(lambda last=last: projector.folded == last)
    assert len(reads) == 1


async def test_documents_beyond_the_limit_are_forgotten_and_read_again(shared, projector_of, buckets, monkeypatch):
    monkeypatch.setattr(projection, "CACHE_LIMIT", 2)
    projector, jobs = projector_of(), []
    async with running(projector):
        for _ in range(5):
            job, _ = await publish(shared, "0")
            jobs.append(job)
        for job in jobs:
            _, last = await publish(shared, "1", job=job)
        await soon(lambda: projector.folded == last)
    for job in jobs:
        assert await names_of(buckets, job) == ["0", "1"]


async def test_an_event_of_no_possible_job_is_counted(nc, shared, projector_of):
    def misplaced():
        return REGISTRY.get_sample_value("clipmill_events_misplaced_total")

    before, projector = misplaced(), projector_of()
    await nc.jetstream().publish("clipmill.event.no!job.queued", b'{"kind": "queued"}')
    async with running(projector):
        _, last = await publish(shared, "0")
        await soon(lambda: projector.folded == last)
    assert misplaced() - before == 1


# The checkpoint, which several projectors write


@pytest.fixture
async def checkpoint(nc, buckets):
    """Return the key of the stream's checkpoint."""
    return f"events_{int((await nc.jetstream().stream_info(EVENTS)).created.timestamp())}"


async def becomes(bucket, key, value):
    """Wait until an entry holds `value`."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(KeyNotFoundError):
                if int((await bucket.get(key)).value) == value:
                    return
            await asyncio.sleep(0.01)


async def test_a_checkpoint_that_another_projector_left_behind_is_moved_on(shared, projector_of, buckets, checkpoint):
    projector = projector_of()
    async with running(projector):
        job, last = await publish(shared, "0")
        await becomes(buckets[1], checkpoint, last)
        for behind in (1, last + 1):  # less far, then as far as this projector is about to come
            await buckets[1].put(checkpoint, str(behind).encode())
            _, last = await publish(shared, str(behind), job=job)
            await becomes(buckets[1], checkpoint, last)


async def test_a_checkpoint_is_never_moved_back(shared, projector_of, buckets, checkpoint):
    projector = projector_of()
    async with running(projector):
        job, last = await publish(shared, "0")
        await becomes(buckets[1], checkpoint, last)
        await buckets[1].put(checkpoint, b"1000")
        _, last = await publish(shared, "1", job=job)
        await soon(lambda: projector.folded == last)
        await becomes(buckets[1], checkpoint, 1000)
        assert await projector.checkpoint() == 1000
        _, last = await publish(shared, "2", job=job)
        await becomes(buckets[1], checkpoint, last)


async def test_a_checkpoint_that_was_removed_begins_again(shared, projector_of, buckets, checkpoint):
    await buckets[1].put(checkpoint, b"1")
    await buckets[1].delete(checkpoint)
    job, last = await publish(shared, "0")
    projector = projector_of()
    assert await projector.checkpoint() == 0
    async with running(projector):
        await becomes(buckets[1], checkpoint, last)
    assert await names_of(buckets, job) == ["0"]
