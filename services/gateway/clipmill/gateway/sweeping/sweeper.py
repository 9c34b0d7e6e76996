"""The rounds of the sweeper: from time to time, one gateway cleans up what no event will."""

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
"""The longest duration of a sweep, in seconds; then it is interrupted, and the next one continues its work."""

READING = "reading"


class Sweep(Protocol):
    """A sweep: it cleans up one kind of leftovers."""

    @property
    def name(self) -> str:
        """Return the name of the sweep in metrics and logs."""

    async def run(self) -> None:
        """Find the leftovers and clean them up. It may be interrupted at any point.

        Raises:
            Failure: The sweep cannot go on; it is run again later.
        """


class Sweeper:
    """Runs sweeps one after another, forever.

    Args:
        index: Index of all jobs; it is refreshed before each round.
        sweeps: Sweeps of a round.
        every: Pause between two rounds, in seconds.
    """

    def __init__(self, index: JobIndex, sweeps: Sequence[Sweep], *, every: float) -> None:
        self._index = index
        self._sweeps = sweeps
        self._every = every
        for name in (READING, *(sweep.name for sweep in sweeps)):
            for outcome in ("finished", "failed"):
                SWEEPS.labels(name, outcome)

    async def run(self) -> None:
        """Sweep until cancelled; a sweep that fails is logged and tried again in the next round."""
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
        """Do `work` and return whether it succeeded."""
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
