"""Memory of a gateway and a worker after 20,000 jobs, compared with the first 2,000.

Each job is submitted over HTTP, worked on by the worker process, and polled until the status says it is completed.
"""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec
import psutil
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import JobState, PublicStatus
from clipmill.gateway.api.submissions import Accepted
from figures import Figure

from messaging.concurrency import each_of
from messaging.servers import Bench, Service, gateways, workers

JOBS = 20_000
FIRST_JOBS = 2_000
AT_ONCE = 32
SLOTS = 8
POLL_SECONDS = 0.05
SETTLE_SECONDS = 3.0
SAMPLES = 11
SAMPLE_SECONDS = 0.1
ALLOWED = 1.1
MEBIBYTE = 2**20


async def leaks(bench: Bench) -> list[Figure]:
    """Run jobs through one gateway and one worker, and compare their memory."""
    first, jobs, settle = (20, 60, 0.0) if bench.quick else (FIRST_JOBS, JOBS, SETTLE_SECONDS)
    options = {"slots": str(SLOTS), "whole_job": "true"}
    async with (
        gateways(bench, 1) as (gateway,),
        workers(bench, 1, Stage.DOWNLOAD, 0.0, **options) as (worker,),
        aiohttp.ClientSession(gateway.url) as session,
    ):
        job = _job(session)
        await each_of(first, job, AT_ONCE)
        before = await asyncio.gather(*(_resident(each, settle) for each in (gateway, worker)))
        begun = time.monotonic()
        await each_of(jobs - first, job, AT_ONCE)
        speed = (jobs - first) / (time.monotonic() - begun)
        after = await asyncio.gather(*(_resident(each, settle) for each in (gateway, worker)))
    figures = [Figure("trivial jobs submitted, worked on and seen completed", f"{jobs:,} at {speed:.0f} jobs/s")]
    for name, small, large in zip(("gateway", "worker"), before, after, strict=True):
        figures.append(
            Figure(
                f"{name}, resident after {jobs:,} jobs to that after {first:,}",
                f"{large / small:.3f} × ({small / MEBIBYTE:.1f} → {large / MEBIBYTE:.1f} MiB)",
                f"≤ {ALLOWED} ×",
                large / small <= ALLOWED,
            )
        )
    return figures


def _job(session: aiohttp.ClientSession) -> Callable[[], Awaitable[None]]:
    async def one() -> None:
        async with session.post("/api/process", json={"url": "https://example.com/talk.mp4"}) as answer:
            answer.raise_for_status()
            job = msgspec.json.decode(await answer.read(), type=Accepted).job_id
        while True:
            await asyncio.sleep(POLL_SECONDS)
            async with session.get(f"/api/status/{job}") as answer:
                status = msgspec.json.decode(await answer.read(), type=PublicStatus).status
            if status.terminal:
                assert status is JobState.COMPLETED, f"job {job} is {status}"
                return

    return one


async def _resident(service: Service, settle: float) -> float:
    """Return the resident memory of a process, in bytes: the median of some samples after `settle` seconds of rest."""
    await asyncio.sleep(settle)
    process = psutil.Process(service.process.pid)
    samples = []
    for _ in range(SAMPLES):
        samples.append(process.memory_info().rss)
        await asyncio.sleep(SAMPLE_SECONDS)
    return statistics.median(samples)
