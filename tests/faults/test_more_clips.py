"""Clips of the reserve are rendered once each, whatever is killed between their request and their end."""

import asyncio
from collections import Counter
from contextlib import aclosing

import aiohttp
import msgspec
import pytest
from campaign import media, refolding, remains
from campaign.campaign import quiet, stage
from campaign.media import CLIP_OPTIONS, Source
from campaign.verdict import READY_LINE
from clipmill.artifacts import layout
from clipmill.cli.local.machine import SERVICES
from clipmill.contracts import log_lines
from clipmill.contracts.documents import Plan
from clipmill.contracts.events import ClipsWanted
from clipmill.messaging.attempts import Tally
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.topology import ATTEMPTS, EVENTS
from clipmill.renderer.checking.verification import verify
from msgspec.structs import replace

pytestmark = pytest.mark.slow

COUNTS = {**dict.fromkeys(SERVICES, 1), "gateway": 2}
KEY = {"Idempotency-Key": "one request"}
PAUSE = 0.1
QUIET_SECONDS = 90.0
ANSWERS = (202, 503, None)


class Client:
    """A client of all gateways, which asks the next one if the last was killed."""

    def __init__(self, scene):
        self._gateways = [member.url for member in scene.fleet.gateways]
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30))
        self._turn = 0

    async def aclose(self):
        await self._http.close()

    async def ask(self, method, path, **request):
        """Return the status and the answer, None if the gateway was killed."""
        self._turn += 1
        gateway = self._gateways[self._turn % len(self._gateways)]
        try:
            async with self._http.request(method, gateway + path, **request) as answer:
                return answer.status, await answer.json()
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError):
            return None, None

    async def completed(self, folder):
        """Submit a video and return its job, completed with one clip."""
        form = aiohttp.FormData(CLIP_OPTIONS)
        form.add_field("file", (folder / Source.ONE_CLIP).read_bytes(), filename=Source.ONE_CLIP)
        status, accepted = await self.ask("POST", "/api/process", data=form)
        assert status == 200
        async with asyncio.timeout(QUIET_SECONDS):
            while (await self.ask("GET", f"/api/status/{accepted['job_id']}"))[1]["status"] != "completed":
                await asyncio.sleep(PAUSE)
        return accepted["job_id"]

    async def more(self, job, count, *, patient):
        """Ask for clips of the reserve, again and again if `patient`, and return the numbers."""
        while True:
            status, answer = await self.ask("POST", f"/api/jobs/{job}/clips", json={"more": count}, headers=KEY)
            assert status in ANSWERS, answer
            if status == 202 or not patient:
                return answer and answer.get("numbers")
            await asyncio.sleep(PAUSE)


def reserve(scene, job, count):
    """Put `count` more clips of the same moment into the reserve of the plan."""
    path = scene.store / layout.plan(job)
    plan = msgspec.json.decode(path.read_bytes(), type=Plan)
    first = plan.clips[0]
    clips = tuple(replace(first, number=number, title=f"Title {number}") for number in range(2, count + 2))
    path.write_bytes(msgspec.json.encode(replace(plan, reserve=clips)))


async def kill_at(scene, subject, service):
    """Kill the processes of a service as soon as a message of `subject` is published."""
    subscription = await scene.nc.subscribe(subject)
    await scene.nc.flush()

    async def kill():
        await subscription.next_msg(timeout=60)
        killed = [member.kill() for member in scene.fleet.members if member.service == service]
        assert any(killed)
        await subscription.unsubscribe()

    return asyncio.create_task(kill())


async def check(scene, job, numbers):
    """Check that the job has each clip once, and that no earlier work was done again."""
    async with asyncio.timeout(QUIET_SECONDS):  # a request may wait for the next projector to fold it
        while len((await remains.documents(scene.nc))[job].clips_ready) < 1 + len(numbers):
            await asyncio.sleep(PAUSE)
    assert await quiet(scene, QUIET_SECONDS) == []
    document = (await remains.documents(scene.nc))[job]
    assert (document.state, sorted(document.clips_ready), document.clips_failed) == ("completed", [1, *numbers], {})
    announced = [int(found[1]) for line in document.logs if (found := READY_LINE.match(line))]
    assert announced == document.clips_ready
    assert document.logs.count(log_lines.FINISHED) == 1
    for number, clip in zip(document.clips_ready, document.clips, strict=True):
        assert verify(scene.store / layout.clip(job, number), clip.end - clip.start) == []
    kinds = Counter([message.subject.split(".")[3] async for message in JobStreams(scene.nc).events(job)])
    assert kinds["clip_rendered"] >= 1 + len(numbers)
    tallies = await remains.entries(scene.nc, ATTEMPTS)
    tried = {key.split(".")[1] for key in tallies if not key.endswith(".0")}
    assert tried == {"render"}, "nothing is transcribed or asked again"
    assert await refolding.differences(scene.nc) == []
    return {key: msgspec.json.decode(value, type=Tally).begun for key, value in tallies.items()}


@pytest.fixture
def sources(tmp_path):
    folder = tmp_path / "media"
    folder.mkdir()
    media.write_sources(folder)
    return folder


async def test_a_renderer_that_is_killed_costs_no_wanted_clip(tmp_path, sources):
    async with stage(tmp_path, COUNTS) as scene, aclosing(Client(scene)) as client:
        job = await client.completed(sources)
        reserve(scene, job, 2)
        killing = await kill_at(scene, f"$KV.{ATTEMPTS.name}.{job}.render.2.1", "renderer")
        assert await client.more(job, 2, patient=True) == [2, 3]
        await killing
        tallies = await check(scene, job, [2, 3])
        assert tallies[f"{job}.render.2.1"] == 2


@pytest.mark.parametrize("patient", [True, False], ids=["the client asks again", "the client is gone"])
async def test_gateways_that_are_killed_between_the_request_and_its_tasks_cost_no_wanted_clip(
    tmp_path, sources, patient
):
    async with stage(tmp_path, COUNTS) as scene, aclosing(Client(scene)) as client:
        job = await client.completed(sources)
        reserve(scene, job, 3)
        killing = await kill_at(scene, f"clipmill.event.{job}.clips_wanted", "gateway")
        numbers = await client.more(job, 2, patient=patient)
        await killing
        assert numbers == ([2, 3] if patient else None)
        await check(scene, job, [2, 3])
        last = await scene.nc.jetstream().get_last_msg(EVENTS, f"clipmill.event.{job}.clips_wanted")
        assert msgspec.json.decode(last.data, type=ClipsWanted).revived is not patient
        assert await client.more(job, 2, patient=True) == [2, 3], "the answer is remembered"
