"""Reading and folding when the stream is long, late, silent or another one, and what a projector leaves behind."""

import asyncio
import contextlib
import json
import time

import pytest
from clipmill.contracts.identifiers import new_job_id
from clipmill.messaging import projection
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import read_events, read_to_end
from clipmill.messaging.topology import EVENTS, JOBS
from nats.js.errors import KeyNotFoundError
from prometheus_client import REGISTRY

REQUESTS = f"$JS.API.DIRECT.GET.{EVENTS}"


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
        sequences = [event.sequence async for batch in read_to_end(JobStreams(nc), position) for event in batch]
    assert sequences == list(range(position + 1, count + 1))


async def test_a_reader_leaves_no_subscription_behind(nc, publish):
    _, last = await publish("0")
    before = set(nc._subs)
    async with contextlib.aclosing(read_events(nc, last - 1)) as batches:
        async for _ in batches:
            assert set(nc._subs) != before
            break
    assert set(nc._subs) == before


async def test_a_projector_that_was_cancelled_leaves_no_subscription_behind(nc, projector_of, publish, running, soon):
    _, last = await publish("0")
    before, projector = set(nc._subs), projector_of()
    async with running(projector):
        await soon(lambda: projector.folded == last)
    assert set(nc._subs) == before


async def test_an_event_wakes_a_reader_that_waits(nc, projector_of, heard, monkeypatch, publish, running, soon):
    monkeypatch.setattr(projection, "IDLE_SECONDS", 600.0)
    requests, projector = await heard(REQUESTS), projector_of()
    async with running(projector):
        await soon(lambda: requests)
        await nc.flush()  # the answer that nothing is there has come
        _, last = await publish("0")
        await soon(lambda: projector.folded == last)


async def test_a_reader_that_finds_nothing_asks_less_and_less_often(projector_of, heard, publish, running, soon):
    _, last = await publish("0")
    projector = projector_of()
    async with running(projector):
        await soon(lambda: projector.folded == last)
        await publish("1", job=new_job_id())  # of no job that exists, so that the bell has rung
        since = time.monotonic()
        requests = await heard(REQUESTS)
        await soon(lambda: len(requests) >= 9)
    pauses = [0.001 * 2**number for number in range(9)]
    for number, (when, _) in enumerate(requests[1:], 1):
        assert when - since >= sum(pauses[: max(0, number - 2)])


async def test_an_answer_to_a_request_that_was_given_up_is_ignored(
    nc, projector_of, heard, buckets, publish, running, soon
):
    requests, projector = await heard(REQUESTS), projector_of()
    async with running(projector):
        job, last = await publish("0")
        await soon(lambda: projector.folded == last)
        headers = {
            "Nats-Sequence": str(last + 1),
            "Nats-Last-Sequence": "0",
            "Nats-Num-Pending": "0",
            "Nats-Subject": f"clipmill.event.{job}.log",
        }
        await nc.publish(requests[0][1].reply, b'{"name": "late"}', headers=headers)
        await nc.flush()
        _, last = await publish("1", "2", job=job)
        await soon(lambda: projector.folded == last)
    assert await names_of(buckets, job) == ["0", "1", "2"]


# Folding


async def test_how_far_the_stream_was_folded_is_known_and_kept(nc, projector_of, publish, running, soon):
    projector = projector_of()
    assert (projector.folded, await projector.checkpoint()) == (0, 0)
    _, last = await publish("0", "1")
    async with running(projector):
        await soon(lambda: projector.folded == last)
        async with asyncio.timeout(60):
            while await projector.checkpoint() != last:
                await asyncio.sleep(0.01)
    successor = projector_of()
    assert await successor.checkpoint() == last
    async with running(successor):
        await soon(lambda: successor.folded == last)


async def test_the_lag_counts_the_batch_and_what_lies_behind_it(nc, projector_of, names, running, soon):
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


async def test_a_view_hears_of_each_event_that_changed_a_document_once(
    nc, projector_of, names, buckets, publish, running, soon
):
    heard, writes, fold = [], [], names.fold

    def fold_some(document, event):
        return b"ignored" not in event.data and fold(document, event)

    async def before_write(_document):
        writes.append(len(heard))

    def written(_document, events):
        heard.extend(event.sequence for event in events)

    names.fold, names.before_write, names.written = fold_some, before_write, written
    job, last = await publish("0", "ignored", "1")
    projector = projector_of()
    async with running(projector):
        await soon(lambda: projector.folded == last)
        assert heard == [last - 3, last - 2, last]
        revision = (await buckets[0].get(job)).revision
        await publish("ignored too", job=job)
        nobody, later = new_job_id(), len(writes)
        _, last = await publish("0", job=nobody)  # without a beginning
        await soon(lambda: projector.folded == last)
    assert (await buckets[0].get(job)).revision == revision
    assert len(writes) == later > 0, "what changes nothing is not written"
    with pytest.raises(KeyNotFoundError):
        await buckets[0].get(nobody)


