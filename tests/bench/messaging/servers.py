"""The processes that are measured: a nats-server as `clipmill up` starts it, gateways, and workers of one stage."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from clipmill.cli.local.embedded_nats import NatsPorts, find_nats_server, write_configuration
from clipmill.contracts.stages import Stage
from clipmill.messaging import connection, topology
from clipmill.messaging.service import Runtime, open_runtime
from clipmill.operations.health import Health
from clipmill.operations.settings import CommonSettings
from nats.aio.client import Client

START_SECONDS = 60.0
"""Time that a busy machine may take to import a service."""

STOP_SECONDS = 40.0
LOG_CHARACTERS = 2000
"""Length of the end of the log that is shown when a process does not start."""

BENCHES = Path(__file__).parents[1]


@dataclass(frozen=True)
class Bench:
    """The means of a measurement.

    Attributes:
        folder: Folder of the processes' logs and data.
        nats_url: URL of the server, which all measurements of a run share.
        nc: Connection to the server.
        ack_wait: Ack wait of the task consumers, in seconds.
        quick: True to try the bench itself, with few repetitions.
    """

    folder: Path
    nats_url: str
    nc: Client
    ack_wait: float
    quick: bool

    def runtime(self) -> contextlib.AbstractAsyncContextManager[Runtime]:
        """Return a context with an open connection and everything that workers share, as in a service."""
        common = CommonSettings(nats_url=self.nats_url, store_url="memory://")
        return open_runtime("bench", common, Health())

    async def clear(self) -> None:
        """Empty every stream and bucket."""
        js = self.nc.jetstream(timeout=30)
        for name in [*(each.name for each in topology.STREAMS), *(f"KV_{each.name}" for each in topology.BUCKETS)]:
            await js.purge_stream(name)


@contextmanager
def nats_server(folder: Path) -> Iterator[str]:
    """Run a nats-server on free ports that syncs every write to the disk; yield its URL."""
    config = write_configuration(folder, NatsPorts(client=-1, monitoring=-1))
    with (folder / "nats.log").open("wb") as log:
        command = [str(find_nats_server()), "--config", str(config), "--ports_file_dir", str(folder)]
        server = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        yield _server_url(folder / f"nats-server_{server.pid}.ports", server)
    finally:
        server.terminate()
        server.wait(STOP_SECONDS)


def _server_url(ports: Path, server: subprocess.Popen[bytes]) -> str:
    while True:
        with contextlib.suppress(OSError, ValueError):
            return f"nats://{json.loads(ports.read_text())['nats'][0].removeprefix('nats://')}"
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.02)
            sys.exit("nats-server ended at its start")


@asynccontextmanager
async def connected(url: str, ack_wait: float) -> AsyncIterator[Client]:
    """Yield a connection to a server with clipmill's topology."""
    nc = await connection.connect(url, "bench", patience=START_SECONDS)
    try:
        await topology.apply(nc, ack_wait=ack_wait)
        yield nc
    finally:
        await connection.close(nc)


@dataclass(frozen=True)
class Service:
    """A process of clipmill that answers HTTP.

    Attributes:
        process: Running process.
        url: Address at which the process listens.
        log: File with the output of the process.
    """

    process: subprocess.Popen[bytes]
    url: str
    log: Path


@asynccontextmanager
async def gateways(bench: Bench, count: int) -> AsyncIterator[list[Service]]:
    """Run `count` gateways, each ready when yielded."""
    command = [sys.executable, "-m", "clipmill.gateway"]
    async with _running(bench, "gateway", [command] * count, {}) as services:
        yield services


@asynccontextmanager
async def workers(bench: Bench, count: int, stage: Stage, seconds: float, **more: str) -> AsyncIterator[list[Service]]:
    """Run `count` processes of `stage_process` that take tasks of `stage` and spend `seconds` on each."""
    environ = {
        "PYTHONPATH": str(BENCHES),
        "CLIPMILL_BENCH_STAGE": stage.value,
        "CLIPMILL_BENCH_TASK_SECONDS": str(seconds),
    }
    environ |= {f"CLIPMILL_BENCH_{name.upper()}": value for name, value in more.items()}
    command = [sys.executable, "-m", "messaging.stage_process"]
    async with _running(bench, "bench", [command] * count, environ) as services:
        yield services


@asynccontextmanager
async def _running(
    bench: Bench, name: str, commands: list[list[str]], environ: dict[str, str]
) -> AsyncIterator[list[Service]]:
    services: list[Service] = []
    try:
        for number, command in enumerate(commands):
            services.append(_start(bench, name, number, command, environ))
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(*(_ready(session, service) for service in services))
        yield services
    finally:
        for service in services:
            service.process.terminate()
        for service in services:
            await asyncio.to_thread(service.process.wait, STOP_SECONDS)


def _start(bench: Bench, name: str, number: int, command: list[str], environ: dict[str, str]) -> Service:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ours = {
        "CLIPMILL_NATS_URL": bench.nats_url,
        "CLIPMILL_STORE_URL": (bench.folder / "store").as_uri(),
        "CLIPMILL_LOG_FORMAT": "json",
        "CLIPMILL_SHUTDOWN_SECONDS": "0",
        f"CLIPMILL_{name.upper()}_PORT": str(port),
    }
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("CLIPMILL_")}
    log = bench.folder / f"{name}.{number}.log"
    with log.open("ab") as written:
        process = subprocess.Popen(command, env=inherited | ours | environ, stdout=written, stderr=written)
    return Service(process, f"http://127.0.0.1:{port}", log)


async def _ready(session: aiohttp.ClientSession, service: Service) -> None:
    async with asyncio.timeout(START_SECONDS):
        while True:
            if service.process.poll() is not None:
                sys.exit(f"A process ended at its start:\n{service.log.read_text()[-LOG_CHARACTERS:]}")
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{service.url}/health/ready") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.05)
