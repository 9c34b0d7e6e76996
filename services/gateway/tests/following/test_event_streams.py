"""Server-sent events of a job, over a real socket with a real NATS."""

import asyncio
import time
from dataclasses import dataclass

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from clipmill.contracts.events import ClipsPlanned, Failed, Log, StageProgress, StageStarted, Started
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import JobId, new_job_id
from clipmill.contracts.stages import Stage
from clipmill.gateway.api import event_streams, watching
from clipmill.gateway.api.statuses import Statuses
from reserves import clip_failed


@dataclass
class Event:
    """An event as a client receives it; a comment has no data."""

    name: str
    id: str
    data: dict
    at: float


class Stream:
    """A reader of one event stream."""

    def __init__(self, answer):
        self.answer = answer
        self.comments = 0

    async def next(self):
        """Return the next event, None at the end of the stream."""
        fields = {}
        while line := await self.answer.content.readline():
            line = line.decode().removesuffix("\n")
            if line.startswith(":"):
                self.comments += 1
            elif line:
                name, _, value = line.partition(": ")
                fields[name] = value
            elif "data" in fields:
                data = msgspec.json.decode(fields["data"])
                return Event(fields.get("event", "message"), fields.get("id", ""), data, time.monotonic())
            else:
                fields = {}
        return None

    async def rest(self):
        events = []
        while (event := await self.next()) is not None:
            events.append(event)
        return events


@pytest.fixture
async def follow(api):
    """Return a function that opens an event stream."""
    answers = []

    async def open_stream(job, last=None, client=api):
        headers = {} if last is None else {"Last-Event-ID": last}
        answer = await client.get(f"/api/jobs/{job}/events", headers=headers)
        assert answer.status == 200, await answer.text()
        answers.append(answer)
        return Stream(answer)

    yield open_stream
    for answer in answers:
        answer.close()


async def within(awaitable, seconds=60.0):
    async with asyncio.timeout(seconds):
        return await awaitable


async def test_a_stream_begins_with_the_whole_view_and_sends_it_after_each_change(api, submit, published, follow):
    job = await submit()
    stream = await follow(job)
    assert stream.answer.headers["Content-Type"] == "text/event-stream"
    assert stream.answer.headers["Cache-Control"] == "no-store"
    first = await within(stream.next())
    assert first.data == await (await api.get(f"/api/jobs/{job}")).json()
    assert first.name == "message"
    await published(Started(job=job))
    second = await within(stream.next())
    assert second.data["status"] == "processing"
    assert second.data == await (await api.get(f"/api/jobs/{job}")).json()


async def test_the_id_of_an_event_is_the_stream_sequence_of_the_last_folded_event(submit, published, follow, gateway):
    job = await submit()
    stream = await follow(job)
    await within(stream.next())
    await published(Started(job=job))
    event = await within(stream.next())
    document = await gateway.statuses.document(job)
    assert event.id == str(document.sequence)


async def test_a_stream_ends_with_the_event_end_when_the_job_has_ended(submit, published, follow):
    job = await submit()
    stream = await follow(job)
    await within(stream.next())
    await published(Failed(job=job, stage=None, code=ErrorCode.NO_VIDEO, sentence="It broke."))
    last, end = await within(stream.rest())
    assert (last.name, last.data["status"]) == ("message", "failed")
    assert (end.name, end.data) == ("end", {"job_id": job, "status": "failed"})
    assert [event.name for event in await within((await follow(job)).rest())] == ["message", "end"]
    assert [event.name for event in await within((await follow(job, last.id)).rest())] == ["end"]


async def test_a_completed_job_with_an_open_clip_of_its_reserve_has_not_ended(completed, ask, published, follow):
    job = await completed()
    assert [event.name for event in await within((await follow(job)).rest())] == ["message", "end"]
    await ask(job, {"numbers": [3]})
    stream = await follow(job)
    assert (await within(stream.next())).data["status"] == "completed"
    await published(clip_failed(job, 3, 1))
    assert [event.name for event in await within(stream.rest())] == ["message", "end"]


async def test_a_client_that_has_the_present_event_gets_nothing_until_a_change(submit, published, follow):
    job = await submit()
    first = await within((await follow(job)).next())
    stream = await follow(job, first.id)
    await published(Started(job=job))
    event = await within(stream.next())
    assert (event.data["status"], event.id != first.id) == ("processing", True)


@pytest.mark.parametrize("last", ["0", "999999999", "x", "é", "-1", "9" * 5000])
async def test_an_unknown_last_event_gets_the_present_one(submit, follow, last):
    job = await submit()
    assert (await within((await follow(job, last)).next())).data["job_id"] == job


async def test_a_stream_goes_on_at_another_gateway(gateway, submit, published, follow):
    job = await submit()
    first = await follow(job)
    seen = await within(first.next())
    first.answer.close()
    other = Statuses(gateway.documents, answer_seconds=2.0)
    app = web.Application()
    app.router.add_get("/api/jobs/{job}/events", event_streams.EventStreams(other).events)
    other.watch.serve(app)
    async with TestClient(TestServer(app)) as client:
        stream = await follow(job, seen.id, client)
        await published(Started(job=job))
        event = await within(stream.next())
        assert event.data["status"] == "processing"
        assert int(event.id) > int(seen.id)


