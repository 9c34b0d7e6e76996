"""Typed buckets and the streams of a job, as their callers see them."""

import asyncio
import time

import msgspec
import pytest
from clipmill.contracts.events import Log, Queued, Reopened
from clipmill.contracts.failures import ErrorCode, Transient
from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.tasks import DownloadTask, RenderTask, ScenesTask
from clipmill.messaging.attempts import Tally
from clipmill.messaging.buckets import HEADER_BYTES, Bucket, Conflict, InvalidKey, TooLarge
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.topology import ATTEMPTS, CONTROL


@pytest.fixture
async def tallies(nc):
    return await Bucket.open(nc, ATTEMPTS, Tally)


async def changes_of(reader):
    remade = await reader.refresh()
    return remade, [(change.key, change.entry.value) async for change in reader.changes()]


async def test_a_value_is_written_over_the_revision_that_was_read_and_no_other(tallies):
    unknown = await tallies.get("a")
    assert (unknown.value, unknown.revision, unknown.deleted) == (None, 0, False)
    written = await tallies.update("a", Tally(begun=1), unknown.revision)
    read = await tallies.get("a")
    assert (read.value, read.revision, read.data) == (Tally(begun=1), written.revision, written.data)
    with pytest.raises(Conflict):
        await tallies.update("a", Tally(begun=2), unknown.revision)
    with pytest.raises(Conflict):
        await tallies.delete("a", written.revision + 1)
    assert (await tallies.get("a")).value == Tally(begun=1)


async def test_a_value_that_the_server_would_not_take_is_refused_and_the_connection_goes_on(nc):
    bucket = await Bucket.open(nc, ATTEMPTS, bytes)
    most = bytes(nc.max_payload - HEADER_BYTES)
    with pytest.raises(TooLarge):
        await bucket.update("a", most + b"x", 0)
    assert (bucket.fits(most), bucket.fits(most + b"x")) == (True, False)
    written = await bucket.update("a", most, 0)
    assert (await bucket.get("a")).revision == written.revision


async def test_a_deleted_value_leaves_a_marker_over_which_alone_it_is_written_again(tallies):
    written = await tallies.update("a", Tally(begun=1), 0)
    await tallies.delete("a", written.revision)
    marker = await tallies.get("a")
    assert (marker.value, marker.deleted) == (None, True)
    assert marker.revision > written.revision
    with pytest.raises(Conflict):
        await tallies.update("a", Tally(), 0)
    await tallies.update("a", Tally(waited=3), marker.revision)
    assert (await tallies.get("a")).value == Tally(waited=3)


async def test_a_value_that_nobody_can_decode_fails_when_it_is_looked_at_and_not_before(nc, tallies):
    await (await Bucket.open(nc, ATTEMPTS, bytes)).put("a", b"{")
    entry = await tallies.get("a")
    assert entry.data == b"{"
    with pytest.raises(msgspec.DecodeError):
        _ = entry.value


async def test_a_key_that_no_bucket_can_have_is_refused(tallies):
    with pytest.raises(InvalidKey):
        await tallies.get("no!key")


async def test_a_doorbell_rings_for_writes_and_deletions_and_names_what_they_replace(nc, tallies):
    heard = []
    bell = await tallies.doorbell(lambda key, over: heard.append((key, over)))
    written = await tallies.update("a", Tally(begun=1), 0)
    await tallies.put("b", Tally())
    await tallies.delete("a", written.revision)
    await nc.flush()
    assert heard == [("a", 0), ("b", -1), ("a", written.revision)]
    await bell.unsubscribe()
    await tallies.put("a", Tally())
    await nc.flush()
    assert len(heard) == 3


async def test_a_reader_yields_all_there_is_and_then_what_changes(tallies):
    await tallies.put("a", Tally(begun=1))
    await tallies.put("b", Tally(begun=2))
    reader = tallies.reader()
    assert await changes_of(reader) == (True, [("a", Tally(begun=1)), ("b", Tally(begun=2))])
    assert await changes_of(reader) == (False, [])
    await tallies.put("a", Tally(begun=3))
    await tallies.delete("b")
    await tallies.put("c", Tally(begun=4))
    await tallies.put("c", Tally(begun=5))
    assert await changes_of(reader) == (False, [("a", Tally(begun=3)), ("b", None), ("c", Tally(begun=5))])


async def test_a_reader_begins_again_when_the_bucket_was_re_created(nc, nats_server, tallies):
    if not nats_server.whole:
        pytest.skip("a new bucket needs all three servers")
    reader = tallies.reader()
    await tallies.put("a", Tally(begun=1))
    await changes_of(reader)
    info = (await nc.jetstream().stream_info(ATTEMPTS.stream)).config
    await nc.jetstream().delete_stream(ATTEMPTS.stream)
    await nc.jetstream().add_stream(info)
    await tallies.put("b", Tally(begun=2))
    assert await changes_of(reader) == (True, [("b", Tally(begun=2))])


async def test_a_listener_hears_values_and_no_deletions(nc):
    control = await Bucket.open(nc, CONTROL, int)
    heard = asyncio.Queue()
    subscription = await control.listen(lambda key, value: heard.put_nowait((key, value)))
    await nc.flush()
    await control.put("a", 1)
    await control.delete("a")
    await control.put("b", 2)
    assert [await asyncio.wait_for(heard.get(), 10) for _ in range(2)] == [("a", 1), ("b", 2)]
    await subscription.unsubscribe()


async def test_a_request_gives_up_after_its_time_and_no_sooner(nc, nats_server, tallies):
    streams = JobStreams(nc).within(0.5)
    nats_server.kill()
    for ask in (lambda: tallies.within(0.5).get("a"), streams.task_ends):
        begun = time.monotonic()
        with pytest.raises(Transient) as failure:
            await ask()
        assert failure.value.code is ErrorCode.UNAVAILABLE
        assert time.monotonic() - begun >= 0.5
    nats_server.start()
    assert (await tallies.get("a")).value is None, "without a limit it waits for the server"


async def test_the_last_event_is_found_of_all_and_of_one_kind(nc, shared):
    streams, job = JobStreams(nc), new_job_id()
    assert await streams.last_event(job) is None
    queued = await shared.publisher.event(Queued(job=job))
    log = await shared.publisher.event(Log(job=job, name="a", line=""))
    await shared.publisher.event(Queued(job=new_job_id()))
    assert (await streams.last_event(job)).sequence == log.seq
    assert (await streams.last_event(job, Queued)).sequence == queued.seq
    assert await streams.last_event(job, Reopened) is None
    assert [event.sequence async for event in streams.events(job)] == [queued.seq, log.seq]


async def test_purging_tasks_spares_other_jobs_and_what_came_after_the_ends(nc, shared):
    streams, job, other = JobStreams(nc), new_job_id(), new_job_id()
    for task in (DownloadTask(job=job), ScenesTask(job=job), RenderTask(job=job, number=1)):
        await shared.publisher.task(task)
    await shared.publisher.task(ScenesTask(job=other))
    assert (await streams.open_tasks()).jobs == {job, other}
    ends = await streams.task_ends()
    await shared.publisher.task(RenderTask(job=job, number=2))
    await streams.purge_tasks(job, ends)
    assert [task.subject.rpartition(".")[2] async for task in streams.tasks(job)] == ["2"]
    assert (await streams.open_tasks()).jobs == {job, other}
    await streams.purge_tasks(job)
    assert (await streams.open_tasks()).jobs == {other}
