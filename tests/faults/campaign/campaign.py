"""A campaign from its start to its verdict."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clipmill.cli.local.machine import SERVICES
from clipmill.gateway.projection.document import JobDocument
from clipmill.messaging import connection, topology
from nats.aio.client import Client

from campaign import media, refolding, remains, schedule, verdict
from campaign.clients import Clients
from campaign.deliveries import Deliveries
from campaign.fleet import Fleet
from campaign.jobs import Jobs
from campaign.saboteur import Saboteur
from campaign.schedule import Fault, Kind, Schedule, Size, Submission
from campaign.server import NatsServer

ACK_WAIT = 2.5
"""Ack wait in seconds, short so that many redeliveries fit into a campaign. Services read it from their consumer."""

POLLERS = 3
START_SECONDS = 90.0
QUIET_PAUSE = 0.5

COUNTS = dict.fromkeys(SERVICES, 2)

SETTINGS = {
    "CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS": "127.0.0.0/8",
    # A campaign kills the same work very often, so many tries are allowed: only a bad source may end a job.
    "CLIPMILL_DOWNLOADER_ATTEMPTS": "50",
    "CLIPMILL_TRANSCRIBER_ATTEMPTS": "50",
    "CLIPMILL_ANALYZER_SCENES_ATTEMPTS": "50",
    "CLIPMILL_ANALYZER_ANALYZE_ATTEMPTS": "50",
    "CLIPMILL_RENDERER_ATTEMPTS": "50",
    "CLIPMILL_RENDERER_PRESET": "ultrafast",
    "CLIPMILL_RENDERER_SPARES": "0",  # no process that a service has started is left at rest
    # The sweeper looks for lost and left-over things during the campaign.
    "CLIPMILL_GATEWAY_SWEEP_SECONDS": "1",
    "CLIPMILL_GATEWAY_LOST_SECONDS": "10",
    "CLIPMILL_GATEWAY_ORPHAN_SECONDS": "3",
}


@dataclass
class Stage:
    """The place of a campaign: a server, the services, a store, and a connection that watches."""

    folder: Path
    server: NatsServer
    fleet: Fleet
    nc: Client

    @property
    def store(self) -> Path:
        """Return the folder of artifacts."""
        return self.folder / "store"


@asynccontextmanager
async def stage(
    folder: Path, counts: dict[str, int] = COUNTS, *, ack_wait: float = ACK_WAIT, **settings: str
) -> AsyncIterator[Stage]:
    """Set up everything below `folder`, ready for work; end everything when the context is left."""
    async with AsyncExitStack() as stack:
        server = NatsServer(folder / "nats")
        await server.start()
        stack.push_async_callback(server.kill)
        nc = await connection.connect(server.url, "campaign", patience=START_SECONDS)
        stack.push_async_callback(connection.close, nc)
        await topology.apply(nc, ack_wait=ack_wait)
        environ = {
            "CLIPMILL_NATS_URL": server.url,
            "CLIPMILL_STORE_URL": (folder / "store").as_uri(),
            **SETTINGS,
            **settings,
        }
        fleet = Fleet(counts, environ, folder)
        stack.push_async_callback(fleet.close)
        fleet.start()
        await fleet.ready(START_SECONDS)
        yield Stage(folder, server, fleet, nc)


@dataclass
class Outcome:
    """The result of a campaign.

    Attributes:
        findings: Sentences about everything that is wrong; empty if nothing is.
        figures: Lines about what was done and seen.
    """

    findings: list[str] = field(default_factory=list)
    figures: list[str] = field(default_factory=list)


async def run(folder: Path, seed: int, size: Size, *, quiet_seconds: float) -> Outcome:
    """Run the campaign of `seed` below `folder`.

    Args:
        folder: Empty folder, which then holds the logs, the server's data and the store.
        seed: Seed of the schedule.
        size: Size of the campaign.
        quiet_seconds: Time within which everything must come to rest after the faults.
    """
    begun = time.monotonic()
    plan = schedule.draw(seed, size, ack_wait=ACK_WAIT)
    (folder / "media").mkdir()
    media.write_sources(folder / "media")
    async with stage(folder) as scene, media.serving(folder / "media") as media_url:
        jobs, deliveries = Jobs(), Deliveries()
        await deliveries.listen(scene.nc)
        gateways = [member.url for member in scene.fleet.gateways]
        clients = Clients(gateways, jobs, folder / "media", media_url, random.Random(seed))
        saboteur = Saboteur(scene.nc, scene.server, scene.fleet, clients, jobs)
        pollers = [asyncio.create_task(clients.poll()) for _ in range(POLLERS)]
        try:
            await _play(plan, clients, saboteur)
            await scene.fleet.ready(START_SECONDS)
            rested = time.monotonic()
            unrest = await quiet(scene, quiet_seconds)
            outcome = Outcome(findings=unrest)
            outcome.figures.append(f"quiet {time.monotonic() - rested:.1f} s after the last fault")
            outcome.figures.append(_ends(jobs, await remains.documents(scene.nc)))
            if not unrest:
                await _delete(seed, size.deletes, scene, clients, jobs, outcome)
        finally:
            for poller in pollers:
                poller.cancel()
            await asyncio.gather(*pollers, return_exceptions=True)
            await clients.close()
        for poller in pollers:
            if not poller.cancelled():
                poller.result()
        await _judge(scene, jobs, outcome)
        _count(scene, jobs, clients, saboteur, deliveries, outcome)
        outcome.figures.append(f"{time.monotonic() - begun:.0f} s in all")
    return outcome


async def _play(plan: Schedule, clients: Clients, saboteur: Saboteur) -> None:
    """Do everything at its time, and return when all of it is over."""
    begun = time.monotonic()

    async def when(at: float) -> None:
        await asyncio.sleep(max(0.0, begun + at - time.monotonic()))

    async def submit(submission: Submission) -> None:
        await when(submission.at)
        await clients.submit(submission)

    async def commit(fault: Fault) -> None:
        await when(fault.at)
        await saboteur.commit(fault)

    async with asyncio.TaskGroup() as group:
        for submission in plan.submissions:
            group.create_task(submit(submission))
        for fault in plan.faults:
            group.create_task(commit(fault))


async def quiet(scene: Stage, patience: float) -> list[str]:
    """Wait until nothing is left to happen; return sentences about what is still left after `patience` seconds."""
    until = time.monotonic() + patience
    while unrest := (await remains.look(scene.nc, scene.store, scene.fleet)).unrest():
        if time.monotonic() > until:
            return [f"no rest after {patience:g} s: {sentence}" for sentence in unrest]
        await asyncio.sleep(QUIET_PAUSE)
    return []


async def _delete(seed: int, count: int, scene: Stage, clients: Clients, jobs: Jobs, outcome: Outcome) -> None:
    """Delete jobs that have ended, and check that nothing of them is left."""
    standing = [job for job in jobs.accepted.values() if not job.gone]
    for job in random.Random(seed).sample(standing, min(count, len(standing))):
        status = await clients.end(job)
        if status != 200 or job.answer != "deleted":
            outcome.findings.append(f"{job.name}: deleting it was answered {status} {job.answer}")
        for _ in range(2 * len(scene.fleet.gateways)):
            if (status := await clients.look(job)) != 404:
                outcome.findings.append(f"{job.name} is answered {status} after it was deleted")


async def _judge(scene: Stage, jobs: Jobs, outcome: Outcome) -> None:
    left = await remains.look(scene.nc, scene.store, scene.fleet)
    outcome.findings += jobs.violations
    outcome.findings += verdict.judge(jobs.accepted.values(), left, scene.fleet, scene.store)
    for job in jobs.accepted.values():
        if job.name not in left.documents and (count := await remains.events(scene.nc, job.name)):
            outcome.findings.append(f"{job.name} is gone but for {count} events")
    outcome.findings += await refolding.differences(scene.nc)
    outcome.findings += await refolding.refused_by_rebuild(scene.server.url)


def _ends(jobs: Jobs, documents: Mapping[str, JobDocument]) -> str:
    """Return the number of jobs by their end."""
    unheard = len(documents.keys() - jobs.accepted.keys())
    ends: dict[str, int] = {}
    for job in jobs.accepted.values():
        document = documents.get(job.name)
        end = "deleted" if document is None else "cancelled" if document.cancelled else str(document.state)
        ends[end] = ends.get(end, 0) + 1
    ended = ", ".join(f"{count} {end}" for end, count in sorted(ends.items()))
    clips = sum(len(document.clips) for document in documents.values())
    return f"jobs: {ended}; {unheard} whose submitter heard no answer; {clips} clips"


def _count(
    scene: Stage, jobs: Jobs, clients: Clients, saboteur: Saboteur, deliveries: Deliveries, outcome: Outcome
) -> None:
    kills = scene.fleet.kills
    outcome.figures += [
        f"kills: {kills.total()} of services ({_listed(kills)}), {scene.server.kills} of nats-server",
        f"other faults: {saboteur.done[Kind.DUPLICATE]} duplicates, {saboteur.done[Kind.STOP]} stops, "
        f"{saboteur.done[Kind.CANCEL]} cancels",
        f"deliveries: {deliveries.count}, of which {deliveries.again} again",
        f"polls: {jobs.polls}; answers: {_listed({' '.join(key): n for key, n in clients.answers.items()})}",
        f"logged: {_listed(verdict.messages(scene.fleet.logs))}",
    ]


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
