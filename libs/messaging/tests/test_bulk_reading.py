"""Reading a bucket of many entries: in bulk where that works, and completely in any case."""

import asyncio
import json

import pytest
from clipmill.messaging import buckets, bulk_reading
from clipmill.messaging.attempts import Tally
from clipmill.messaging.buckets import BULK_FLOOR, Bucket
from clipmill.messaging.job_streams import place_of
from clipmill.messaging.topology import ATTEMPTS
from nats.js.errors import APIError

COUNT = 3 * BULK_FLOOR


@pytest.fixture
async def tallies(nc):
    """Return a bucket of many entries, some of which were written over or deleted."""
    bucket = await Bucket.open(nc, ATTEMPTS, Tally)
    for first in range(0, COUNT, 50):
        await asyncio.gather(*(bucket.put(f"key_{at}", Tally(begun=at)) for at in range(first, first + 50)))
    await bucket.put("key_7", Tally(begun=7000))
    await bucket.delete("key_9")
    return bucket


@pytest.fixture
async def requests(nc):
    """Return a list that collects the subjects of requests to the bucket's stream from now on."""
    heard = []

    async def hear(message):
        heard.append(message.subject)

    for subject in ("STREAM.MSG.GET.KV_attempts", "CONSUMER.MSG.NEXT.KV_attempts.*"):
        await nc.subscribe(f"$JS.API.{subject}", cb=hear)
    await nc.flush()
    return heard


async def read(reader):
    await reader.refresh()
    return [change async for change in reader.changes()]


def expected():
    values = {f"key_{at}": Tally(begun=at) for at in range(COUNT)}
    return values | {"key_7": Tally(begun=7000), "key_9": None}


async def test_many_entries_are_read_in_few_requests_and_in_order(nc, tallies, requests):
    changes = await read(tallies.reader())
    assert {change.key: change.entry.value for change in changes} == expected()
    revisions = [change.entry.revision for change in changes]
    assert revisions == sorted(set(revisions))
    await nc.flush()
    assert len(requests) <= 2 + COUNT / bulk_reading.BATCH
    for change in changes[:5]:
        assert await tallies.get(change.key) == change.entry


async def test_few_changes_are_read_from_the_leader(nc, tallies, requests):
    reader = tallies.reader()
    await read(reader)
    await nc.flush()
    requests.clear()
    await tallies.put("key_1", Tally(begun=1001))
    assert [(change.key, change.entry.value) for change in await read(reader)] == [("key_1", Tally(begun=1001))]
    await nc.flush()
    assert {subject.split(".")[2] for subject in requests} == {"STREAM"}


async def test_nothing_is_missing_when_a_bulk_ends_early(tallies, monkeypatch):
    whole = bulk_reading.read_in_bulk

    async def short(nc, stream, position):
        async for batch in whole(nc, stream, position):
            yield batch[: len(batch) // 3]
            return

    monkeypatch.setattr(buckets, "read_in_bulk", short)
    changes = await read(tallies.reader())
    assert {change.key: change.entry.value for change in changes} == expected()


async def test_nothing_is_missing_when_a_message_is_lost(tallies, monkeypatch):
    lost = []

    def place(reply):
        found = place_of(reply)
        if found.consumer >= COUNT // 2:  # as if the one before had not come
            lost.append(found)
            return found._replace(consumer=found.consumer + 1)
        return found

    monkeypatch.setattr(bulk_reading, "place_of", place)
    changes = await read(tallies.reader())
    assert len(lost) == 1
    assert {change.key: change.entry.value for change in changes} == expected()


async def test_nothing_is_missing_when_the_server_makes_no_consumer(tallies, monkeypatch):
    async def refused(*_, **__):
        raise APIError(code=503, description="no room", err_code=10008)

    monkeypatch.setattr("nats.js.JetStreamContext.add_consumer", refused)
    changes = await read(tallies.reader())
    assert {change.key: change.entry.value for change in changes} == expected()


async def test_entries_too_large_for_one_batch_come_in_several(tallies, monkeypatch):
    monkeypatch.setattr(bulk_reading, "BATCH_BYTES", 4096)
    changes = await read(tallies.reader())
    assert {change.key: change.entry.value for change in changes} == expected()


async def test_a_reader_that_stops_in_the_middle_leaves_no_consumer_behind_and_goes_on_there(nc, tallies):
    reader = tallies.reader()
    await reader.refresh()
    changes = reader.changes()
    first = [await anext(changes) for _ in range(10)]
    await changes.aclose()
    answer = await nc.request("$JS.API.CONSUMER.NAMES.KV_attempts", b"")
    assert not json.loads(answer.data)["consumers"]
    rest = await read(reader)
    assert {change.key: change.entry.value for change in (*first, *rest)} == expected()
    assert len(first) + len(rest) == len(expected())


@pytest.mark.parametrize(
    "reply",
    ["$JS.ACK.KV_jobs.abc.1.12.3.1700000000.9", "$JS.ACK.hub.hash.KV_jobs.abc.1.12.3.1700000000.9.token"],
)
def test_a_place_is_read_from_the_reply_of_old_and_new_servers(reply):
    assert tuple(place_of(reply)) == (12, 3, 9)
