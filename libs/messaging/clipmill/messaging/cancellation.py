"""Knowing that a job has ended, before a task starts and while it runs.

The bucket `control` tells which generation of a job has ended: its tasks, and those of generations before it, are not
to be done. A job that is reopened goes on in the next generation, so nothing need be cleared and no late writer can end
it by mistake. Writes of the bucket are ordinary publishes: a core subscription hears them at once, and what it misses
during an outage is read at the next heartbeat.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from clipmill.contracts.identifiers import JobId
from clipmill.messaging.buckets import Bucket, Conflict
from nats.aio.subscription import Subscription

ENDED_FOR_GOOD = 2**31 - 1
"""The generation of a job that was cancelled or deleted: no later one will come."""

STILL_OPEN = -1
"""Of a job whose first generation has not ended."""


class EndedJobs:
    """The jobs, by generation, for which nothing more is to be done."""

    def __init__(self, bucket: Bucket[int]) -> None:
        self._bucket = bucket
        self._waiting: defaultdict[str, dict[asyncio.Event, int]] = defaultdict(dict)
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._subscription = await self._bucket.listen(self._heard)

    async def stop(self) -> None:
        """Listen no more."""
        if self._subscription is not None:
            await self._subscription.unsubscribe()

    async def end(self, job: JobId, generation: int, *, deadline: float | None = None) -> None:
        """Say that `generation` of `job`, and those before it, have ended; never takes back a later end.

        Raises:
            Transient: `unavailable`, after the deadline (`time.monotonic()`).
        """
        while True:
            revision, ended = await self._read(job, deadline)
            if ended >= generation:
                return
            try:
                await self._bucket.update(job, generation, revision, deadline=deadline)
            except Conflict:
                continue  # somebody else was faster, or our own answer was lost: look again
            return

    async def ended(self, job: JobId, generation: int, *, deadline: float | None = None) -> bool:
        """Whether `generation` of `job` has ended, as the bucket's leader knows it.

        Raises:
            Transient: `unavailable`, after the deadline (`time.monotonic()`).
        """
        _, ended = await self._read(job, deadline)
        return ended >= generation

    @contextmanager
    def watch(self, job: JobId, generation: int) -> Iterator[asyncio.Event]:
        """Yield an event that is set when `generation` of `job` ends."""
        event = asyncio.Event()
        self._waiting[job][event] = generation
        try:
            yield event
        finally:
            del self._waiting[job][event]
            if not self._waiting[job]:
                del self._waiting[job]

    async def _read(self, job: JobId, deadline: float | None) -> tuple[int, int]:
        """Return the revision of the job's entry, 0 if there is none, and the generation that has ended."""
        entry = await self._bucket.get(job, deadline=deadline)
        ended = entry.value
        return entry.revision, STILL_OPEN if ended is None else ended

    def _heard(self, job: str, ended: int) -> None:
        for event, generation in self._waiting.get(job, {}).items():
            if ended >= generation:
                event.set()
