"""A worker process of one stage that does as little as is wanted, run as every service is.

Its tasks tell when they begin and end by core messages, `bench.began.<process id>` and `bench.ended.<process id>`,
each with the job's id and the system's monotonic clock, which all processes of a machine share.
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
    """What a measurement may choose about its workers."""

    port: Annotated[int, Meta(description="Port of health and metrics.", ge=0)] = 0
    stage: Annotated[Stage, Meta(description="The stage whose tasks are taken.")] = Stage.SCENES
    slots: Annotated[int, Meta(description="Tasks at once.", ge=1)] = 1
    task_seconds: Annotated[float, Meta(description="How long a task lasts, seconds.", ge=0)] = 0.0
    whole_job: Annotated[bool, Meta(description="Whether a task tells all that a job of one clip has to tell.")] = False


@asynccontextmanager
async def build(settings: StageProcessSettings, runtime: Runtime) -> AsyncIterator[list[StageWorker]]:
    """Work on the one stage."""

    async def tell(what: str, task: Task) -> None:
        await runtime.nc.publish(f"bench.{what}.{os.getpid()}", f"{task.job} {time.monotonic()}".encode())

    async def handler(task: Task, context: TaskContext) -> None:
        await tell("began", task)
        await asyncio.sleep(settings.task_seconds)
        if settings.whole_job:
            await _whole_job(task, context)
        await tell("ended", task)

    yield [StageWorker(settings.stage, handler, slots=settings.slots)]


async def _whole_job(task: Task, context: TaskContext) -> None:
    """Say what a job of one clip says, up to the event that completes it."""
    job = task.job
    await context.emit(Started(job=job))
    await context.emit(StageStarted(job=job, stage=task.stage, line=LINES[Stage.DOWNLOAD]))
    context.progress(50)
    await context.emit(StageFinished(job=job, stage=task.stage))
    await context.emit(ClipsPlanned(job=job, count=1))
    await context.emit(ClipRendered(job=job, clip=1, public=public_clip(job, 1)))


if __name__ == "__main__":
    main("bench", StageProcessSettings, build)
