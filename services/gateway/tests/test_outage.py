"""A gateway process answers even if its NATS is not there yet, dies or falls silent."""

import asyncio
import io
import json
import os
import sys
import time
from contextlib import asynccontextmanager, suppress
from uuid import uuid4

import aiohttp
import pytest
from aiohttp import FormData
from clipmill.messaging import connection, topology
from clipmill.messaging.topology import INTAKE
from suspension import suspended

ANSWER_SECONDS = 2.0
SLACK_SECONDS = 10.0
"""The time that a busy machine may add to an answer."""

OUTAGE_SECONDS = float(os.environ.get("CLIPMILL_TEST_OUTAGE_SECONDS", "10"))
START_SECONDS = 120.0
SILENCE_SECONDS = 60.0
"""The longest wait until a silent server is given up: 10 s, and more on a busy machine."""

UPLOAD_BYTES = 3_000_000


class GatewayProcess:
    """A running gateway with a client; each request uses its own connection."""

    def __init__(self, url, session):
        self.url = url
        self.session = session

    async def ask(self, path, method="GET", **sent):
        """Return status, body and Retry-After of an answer; fail the test if it comes too late."""
        begun = time.monotonic()
        async with self.session.request(method, f"{self.url}{path}", **sent) as answer:
            body = await answer.read()
        assert time.monotonic() - begun < ANSWER_SECONDS + SLACK_SECONDS, path
        content = json.loads(body) if answer.content_type == "application/json" else body
        return answer.status, content, answer.headers.get("Retry-After")

    async def ready(self):
        return (await self.ask("/health/ready"))[0] == 200

    async def until_ready(self, expected=True, seconds=START_SECONDS):
        async with asyncio.timeout(seconds):
            while await self.ready() is not expected:
                await asyncio.sleep(0.05)

    async def status(self, job):
        """Return a job's status as soon as it is available: servers that come back elect their leaders first."""
        async with asyncio.timeout(START_SECONDS):
            while (found := await self.ask(f"/api/status/{job}"))[0] == 503:
                await asyncio.sleep(0.05)
        return found[1]["status"]

    async def submit(self):
        return await self.ask("/api/process", "POST", json={"url": "https://example.com/talk.mp4"})

    async def upload(self):
        form = FormData()
        form.add_field("file", io.BytesIO(bytes(UPLOAD_BYTES)), filename="talk.mp4")
        return await self.ask("/api/process", "POST", data=form)

    async def unavailable(self, job):
        """Assert that everything but the probes is answered 503, with a code and `Retry-After`."""
        answers = await asyncio.gather(
            self.submit(),
            self.upload(),
            *(self.ask(path) for path in (f"/api/status/{job}", f"/api/jobs/{job}", *["/api/jobs"] * 4)),
            self.ask(f"/videos/{job}/talk_clip_1.mp4"),
            self.ask(f"/api/jobs/{job}", "DELETE"),
        )
        for status, body, retry_after in answers:
            assert status == 503, body
            assert body["code"] == "unavailable"
            assert int(retry_after) > 0
        assert (await self.ask("/health/live"))[0] == 200
        status, metrics, _ = await self.ask("/metrics")
        assert status == 200
        assert b"clipmill_http_requests_total" in metrics


@asynccontextmanager
async def running_gateway(nats_url, folder):
    settings = {
        "CLIPMILL_NATS_URL": nats_url,
        "CLIPMILL_STORE_URL": (folder / "store").as_uri(),
        "CLIPMILL_LOG_FORMAT": "json",
        "CLIPMILL_GATEWAY_PORT": "0",
        "CLIPMILL_GATEWAY_ANSWER_SECONDS": str(ANSWER_SECONDS),
        "CLIPMILL_GATEWAY_STORE_RESERVE_BYTES": "0",
    }
    log = folder / "gateway.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "clipmill.gateway"), env={**os.environ, **settings}, stdout=output, stderr=output
        )
    try:
        url = f"http://127.0.0.1:{await listening_port(process, log)}"
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
            yield GatewayProcess(url, session)
        process.terminate()
        async with asyncio.timeout(START_SECONDS):
            assert await process.wait() == 0, log.read_text()[-6000:]
        assert "Traceback" not in log.read_text()
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def listening_port(process, log):
    """Wait for the log line with the port that the system chose, and return the port."""
    async with asyncio.timeout(START_SECONDS):
        while True:
            assert process.returncode is None, log.read_text()
            for line in log.read_text().splitlines():
                if '"port_opened"' in line:
                    return json.loads(line)["port"]
            await asyncio.sleep(0.05)


