"""The news that a job has ended, before a task starts and while it runs.

For each job, the bucket `control` holds the last generation that has ended; workers skip the tasks of this generation
and of earlier ones. A reopened job goes on in the next generation, so nothing is cleared, and no late writer can end
the reopened job by mistake. A core NATS subscription receives each write at once; a write missed in an outage is read
at the next heartbeat.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from clipmill.contracts.identifiers import JobId
from clipmill.messaging.buckets import Bucket, Conflict
from nats.aio.subscription import Subscription

ENDED_FOR_GOOD = 2**31 - 1
"""Generation of a job that was cancelled or deleted: no later one will come."""

STILL_OPEN = -1
"""Value for a job whose first generation has not ended."""


class EndedJobs:
    """The generations of jobs whose tasks workers skip."""

    def __init__(self, bucket: Bucket[int]) -> None:
        self._bucket = bucket
        self._waiting: defaultdict[str, dict[asyncio.Event, int]] = defaultdict(dict)
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        """Subscribe to the ends of jobs."""
        self._subscription = await self._bucket.listen(self._heard)

    async def stop(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            await self._subscription.unsubscribe()

    async def end(self, job: JobId, generation: int, *, deadline: float | None = None) -> None:
        """Record that `generation` of `job` and those before it have ended; a recorded later end is not changed.

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
                continue  # somebody else was faster, or the answer was lost: read again
            return

    async def ended(self, job: JobId, generation: int, *, deadline: float | None = None) -> bool:
        """Return whether `generation` of `job` has ended, as the bucket's leader has it.

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
        """Return the revision of the job's entry, 0 if there is none, and the last generation that has ended."""
        entry = await self._bucket.get(job, deadline=deadline)
        ended = entry.value
        return entry.revision, STILL_OPEN if ended is None else ended

    def _heard(self, job: str, ended: int) -> None:
        for event, generation in self._waiting.get(job, {}).items():
            if ended >= generation:
                event.set()
