"""Carrying out the faults of a schedule."""

import asyncio
import time
from collections import Counter

from clipmill.messaging.connection import retry_until
from clipmill.messaging.topology import INTAKE, TASKS
from nats.aio.client import Client
from nats.js.api import RawStreamMsg
from nats.js.errors import NotFoundError

from campaign.clients import Clients
from campaign.fleet import Fleet
from campaign.jobs import Jobs
from campaign.schedule import Fault, Kind
from campaign.server import NatsServer

VICTIM_SECONDS = 10.0
"""Time that a fault waits for a victim: a process between two lives, a task to copy, a job to cancel."""

LOOK_PAUSE = 0.05


class Saboteur:
    """An agent that carries out the faults of a schedule.

    Args:
        nc: Connection that nobody else uses.
        server: NATS server.
        fleet: Processes of the services.
        clients: Clients that cancel jobs.
        jobs: Jobs that may be cancelled.

    Attributes:
        done: Number of faults that had a victim, by kind.
    """

    def __init__(self, nc: Client, server: NatsServer, fleet: Fleet, clients: Clients, jobs: Jobs) -> None:
        self.done: Counter[Kind] = Counter()
        self._js = nc.jetstream(timeout=2)
        self._server = server
        self._fleet = fleet
        self._clients = clients
        self._jobs = jobs
        self._outage = asyncio.Lock()

    async def commit(self, fault: Fault) -> None:
        """Carry out `fault` now and return when it is over."""
        deeds = {
            Kind.KILL: self._kill,
            Kind.NATS: self._kill_nats,
            Kind.DUPLICATE: self._duplicate,
            Kind.STOP: self._stop,
            Kind.CANCEL: self._cancel,
        }
        until = time.monotonic() + VICTIM_SECONDS
        while not await deeds[fault.kind](fault):
            if time.monotonic() > until:
                return
            await asyncio.sleep(LOOK_PAUSE)
        self.done[fault.kind] += 1

    async def _kill(self, fault: Fault) -> bool:
        members = self._fleet.members
        return members[int(fault.choice * len(members))].kill()

    async def _kill_nats(self, fault: Fault) -> bool:
        async with self._outage:
            await self._server.kill()
            await asyncio.sleep(fault.seconds)
            await self._server.start()
        return True

    async def _duplicate(self, fault: Fault) -> bool:
        """Publish a copy of a task that waits or is in work, so that a second worker does it too."""
        tasks = [*await self._tasks(INTAKE), *await self._tasks(TASKS)]
        if not tasks:
            return False
        task = tasks[int(fault.choice * len(tasks))]
        copy = f"copy.{fault.at}.{(task.headers or {}).get('Nats-Msg-Id')}"
        await retry_until(lambda: self._js.publish(task.subject, task.data, headers={"Nats-Msg-Id": copy}))
        return True

    async def _tasks(self, stream: str) -> list[RawStreamMsg]:
        state = (await retry_until(lambda: self._js.stream_info(stream))).state
        found, sequence = [], state.first_seq
        while sequence <= state.last_seq:
            try:
                message = await retry_until(lambda: self._js.get_msg(stream, seq=sequence, subject=">", next=True))  # noqa: B023
            except NotFoundError:
                break
            found.append(message)
            sequence = (message.seq or 0) + 1
        return found

    async def _stop(self, fault: Fault) -> bool:
        member = self._fleet.members[int(fault.choice * len(self._fleet.members))]
        if member.pid is None:
            return False
        await member.pause(fault.seconds)
        return True

    async def _cancel(self, fault: Fault) -> bool:
        job = self._jobs.unended(fault.choice)
        if job is None:
            return False
        await self._clients.end(job)
        return True
