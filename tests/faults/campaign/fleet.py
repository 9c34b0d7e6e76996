"""The five services as processes, started again whenever they end, as an orchestrator would."""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import aiohttp
import psutil
from clipmill.cli.local.ports import free_ports
from clipmill.operations.processes import OwnedProcess, start_process

READY_PAUSE = 0.1
REST_SECONDS = 0.5
"""Pause before a process that ended by itself is started again."""

STOP_SECONDS = 15.0
"""Time for a service to end in order before it is killed."""


class Member:
    """A process of a service, which keeps its name and port when it is started again.

    Args:
        service: Name of the service, such as `renderer`.
        number: Number of the process among those of its service, from 1.
        port: Port at which the process answers HTTP.
        environ: Environment of the process.
        logs: Folder of the log `<name>.log`, to which every life of the process appends.

    Attributes:
        kills: Number of times that `kill` ended it.
        deaths: Exit statuses of the lives that ended by themselves, normally none.
    """

    def __init__(self, service: str, number: int, port: int, environ: Mapping[str, str], logs: Path) -> None:
        self.service = service
        self.name = f"{service}-{number}"
        self.url = f"http://127.0.0.1:{port}"
        self.kills = 0
        self.deaths: list[int] = []
        self.log = logs / f"{self.name}.log"
        self._environ = {**environ, f"CLIPMILL_{service.upper()}_PORT": str(port)}
        self._process: OwnedProcess | None = None
        self._expected = False
        self._closing = False
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """Return the process id, None between two lives."""
        return self._process.pid if self._process is not None and self._process.running else None

    def start(self) -> None:
        """Keep the process running from now on."""
        self._keeping = asyncio.create_task(self._keep())

    async def _keep(self) -> None:
        while not self._closing:
            self._expected = False
            with self.log.open("ab") as log:
                process = await start_process(
                    [sys.executable, "-m", f"clipmill.{self.service}"],
                    stdout=log.fileno(),
                    stderr=log.fileno(),
                    environ=self._environ,
                )
            self._process = process
            status = await process.wait()
            if not self._expected:
                self.deaths.append(status)
                await asyncio.sleep(REST_SECONDS)

    def kill(self) -> bool:
        """Kill the process with SIGKILL; return whether it ran."""
        if not self._send(signal.SIGKILL):
            return False
        self._expected = True
        self.kills += 1
        return True

    async def pause(self, seconds: float) -> None:
        """Stop the process (its children run on) and let it continue after so many seconds."""
        process = self._process
        if self._send(signal.SIGSTOP):
            await asyncio.sleep(seconds)
            if self._process is process:
                self._send(signal.SIGCONT)

    async def renew(self) -> None:
        """Ask the process to end (SIGTERM) and return when its next life is ready."""
        process = self._process
        self._expected = True
        self._send(signal.SIGTERM)
        while self._process is process or not await self.ready():
            await asyncio.sleep(READY_PAUSE)

    async def ready(self) -> bool:
        """Return whether the process answers that it is ready."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as client,
                client.get(f"{self.url}/health/ready") as answer,
            ):
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False

    async def close(self) -> None:
        """End the process in order, and do not start it again."""
        self._closing = self._expected = True
        if self._keeping is None:
            return
        self._send(signal.SIGCONT)
        self._send(signal.SIGTERM)
        done, _ = await asyncio.wait({self._keeping}, timeout=STOP_SECONDS)
        if not done and self._process is not None:
            self._process.kill()
            self.deaths.append(-signal.SIGTERM)
        await self._keeping

    def _send(self, number: signal.Signals) -> bool:
        if (pid := self.pid) is None:
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, number)
            return True
        return False


class Fleet:
    """Every process of every service.

    Args:
        counts: Number of processes by service.
        environ: Environment variables of all processes.
        folder: Folder of the logs and the temporary files.

    Attributes:
        members: Processes.
        logs: Folder of the logs.
        scratch: Folder of the temporary files.
    """

    def __init__(self, counts: Mapping[str, int], environ: Mapping[str, str], folder: Path) -> None:
        self.logs, self.scratch = folder / "logs", folder / "scratch"
        for each in (self.logs, self.scratch):
            each.mkdir()
        self._mark = environ["CLIPMILL_STORE_URL"]
        own = {**_without_settings(os.environ), **environ, "TMPDIR": str(self.scratch)}
        ports = iter(free_ports(sum(counts.values())))
        self.members = [
            Member(service, number, next(ports), own, self.logs)
            for service, count in counts.items()
            for number in range(1, count + 1)
        ]

    @property
    def gateways(self) -> Sequence[Member]:
        """Return the processes of the gateway."""
        return [member for member in self.members if member.service == "gateway"]

    @property
    def kills(self) -> Counter[str]:
        """Return the number of kills by service."""
        counts: Counter[str] = Counter()
        for member in self.members:
            counts[member.service] += member.kills
        return counts

    def start(self) -> None:
        """Start all processes; `ready` waits until they can work."""
        for member in self.members:
            member.start()

    async def ready(self, patience: float) -> None:
        """Return when all processes are ready.

        Raises:
            RuntimeError: If a process ends by itself meanwhile.
            TimeoutError: If it takes longer than `patience` seconds.
        """
        until = time.monotonic() + patience
        for member in self.members:
            while not await member.ready():
                if member.deaths:
                    raise RuntimeError(f"{member.name} ended by itself, see {member.log}")
                if time.monotonic() > until:
                    raise TimeoutError(f"{member.name} is not ready, see {member.log}")
                await asyncio.sleep(READY_PAUSE)

    async def close(self) -> None:
        """End all processes."""
        await asyncio.gather(*(member.close() for member in self.members))

    def strays(self) -> list[str]:
        """Return the command lines of processes that a service started and that still run.

        Their environment identifies them, so that those whose service was killed are found too.
        """
        groups = {member.pid for member in self.members}
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError):
                marked = process.environ().get("CLIPMILL_STORE_URL") == self._mark
                if marked and os.getpgid(process.pid) not in groups:
                    found.append(" ".join(process.cmdline()))
        return found


def _without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` without the settings of clipmill, which the campaign chooses, except the folder of models."""
    kept = "CLIPMILL_MODELS_DIR"
    return {name: value for name, value in environ.items() if name == kept or not name.startswith("CLIPMILL_")}
