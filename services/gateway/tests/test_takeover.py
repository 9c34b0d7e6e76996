"""Several gateways: one is the projector; when it dies, another takes over, and pollers see only a pause."""

import asyncio
import json
import os
import signal
import sys
import time
from contextlib import AsyncExitStack, suppress

from aiohttp import ClientConnectionError, ClientSession
from clipmill.cli.local.ports import free_ports
from clipmill.contracts.events import Log, Queued
from clipmill.contracts.identifiers import new_job_id
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.topology import LEASE_SECONDS

START_SECONDS = 60.0
SLACK_SECONDS = 30.0
"""The time that a busy machine may add to a takeover."""


class Replica:
    """One gateway process."""

    def __init__(self, process, url, client):
        self.process = process
        self.url = url
        self._client = client

    async def ask(self, path):
        with suppress(ClientConnectionError):
            async with self._client.get(f"{self.url}{path}") as answer:
                return answer.status, await answer.read()
        return 0, b""

    async def ready(self):
        return (await self.ask("/health/ready"))[0] == 200

    async def projects(self):
        return b"clipmill_projection_active 1.0" in (await self.ask("/metrics"))[1]

    async def lines(self, job):
        status, body = await self.ask(f"/api/status/{job}")
        return body.count(b"line ") if status == 200 else 0


async def start(stack, client, nats_url, folder, port):
    environ = {
        **os.environ,
        "CLIPMILL_NATS_URL": nats_url,
        "CLIPMILL_STORE_URL": (folder / "store").as_uri(),
        "CLIPMILL_GATEWAY_PORT": str(port),
    }
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "clipmill.gateway", env=environ)

    async def end():
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    stack.push_async_callback(end)
    return Replica(process, f"http://127.0.0.1:{port}", client)


async def first(condition, seconds):
    """Return the first result of `condition` that is not None."""
    async with asyncio.timeout(seconds):
        while (found := await condition()) is None:
            await asyncio.sleep(0.01)
    return found


async def test_a_projector_that_was_suspended_does_no_harm_when_it_comes_back(nc, nats_server, tmp_path):
    """The suspended projector still believes that it holds the lease and that no document has changed."""
    publisher, job = Publisher(nc), new_job_id()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(ClientSession())
        replicas = [await start(stack, client, nats_server.url, tmp_path, port) for port in free_ports(2)]

        async def projector():
            ready = all([await replica.ready() for replica in replicas])
            active = [replica for replica in replicas if await replica.projects()]
            return active[0] if ready and len(active) == 1 else None

        await publisher.event(Queued(job=job))
        suspended = await first(projector, START_SECONDS)
        (other,) = (replica for replica in replicas if replica is not suspended)

        async def shown(number, at):
            counts = [await replica.lines(job) for replica in at]
            assert max(counts) <= number
            return counts if min(counts) == number else None

        suspended.process.send_signal(signal.SIGSTOP)
        for number in range(1, 11):
            await publisher.event(Log(job=job, name=str(number), line=f"line {number}"))
        await first(lambda: shown(10, [other]), LEASE_SECONDS + SLACK_SECONDS)
        suspended.process.send_signal(signal.SIGCONT)
        for number in range(11, 21):
            await publisher.event(Log(job=job, name=str(number), line=f"line {number}"))
        await first(lambda: shown(20, replicas), SLACK_SECONDS)
        assert await first(projector, SLACK_SECONDS) is other
        assert b"clipmill_projection_lag_events 0.0" in (await suspended.ask("/metrics"))[1]
        lines = json.loads((await suspended.ask(f"/api/status/{job}"))[1])["logs"]
        assert lines[1:] == [f"line {number}" for number in range(1, 21)], "in order, each once"


async def test_the_projector_that_is_killed_is_replaced_while_clients_poll(nc, nats_server, tmp_path):
    publisher, job = Publisher(nc), new_job_id()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(ClientSession())
        replicas = [await start(stack, client, nats_server.url, tmp_path, port) for port in free_ports(3)]

        async def projector():
            ready = all([await replica.ready() for replica in replicas if replica.process.returncode is None])
            active = [replica for replica in replicas if await replica.projects()]
            return active[0] if ready and len(active) == 1 else None

        await publisher.event(Queued(job=job))
        for number in (1, 2):
            dead = await first(projector, START_SECONDS)
            dead.process.kill()
            await dead.process.wait()
            killed = time.monotonic()
            await publisher.event(Log(job=job, name=str(number), line=f"line {number}"))
            others = [replica for replica in replicas if replica.process.returncode is None]
            assert len(others) == len(replicas) - number, "a gateway that nobody killed has ended"

            async def shown(others=others, number=number):
                counts = [await replica.lines(job) for replica in others]
                assert max(counts) <= number
                return counts if min(counts) == number else None

            await first(shown, LEASE_SECONDS + SLACK_SECONDS)
            print(f"seen at every other gateway {time.monotonic() - killed:.2f} s after the kill")  # noqa: T201
