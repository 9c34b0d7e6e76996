"""Restarts of one service after the other, and the death of one, cost no job and no try."""

import asyncio
import json
import random
from collections import Counter

import msgspec
import pytest
from campaign import media, remains
from campaign.campaign import ACK_WAIT, quiet, stage
from campaign.clients import Clients
from campaign.jobs import Jobs
from campaign.media import Source
from campaign.schedule import Submission
from clipmill.cli.local.machine import SERVICES
from clipmill.messaging.attempts import Tally
from clipmill.messaging.topology import ATTEMPTS

pytestmark = pytest.mark.slow

ONE_EACH = dict.fromkeys(SERVICES, 1)
REDELIVERY_SLACK = 30.0
"""Time for a redelivery; an idle machine needs 5 s at most."""

QUIET_SECONDS = 90.0


@pytest.fixture
async def submit(tmp_path):
    """Return a function that submits a video to a stage and returns the jobs."""
    sources = tmp_path / "media"
    sources.mkdir()
    media.write_sources(sources)
    jobs, opened = Jobs(), []

    async def submit(scene, source):
        gateways = [member.url for member in scene.fleet.gateways]
        clients = Clients(gateways, jobs, sources, "", random.Random(0))
        opened.append(clients)
        await clients.submit(Submission(0.0, source, by_url=False))
        return jobs

    yield submit
    for clients in opened:
        await clients.close()


async def tallies(nc):
    """Return the number of tries of each task, by its key."""
    stored = await remains.entries(nc, ATTEMPTS)
    return {key: msgspec.json.decode(value, type=Tally) for key, value in stored.items()}


def logged(fleet, message):
    """Return the log entries of all services with this message."""
    lines = (line for path in fleet.logs.iterdir() for line in path.read_text().splitlines())
    return [json.loads(line) for line in lines if f'"message":"{message}"' in line]


async def test_a_rolling_restart_loses_nothing_and_repeats_no_finished_work(tmp_path, submit):
    async with stage(tmp_path, {**ONE_EACH, "gateway": 2}) as scene:
        for member in scene.fleet.members:
            jobs = await submit(scene, Source.ONE_CLIP)
            await member.renew()
        assert await quiet(scene, QUIET_SECONDS) == []
        documents = await remains.documents(scene.nc)
        assert documents.keys() == jobs.accepted.keys()
        for document in documents.values():
            assert (document.state, document.clips_ready, document.clips_failed) == ("completed", [1], {})
        rendered = Counter((entry["job"], entry["clip"]) for entry in logged(scene.fleet, "clip_rendered"))
        assert rendered == {(job, 1): 1 for job in documents}
        assert {key: tally.begun for key, tally in (await tallies(scene.nc)).items() if tally.begun != 1} == {}
        assert [member.deaths for member in scene.fleet.members] == [[]] * len(scene.fleet.members)


async def test_the_task_of_a_killed_worker_is_delivered_again_soon_after_the_ack_wait(tmp_path, submit):
    async with stage(tmp_path, ONE_EACH) as scene:
        begun = await scene.nc.subscribe(f"$KV.{ATTEMPTS.name}.*.render.>")
        await submit(scene, Source.ONE_CLIP)
        await begun.next_msg(timeout=60)
        (renderer,) = (member for member in scene.fleet.members if member.service == "renderer")
        assert renderer.kill()
        async with asyncio.timeout(ACK_WAIT + REDELIVERY_SLACK):
            # A worker first writes as if no try came before it; the test hears that write too, though it is refused.
            while msgspec.json.decode((await begun.next_msg(timeout=None)).data, type=Tally).begun != 2:
                pass
        assert await quiet(scene, QUIET_SECONDS) == []
        (document,) = (await remains.documents(scene.nc)).values()
        assert document.state == "completed"
