"""Tidying up: what no event will ever end, one gateway looks for again and again."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import structlog
from clipmill.contracts.failures import Failure
from clipmill.gateway.projection.index import JobIndex
from clipmill.messaging.connection import NatsError
from prometheus_client import Counter

log = structlog.stdlib.get_logger()

SWEEPS = Counter("clipmill_sweeps_total", "Sweeps run, by sweep and outcome.", ["sweep", "outcome"])

SWEEP_SECONDS_LIMIT = 300.0
"""A sweep that takes longer is broken off; what it did stays done, and the next one goes on from there."""

READING = "reading"


class Sweep(Protocol):
    """One kind of untidiness."""

    @property
    def name(self) -> str:
        """What metrics and logs call it."""

    async def run(self) -> None:
        """Look for it among the jobs of the index, and mend it; may be broken off anywhere.

        Raises:
            Failure: what keeps it from going on; it is run again later.
        """


class Sweeper:
    """Runs sweeps one after another, for ever.

    Args:
        index: of all jobs; it is brought up to date before they run.
        sweeps: what to look for.
        every: seconds from the end of one round to the beginning of the next.
    """

    def __init__(self, index: JobIndex, sweeps: Sequence[Sweep], *, every: float) -> None:
        self._index = index
        self._sweeps = sweeps
        self._every = every
        for name in (READING, *(sweep.name for sweep in sweeps)):
            for outcome in ("finished", "failed"):
                SWEEPS.labels(name, outcome)

    async def run(self) -> None:
        """Sweep until cancelled: a sweep that fails is told and tried again."""
        while True:
            await self.sweep()
            await asyncio.sleep(self._every)

    async def sweep(self) -> None:
        """Run every sweep once."""
        if not await self._attempt(READING, self._index.refresh):
            return
        for sweep in self._sweeps:
            await self._attempt(sweep.name, sweep.run)

    async def _attempt(self, name: str, work: Callable[[], Awaitable[None]]) -> bool:
        """Do `work`, and say whether that went well."""
        try:
            async with asyncio.timeout(SWEEP_SECONDS_LIMIT):
                await work()
        except (Failure, TimeoutError, NatsError) as reason:
            log.warning("sweep_failed", sweep=name, reason=str(reason) or type(reason).__name__)
        except Exception:
            log.exception("sweep_broken", sweep=name)
        else:
            SWEEPS.labels(name, "finished").inc()
            return True
        SWEEPS.labels(name, "failed").inc()
        return False
