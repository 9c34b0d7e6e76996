"""What the tasks of worker processes tell as they begin and end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from nats.aio.client import Client
from nats.aio.msg import Msg


@dataclass(frozen=True)
class Report:
    """One task's beginning or end.

    Attributes:
        process: the worker's process id.
        job: the task's.
        at: `time.monotonic()` of the machine, seconds.
    """

    process: int
    job: str
    at: float


@dataclass
class Reports:
    """All that was told so far, in the order in which it was heard."""

    began: list[Report] = field(default_factory=list)
    ended: list[Report] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def until(self, enough: Callable[["Reports"], bool], patience: float) -> None:
        """Wait until `enough` is told.

        Raises:
            TimeoutError: after `patience` seconds.
        """
        async with asyncio.timeout(patience):
            while not enough(self):
                self._news.clear()
                await self._news.wait()

    async def hear(self, message: Msg) -> None:
        """Take in one message of a worker process."""
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
