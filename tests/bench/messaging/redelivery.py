"""The time until the tasks of a killed worker begin again."""

import asyncio
import time
from collections import Counter

from clipmill.contracts.identifiers import new_job_id
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import RenderTask
from clipmill.messaging.publisher import Publisher
from figures import Figure
from nats.aio.msg import Msg

from messaging.reports import listening
from messaging.servers import Bench, workers

TASKS = 4
LONG_SECONDS = 3600.0
SLACK_SECONDS = 5.0
PATIENCE = 60.0


async def redelivery(bench: Bench) -> list[Figure]:
    """Kill a worker right after a heartbeat, the worst moment, and time until another has begun all its tasks."""
    jobs = [new_job_id() for _ in range(TASKS)]
    beats: Counter[str] = Counter()
    beaten = asyncio.Event()

    async def beat(message: Msg) -> None:
        if message.data == b"+WPI":
            beats[message.subject] += 1
            if len(beats) == TASKS:
                beaten.set()

    acknowledgements = await bench.nc.subscribe("$JS.ACK.TASKS.>", cb=beat)
    slots = str(TASKS)
    async with listening(bench.nc) as reports, workers(bench, 1, Stage.RENDER, LONG_SECONDS, slots=slots) as first:
        for job in jobs:
            await Publisher(bench.nc).task(RenderTask(job=job, number=1))
        await reports.until(lambda so_far: len(so_far.began) == TASKS, PATIENCE)
        async with workers(bench, 1, Stage.RENDER, LONG_SECONDS, slots=slots):
            async with asyncio.timeout(bench.ack_wait):
                await beaten.wait()
            killed = time.monotonic()
            first[0].process.kill()
            reports.began.clear()
            await reports.until(lambda so_far: len(so_far.began) == TASKS, bench.ack_wait + PATIENCE)
    await acknowledgements.unsubscribe()
    seconds = max(report.at for report in reports.began) - killed
    ack_wait = f"ack wait {bench.ack_wait:.0f} s"
    return [
        Figure(
            f"{TASKS} tasks of a worker killed (kill -9) right after a heartbeat begin again, {ack_wait}",
            f"{seconds:.1f} s",
            f"≤ {bench.ack_wait + SLACK_SECONDS:.0f} s",
            seconds <= bench.ack_wait + SLACK_SECONDS,
        )
    ]
