"""Knowing that a job has ended, before a task starts and while it runs.

The bucket `control` holds a key for every job that has ended. Its writes are ordinary publishes, so a core
subscription hears them at once; what it misses during an outage is read at the next heartbeat.
"""

import asyncio
from collections import defaultdict

from clipmill.contracts.identifiers import JobId
from clipmill.messaging.connection import insist
from clipmill.messaging.topology import CONTROL
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from nats.js.errors import KeyNotFoundError
from nats.js.kv import KeyValue

SUBJECT = f"$KV.{CONTROL.name}."


class EndedJobs:
    """The jobs for which nothing more is to be done."""

    def __init__(self, nc: Client, bucket: KeyValue) -> None:
        self._nc = nc
        self._bucket = bucket
        self._waiting: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._subscription: Subscription | None = None

    async def start(self) -> None:
        """Begin to listen."""
        self._subscription = await self._nc.subscribe(f"{SUBJECT}>", cb=self._heard)

    async def stop(self) -> None:
        """Listen no more."""
        if self._subscription is not None:
            await self._subscription.unsubscribe()

    async def ended(self, job: JobId) -> bool:
        """Whether `job` has ended, as the bucket's leader knows it."""
        try:
            await insist(lambda: self._bucket.get(job))
        except KeyNotFoundError:
            return False
        return True

    def watch(self, job: JobId) -> asyncio.Event:
        """Return an event that is set when `job` ends; give it back with `unwatch`."""
        event = asyncio.Event()
        self._waiting[job].add(event)
        return event

    def unwatch(self, job: JobId, event: asyncio.Event) -> None:
        """Forget an event that `watch` returned."""
        self._waiting[job].discard(event)
        if not self._waiting[job]:
            del self._waiting[job]

    async def _heard(self, message: Msg) -> None:
        job = message.subject.removeprefix(SUBJECT)
        if not message.data:  # a key that is deleted or expires says nothing about the job's end
            return
        for event in self._waiting.get(job, ()):
            event.set()