async def test_a_document_is_read_once_and_the_stream_is_looked_at_once(
    projector_of, heard, buckets, publish, running, soon
):
    reads, looks = await heard(f"$JS.API.STREAM.MSG.GET.KV_{JOBS.name}"), await heard(f"$JS.API.STREAM.INFO.{EVENTS}")
    requests, projector = await heard(REQUESTS), projector_of()
    async with running(projector):
        job, last = await publish("0")
        for number in range(1, 6):
            await soon(lambda last=last: projector.folded == last)
            _, last = await publish(str(number), job=job)
        await soon(lambda: projector.folded == last)
        requests.clear()
        await soon(lambda: len(requests) >= 3)
        assert (len(reads), len(looks)) == (1, 1)
    assert await names_of(buckets, job) == ["0", "1", "2", "3", "4", "5"]


async def test_a_document_that_another_wrote_meanwhile_is_read_and_folded_again(
    nc, projector_of, buckets, publish, running, soon
):
    projector = projector_of()
    async with running(projector):
        job, last = await publish("0")
        await soon(lambda: projector.folded == last)
        theirs = await nc.jetstream().key_value(JOBS.name)
        document = json.loads((await theirs.get(job)).value)
        document["names"].append("theirs")
        await theirs.put(job, json.dumps(document).encode())
        _, last = await publish("1", job=job)
        await soon(lambda: projector.folded == last)
    assert await names_of(buckets, job) == ["0", "theirs", "1"]


async def test_a_document_that_does_not_change_is_read_once_too(projector_of, heard, names, publish, running, soon):
    job, last = await publish("0")
    first = projector_of()
    async with running(first):
        await soon(lambda: first.folded == last)
    names.fold = lambda document, event: False
    reads, projector = await heard(f"$JS.API.STREAM.MSG.GET.KV_{JOBS.name}"), projector_of()
    async with running(projector):
        for number in range(1, 4):
            _, last = await publish(str(number), job=job)
            await soon(lambda last=last: projector.folded == last)
    assert len(reads) == 1


async def test_documents_beyond_the_limit_are_forgotten_and_read_again(
    projector_of, buckets, monkeypatch, publish, running, soon
):
    monkeypatch.setattr(projection, "CACHE_LIMIT", 2)
    projector, jobs = projector_of(), []
    async with running(projector):
        for _ in range(5):
            job, _ = await publish("0")
            jobs.append(job)
        for job in jobs:
            _, last = await publish("1", job=job)
        await soon(lambda: projector.folded == last)
    for job in jobs:
        assert await names_of(buckets, job) == ["0", "1"]


async def test_an_event_of_no_possible_job_is_counted(nc, projector_of, publish, running, soon):
    def misplaced():
        return REGISTRY.get_sample_value("clipmill_events_misplaced_total")

    before, projector = misplaced(), projector_of()
    await nc.jetstream().publish("clipmill.event.no!job.queued", b'{"kind": "queued"}')
    async with running(projector):
        _, last = await publish("0")
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


async def test_a_checkpoint_that_another_projector_left_behind_is_moved_on(
    projector_of, buckets, checkpoint, publish, running
):
    projector = projector_of()
    async with running(projector):
        job, last = await publish("0")
        await becomes(buckets[1], checkpoint, last)
        for behind in (1, last + 1):  # less far, then as far as this projector is about to come
            await buckets[1].put(checkpoint, str(behind).encode())
            _, last = await publish(str(behind), job=job)
            await becomes(buckets[1], checkpoint, last)


async def test_a_checkpoint_is_never_moved_back(projector_of, buckets, checkpoint, publish, running, soon):
    projector = projector_of()
    async with running(projector):
        job, last = await publish("0")
        await becomes(buckets[1], checkpoint, last)
        await buckets[1].put(checkpoint, b"1000")
        _, last = await publish("1", job=job)
        await soon(lambda: projector.folded == last)
        await becomes(buckets[1], checkpoint, 1000)
        assert await projector.checkpoint() == 1000
        _, last = await publish("2", job=job)
        await becomes(buckets[1], checkpoint, last)


async def test_a_checkpoint_that_was_removed_begins_again(projector_of, buckets, checkpoint, publish, running):
    await buckets[1].put(checkpoint, b"1")
    await buckets[1].delete(checkpoint)
    job, last = await publish("0")
    projector = projector_of()
    assert await projector.checkpoint() == 0
    async with running(projector):
        await becomes(buckets[1], checkpoint, last)
    assert await names_of(buckets, job) == ["0"]
