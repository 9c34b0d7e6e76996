"""The rebuild of job documents while NATS goes away or loses a stream."""

import asyncio

import pytest
from clipmill.contracts.events import Queued
from clipmill.contracts.identifiers import new_job_id
from clipmill.gateway.projection import rebuild_command, rebuilding
from clipmill.gateway.projection.rebuild_command import FAILED, UNREACHABLE, VANISHED
from clipmill.gateway.projection.rebuilding import Rebuilding
from clipmill.messaging.connection import MissingError
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import read_to_end
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.topology import CHECKPOINT, CONTROL, JOBS


@pytest.fixture
async def jobs(nc):
    """Return three jobs that have events and no documents."""
    jobs = [new_job_id() for _ in range(3)]
    for job in jobs:
        await Publisher(nc).event(Queued(job=job, source="talk.mp4", upload=True))
    return jobs


@pytest.mark.parametrize("vanishing", ["EVENTS", JOBS.stream, CONTROL.stream, CHECKPOINT.stream])
async def test_the_command_says_in_one_sentence_that_a_stream_vanished_meanwhile(
    jobs, nats_server, monkeypatch, capsys, vanishing
):
    reading, left = Rebuilding._read, [vanishing]

    async def read_and_lose(self):
        await reading(self)
        if left:
            await self._streams.nc.jetstream().delete_stream(left.pop())

    monkeypatch.setattr(Rebuilding, "_read", read_and_lose)
    monkeypatch.setattr(rebuilding, "STALLED_SECONDS", 0.0)
    monkeypatch.setattr(rebuilding, "ANSWER_SECONDS", 1.0)
    monkeypatch.setenv("CLIPMILL_NATS_URL", nats_server.url)
    assert await asyncio.to_thread(rebuild_command.rebuild, []) == FAILED
    out, err = capsys.readouterr()
    assert (out, err) == ("", f"Error: {VANISHED}\n")


async def test_the_command_gives_up_if_nats_goes_away_while_it_reads(jobs, nats_server, monkeypatch, capsys):
    reading = Rebuilding._read

    async def read_from_a_dead_server(self):
        nats_server.kill()
        async with asyncio.timeout(20):
            await reading(self)

    monkeypatch.setattr(Rebuilding, "_read", read_from_a_dead_server)
    monkeypatch.setattr(rebuilding, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(rebuild_command, "PATIENCE_SECONDS", 2.0)
    monkeypatch.setenv("CLIPMILL_NATS_URL", nats_server.url)
    assert await asyncio.to_thread(rebuild_command.rebuild, []) == UNREACHABLE
    out, err = capsys.readouterr()
    assert out == ""
    assert err.endswith("Error: The message server does not answer; try again in a moment.\n")


async def test_a_rebuild_does_not_wait_for_events_of_a_stream_that_is_gone(nc):
    await nc.jetstream().delete_stream("EVENTS")
    with pytest.raises(MissingError):
        async for _ in read_to_end(JobStreams(nc), 0):
            pass
