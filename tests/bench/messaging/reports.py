"""The reports of worker processes, one as each task begins and one as it ends."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from nats.aio.client import Client
from nats.aio.msg import Msg


@dataclass(frozen=True)
class Report:
    """The beginning or the end of a task.

    Attributes:
        process: Id of the worker's process.
        job: Id of the task's job.
        at: Time of the machine's monotonic clock, in seconds.
    """

    process: int
    job: str
    at: float


@dataclass
class Reports:
    """All reports so far, in the order of their arrival."""

    began: list[Report] = field(default_factory=list)
    ended: list[Report] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, enough: Callable[["Reports"], bool], patience: float) -> None:
        """Wait until there are `enough` reports.

        Raises:
            TimeoutError: After `patience` seconds.
        """
        async with asyncio.timeout(patience):
            while not enough(self):
                self._news.clear()
                await self._news.wait()

    async def hear(self, message: Msg) -> None:
        """Add the report in a message of a worker process."""
        _, what, process, *_ = message.subject.split(".")
        job, at = message.data.decode().split()
        (self.began if what == "began" else self.ended).append(Report(int(process), job, float(at)))
        self._news.set()


@asynccontextmanager
async def listening(nc: Client) -> AsyncIterator[Reports]:
    """Yield reports that fill while the context lasts."""
    reports = Reports()
    subscription = await nc.subscribe("bench.>", cb=reports.hear)
    await nc.flush()
    try:
        yield reports
    finally:
        await subscription.unsubscribe()
