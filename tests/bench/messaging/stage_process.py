"""A worker process of one stage that does as little as the bench wants; it runs as every service does.

Its tasks report their start and end by core NATS messages, `bench.began.<process id>` and `bench.ended.<process id>`.
Each message has the job's id and the time of the monotonic clock, which all processes of a machine share.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from clipmill.contracts.events import ClipRendered, ClipsPlanned, StageFinished, StageStarted, Started
from clipmill.contracts.stages import Stage
from clipmill.contracts.tasks import Task
from clipmill.messaging.context import TaskContext
from clipmill.messaging.service import Runtime, main
from clipmill.messaging.worker import StageWorker
from clipmill.operations.settings import ServiceSettings
from msgspec import Meta

from messaging.stories import LINES, public_clip


class StageProcessSettings(ServiceSettings, frozen=True, kw_only=True):
    """The choices of a measurement for its workers."""

    port: Annotated[int, Meta(description="Port of health and metrics.", ge=0)] = 0
    stage: Annotated[Stage, Meta(description="The stage whose tasks are taken.")] = Stage.SCENES
    slots: Annotated[int, Meta(description="Tasks at once.", ge=1)] = 1
    task_seconds: Annotated[float, Meta(description="How long a task lasts, seconds.", ge=0)] = 0.0
    whole_job: Annotated[bool, Meta(description="True to publish all events of a one-clip job for a task.")] = False


@asynccontextmanager
async def build(settings: StageProcessSettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Work on the one stage."""

    async def report(what: str, task: Task) -> None:
        await runtime.nc.publish(f"bench.{what}.{os.getpid()}", f"{task.job} {time.monotonic()}".encode())

    async def handler(task: Task, context: TaskContext) -> None:
        await report("began", task)
        await asyncio.sleep(settings.task_seconds)
        if settings.whole_job:
            await _whole_job(task, context)
        await report("ended", task)

    yield [StageWorker(settings.stage, handler, slots=settings.slots)]


async def _whole_job(task: Task, context: TaskContext) -> None:
    """Publish the events of a job of one clip, up to the one that completes it."""
    job = task.job
    await context.emit(Started(job=job))
    await context.emit(StageStarted(job=job, stage=task.stage, line=LINES[Stage.DOWNLOAD]))
    context.progress(50)
    await context.emit(StageFinished(job=job, stage=task.stage))
    await context.emit(ClipsPlanned(job=job, count=1))
    await context.emit(ClipRendered(job=job, clip=1, public=public_clip(job, 1)))


if __name__ == "__main__":
    main("bench", StageProcessSettings, build)