async def test_changes_in_quick_succession_are_sent_at_most_twice_a_second_and_the_last_is_not_lost(
    submit, published, follow
):
    job = await submit()
    stream = await follow(job)
    reading = asyncio.create_task(stream.rest())
    begun = time.monotonic()
    while time.monotonic() < begun + 1.5:
        await published(Log(job=job, name=str(time.monotonic()), line="A line."))
    await published(Failed(job=job, stage=None, code=ErrorCode.NO_VIDEO, sentence="It broke."))
    events = await within(reading)
    views = events[:-1]
    assert len(views) <= 2 + (views[-1].at - views[0].at) / event_streams.GAP_SECONDS
    assert len(views) >= 3
    assert views[-1].data["status"] == "failed"
    ids = [int(view.id) for view in views]
    assert ids == sorted(set(ids)), "no view goes back, and none is sent twice"


async def test_a_quiet_stream_has_heartbeats(submit, follow, monkeypatch, published):
    monkeypatch.setattr(event_streams, "HEARTBEAT_SECONDS", 0.05)
    job = await submit()
    stream = await follow(job)
    await within(stream.next())
    reading = asyncio.create_task(stream.next())
    async with asyncio.timeout(60):
        while stream.comments < 3:
            await asyncio.sleep(0.01)
    assert not reading.done()
    await published(Started(job=job))
    assert (await within(reading)).data["status"] == "processing"


async def test_a_deleted_job_ends_its_streams(submit, completed, ask, api, follow):
    job = await completed()
    await ask(job, {"numbers": [3]})
    stream = await follow(job)
    await within(stream.next())
    await api.delete(f"/api/jobs/{job}")
    events = await within(stream.rest())
    assert (events[-1].name, events[-1].data) == ("end", {"job_id": job, "status": "deleted"})


async def test_an_unknown_job_has_no_stream(api):
    for unknown in (new_job_id(), "x"):
        answer = await api.get(f"/api/jobs/{unknown}/events")
        assert (answer.status, await answer.json()) == (404, {"detail": "Job not found"})


async def test_a_gateway_that_stops_ends_its_streams_at_once(submit, follow, api):
    streams = [await follow(await submit()) for _ in range(2)]
    for stream in streams:
        await within(stream.next())
    begun = time.monotonic()
    await api.server.close()
    for stream in streams:
        assert await within(stream.rest()) == []
    assert time.monotonic() - begun < 30, "the shutdown waits for 60 s"


async def test_all_streams_of_a_job_share_one_encoding(submit, published, follow, monkeypatch):
    encoded = []
    view = event_streams.job_view
    monkeypatch.setattr(event_streams, "job_view", lambda document: encoded.append(document) or view(document))
    job = await submit()
    streams = [await follow(job) for _ in range(20)]
    await within(asyncio.gather(*(stream.next() for stream in streams)))
    before = len(encoded)
    await published(Started(job=job))
    events = await within(asyncio.gather(*(stream.next() for stream in streams)))
    assert {event.data["status"] for event in events} == {"processing"}
    assert len(encoded) == before + 1


async def test_a_client_that_reads_nothing_is_dropped_and_holds_at_most_one_event(
    api, submit, published, gateway, monkeypatch, until
):
    monkeypatch.setattr(event_streams, "STUCK_SECONDS", 0.3)
    monkeypatch.setattr(event_streams, "GAP_SECONDS", 0.01)
    job = await submit(about="x" * 500)
    _, writer = await asyncio.open_connection(api.server.host, api.server.port, limit=1024)
    writer.transport.pause_reading()
    writer.write(f"GET /api/jobs/{job}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    followed = gateway.statuses.watch._followed

    async def begun():
        return JobId(job) in followed and followed[JobId(job)].followers == 1

    await until(begun)
    big = "x" * 100_000
    original = event_streams.job_view
    monkeypatch.setattr(
        event_streams, "job_view", lambda document: msgspec.structs.replace(original(document), source=big * 10)
    )

    async def dropped():
        await published(Log(job=job, name=str(time.monotonic()), line="A line."))
        return not followed[JobId(job)].followers

    await until(dropped)
    writer.close()


async def test_a_client_that_vanishes_is_forgotten(submit, follow, gateway, monkeypatch, until):
    monkeypatch.setattr(watching, "READING_SECONDS", 0.05)
    monkeypatch.setattr(watching, "LINGERING_SECONDS", 0.05)
    stream = await follow(await submit())
    await within(stream.next())
    stream.answer.close()

    async def forgotten():
        return not gateway.statuses.watch._followed

    await until(forgotten)


async def test_progress_arrives_while_a_stage_runs(submit, published, follow):
    job = await submit()
    stream = await follow(job)
    await within(stream.next())
    await published(Started(job=job), StageStarted(job=job, stage=Stage.DOWNLOAD))
    await published(StageProgress(job=job, stage=Stage.DOWNLOAD, attempt=1, percent=40), ClipsPlanned(job=job, count=2))
    async with asyncio.timeout(60):
        while (event := await stream.next()).data["clips_planned"] is None:
            pass
    assert event.data["stages"]["download"]["percent"] == 40
