"""The means of a handler to report an event, submit the next stage's task and show its progress."""

import asyncio
import contextlib
import time

import structlog
from clipmill.contracts.events import Event, StageProgress
from clipmill.contracts.tasks import Task
from clipmill.messaging.publisher import Publisher
from clipmill.messaging.secrets import Secrets
from msgspec.structs import replace

PROGRESS_SECONDS = 1.0
"""Least time between two progress events of one task; nobody would see more events."""


class TaskContext:
    """One delivery of one task, as its handler sees it.

    Attributes:
        attempt: Number of this try, from 1.
        log: Logger that names job, stage and clip on every line.
    """

    def __init__(self, task: Task, attempt: int, publisher: Publisher, secrets: Secrets) -> None:
        self.attempt = attempt
        ids = {"job": task.job, "stage": task.stage, "attempt": attempt}
        if task.clip is not None:
            ids["clip"] = task.clip
        self.log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger().bind(**ids)
        self._task = task
        self._publisher = publisher
        self._secrets = secrets
        self._percent = -1
        self._published_percent = -1
        self._published_at = 0.0
        self._publishing: asyncio.Task[None] | None = None

    async def emit(self, event: Event) -> None:
        """Publish `event` in the task's generation and wait until it is stored, so that events keep their order."""
        await self._publisher.event(replace(event, generation=self._task.generation))

    async def submit(self, task: Task) -> None:
        """Publish the next stage's `task` and wait until it is stored.

        Raises:
            Transient: `busy`, if the stage is full, which only the first stage can be.
        """
        await self._publisher.task(task)

    async def secret(self) -> str | None:
        """Return the key that the submitter lent for this job, None if none was lent."""
        return await self._secrets.get(self._task.job)

    def progress(self, percent: float) -> None:
        """Report the task's progress, 0 to 100; at most one event a second is published, and only on change."""
        self._percent = max(self._percent, min(100, int(percent)))
        if self._publishing is None and self._percent > self._published_percent:
            self._publishing = asyncio.create_task(self._publish_progress())

    async def close(self) -> None:
        """Stop publishing progress; nothing is published after it returns."""
        if self._publishing is not None:
            self._publishing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._publishing

    async def _publish_progress(self) -> None:
        try:
            await asyncio.sleep(max(0.0, self._published_at + PROGRESS_SECONDS - time.monotonic()))
            self._published_at, self._published_percent = time.monotonic(), self._percent
            await self.emit(
                StageProgress(
                    job=self._task.job,
                    stage=self._task.stage,
                    attempt=self.attempt,
                    percent=self._percent,
                    clip=self._task.clip,
                )
            )
        finally:
            self._publishing = None