async def apply_topology(nats_server):
    nc = await connection.connect(nats_server.url, "test", patience=START_SECONDS)
    await topology.apply(nc, nats_server.replicas)
    await connection.close(nc)


async def taken_in(nats_server):
    """Return how many jobs wait for a worker."""
    nc = await connection.connect(nats_server.url, "test", patience=START_SECONDS)
    info = await connection.retry_until(lambda: nc.jetstream().stream_info(INTAKE))
    await connection.close(nc)
    return info.state.messages


async def test_the_port_answers_before_nats_is_there_and_refuses_nobody_afterwards(nats_server, tmp_path):
    nats_server.kill()
    async with running_gateway(nats_server.url, tmp_path) as gateway:
        assert not await gateway.ready()
        await gateway.unavailable(uuid4())
        answers = []

        async def keep_asking():
            while True:
                answers.append((await gateway.submit())[0])

        asking = asyncio.create_task(keep_asking())
        nats_server.start()
        await apply_topology(nats_server)
        await gateway.until_ready()
        answers.clear()
        async with asyncio.timeout(START_SECONDS):
            while len(answers) < 3:
                await asyncio.sleep(0.01)
        asking.cancel()
        assert set(answers) == {200}
        with pytest.raises(asyncio.CancelledError):
            await asking


async def test_a_gateway_that_waits_for_nats_can_be_stopped(nats_server, tmp_path):
    nats_server.kill()
    async with running_gateway(nats_server.url, tmp_path) as gateway:
        assert not await gateway.ready()


async def test_an_outage_is_reported_and_nothing_is_left_of_it(nats_server, tmp_path):
    await apply_topology(nats_server)
    async with running_gateway(nats_server.url, tmp_path) as gateway:
        await gateway.until_ready()
        status, accepted, _ = await gateway.upload()
        assert status == 200
        job = accepted["job_id"]
        nats_server.kill()
        until = time.monotonic() + OUTAGE_SECONDS
        await gateway.until_ready(False)
        while time.monotonic() < until:
            await gateway.unavailable(job)
            assert not await gateway.ready()
        nats_server.start()
        await gateway.until_ready()
        assert await gateway.status(job) == "queued"
        async with asyncio.timeout(START_SECONDS):
            while (await gateway.submit())[0] == 503:
                await asyncio.sleep(0.05)
        await only_these_are_left(gateway, nats_server, tmp_path, jobs=2, uploads=1)
        nats_server.kill()
        await gateway.until_ready(False)
        # the gateway still stops in good order


async def test_a_server_that_falls_silent_holds_up_no_answer(nats_server, tmp_path):
    await apply_topology(nats_server)
    async with running_gateway(nats_server.url, tmp_path) as gateway:
        await gateway.until_ready()
        status, accepted, _ = await gateway.upload()
        assert status == 200
        with suspended(nats_server):
            await gateway.unavailable(accepted["job_id"])
            await gateway.until_ready(False, SILENCE_SECONDS)
            await gateway.unavailable(accepted["job_id"])
        await gateway.until_ready()
        assert await gateway.status(accepted["job_id"]) == "queued"
        await only_these_are_left(gateway, nats_server, tmp_path, jobs=1, uploads=1)


async def only_these_are_left(gateway, nats_server, folder, *, jobs, uploads):
    """Assert that submissions answered 503 left neither job nor task nor file."""
    _, listed, _ = await gateway.ask("/api/jobs")
    alive = [job for job in listed["jobs"] if job["status"] == "queued"]
    assert len(alive) == jobs, listed
    assert await taken_in(nats_server) == jobs
    assert len([path for path in (folder / "store").rglob("*") if path.is_file()]) == uploads
