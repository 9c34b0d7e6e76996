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
from functools import partial

from clipmill.contracts.identifiers import JobId
from clipmill.messaging.connection import insist
from clipmill.messaging.topology import CONTROL
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import KeyNotFoundError, KeyWrongLastSequenceError
from nats.js.kv import KeyValue

SUBJECT = f"$KV.{CONTROL.name}."

ENDED_FOR_GOOD = 2**31 - 1
"""The generation of a job that was cancelled or deleted: no later one will come."""

STILL_OPEN = -1
"""Of a job whose first generation has not ended."""


class EndedJobs:
    """The jobs, by generation, for which nothing more is to be done."""

    def __init__(self, nc: Client, bucket: KeyValue) -> None:
        self._nc = nc
        self._bucket = bucket
        self._waiting: defaultdict[str, dict[asyncio.Event, int]] = defaultdict(dict)
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._subscription = await self._nc.subscribe(f"{SUBJECT}>", cb=self._heard)

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
            write = partial(self._bucket.update, job, str(generation).encode(), last=revision)
            try:
                await insist(write, deadline=deadline)
            except KeyWrongLastSequenceError:
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
        try:
            entry = await insist(lambda: self._bucket.get(job), deadline=deadline)
        except KeyNotFoundError as missing:
            return (missing.entry.revision or 0 if missing.entry else 0), STILL_OPEN
        return entry.revision or 0, int(entry.value or STILL_OPEN)

    async def _heard(self, message: Msg) -> None:
        job = message.subject.removeprefix(SUBJECT)
        if not message.data:  # a key that is deleted or expires says nothing about the job's end
            return
        for event, generation in self._waiting.get(job, {}).items():
            if int(message.data) >= generation:
                event.set()
