"""Waiting for changes of jobs: one subscription wakes all who wait, and one read answers all who wait for a job.

The doorbell of the bucket rings for every write, before the write is stored, and names the revision that is replaced.
A job that somebody follows is then read until a later revision shows, which takes one reading as a rule. What the
doorbell misses in an outage, a slow reading finds.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TypeVar

import structlog
from aiohttp import web
from clipmill.contracts.failures import ErrorCode, Failure, Transient
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.projection.document import JobDocument
from clipmill.messaging.buckets import Bucket, Entry
from clipmill.messaging.connection import NatsError

log = structlog.stdlib.get_logger()

T = TypeVar("T")

READING_SECONDS = 10.0
"""Time between two readings of a followed job while no bell rings. A thousand followed jobs cost a hundred reads a
second, of the 8,000 a second that a gateway can do. At each one, those whose client has left notice it."""

SETTLING_SECONDS = 1.0
"""Time after a ring for which the write may not be stored yet; a write that does not show by then was refused."""

FIRST_PAUSE = 0.001
LAST_PAUSE = 0.1
"""The pauses between two readings after a ring, in seconds, doubling from the first to the last."""

LINGERING_SECONDS = 5.0
"""Time for which a job is followed after the last who waited has left. All who waited for a change leave together, and
ask again within moments."""

Read = Callable[[JobId], Awaitable[Entry[JobDocument]]]


class FollowedJob:
    """A job whose changes somebody waits for.

    Args:
        job: Id of the job.
        read: Function that reads the entry of a job; no later call returns an older entry.

    Attributes:
        entry: Newest entry that was read, None before the first reading.
        failure: Failure of the last reading, None if it succeeded.
        stopping: True once the gateway stops; nobody should wait any longer.
        followers: Number of those who follow the job.
    """

    def __init__(self, job: JobId, read: Read) -> None:
        self.entry: Entry[JobDocument] | None = None
        self.failure: Failure | None = None
        self.stopping = False
        self.followers = 0
        self._job = job
        self._read = read
        self._due = -1
        self._bell = asyncio.Event()
        self._woken = asyncio.Event()
        self._shown: tuple[Entry[JobDocument], object] | None = None

    async def refresh(self) -> Entry[JobDocument]:
        """Read the job now, and return its newest entry.

        Raises:
            Transient: `unavailable`, NATS did not answer in time.
        """
        self._take(await self._read(self._job))
        assert self.entry is not None  # noqa: S101 - it was just taken
        return self.entry

    async def change(self, revision: int, seconds: float, request: web.Request) -> None:
        """Wait until the entry has another revision than `revision`, for at most `seconds`.

        The wait ends early if the gateway stops, or if the client of `request` has left.
        """
        try:
            async with asyncio.timeout(seconds):
                while not (self.stopping or gone(request) or self.revision != revision):
                    await self._woken.wait()
        except TimeoutError:
            pass

    @property
    def revision(self) -> int:
        """Revision of the entry, -1 before the first reading."""
        return -1 if self.entry is None else self.entry.revision

    def shown(self, make: Callable[[JobId, Entry[JobDocument]], T]) -> T:
        """Return what `make` makes of the job and its entry; it is called once for each entry, whoever asks."""
        assert self.entry is not None  # noqa: S101 - callers read it first
        if self._shown is None or self._shown[0] is not self.entry:
            self._shown = self.entry, make(self._job, self.entry)
        return self._shown[1]  # type: ignore[return-value]  # all callers give the same function

    def ring(self, over: int) -> None:
        """Note that the job is being written over the revision `over`, -1 if that is unknown."""
        self._due = max(self._due, over if over >= 0 else self.revision)
        self._bell.set()

    def stop(self) -> None:
        """Let nobody wait any longer."""
        self.stopping = True
        self._wake()

    async def run(self) -> None:
        """Read the job after each ring and from time to time, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(READING_SECONDS):
                    await self._bell.wait()
            except TimeoutError:
                await self._catch_up(settling=0.0)
                self._wake()
            self._bell.clear()
            if self._behind():
                await self._catch_up()

    def _behind(self) -> bool:
        """Return whether the bell has rung for a write that the entry does not show."""
        return self.entry is not None and self.entry.revision <= self._due

    async def _catch_up(self, settling: float = SETTLING_SECONDS) -> None:
        """Read once with success, and again for `settling` seconds while the entry is behind."""
        settled, pause = time.monotonic() + settling, FIRST_PAUSE
        while True:
            try:
                self._take(await self._read(self._job))
            except Failure as failure:
                self.failure = failure
            except NatsError as reason:  # such as a bucket that is being created again
                log.warning("job_not_read", job=self._job, reason=str(reason) or type(reason).__name__)
                self.failure = Transient(ErrorCode.UNAVAILABLE, "The message server does not answer; try again later.")
                await asyncio.sleep(SETTLING_SECONDS)
            else:
                if not self._behind():
                    return
                if time.monotonic() >= settled:
                    self._due = -1  # the write was refused
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, LAST_PAUSE)

    def _take(self, entry: Entry[JobDocument]) -> None:
        self.failure = None
        if self.entry is None or self.entry.revision != entry.revision:
            self.entry = entry
            self._wake()

    def _wake(self) -> None:
        self._woken.set()
        self._woken = asyncio.Event()
        if self.stopping:
            self._woken.set()


class JobWatch:
    """The jobs that somebody follows.

    Args:
        documents: Bucket of job documents.
        read: Function that reads the entry of a job; simultaneous calls share one request.
    """

    def __init__(self, documents: Bucket[JobDocument], read: Read) -> None:
        self._documents = documents
        self._read = read
        self._followed: dict[JobId, FollowedJob] = {}
        self._running: dict[JobId, asyncio.Task[None]] = {}
        self._stopping = False

    def serve(self, app: web.Application) -> None:
        """Listen to the doorbell while `app` runs, and end all waits when it stops."""

        async def listening(_app: web.Application) -> None:
            self._subscription = await self._documents.doorbell(self._rang)

        async def ending(_app: web.Application) -> None:
            self._stopping = True
            for followed in self._followed.values():
                followed.stop()

        async def ended(_app: web.Application) -> None:
            for job in list(self._running):
                self._drop(job)
            with suppress(NatsError):  # the connection may be closed already
                await self._subscription.unsubscribe()

        app.on_startup.append(listening)
        app.on_shutdown.append(ending)
        app.on_cleanup.append(ended)

    @contextmanager
    def follow(self, job: JobId) -> Iterator[FollowedJob]:
        """Yield the followed job; from the start of the context, no change of it is missed."""
        followed = self._followed.get(job)
        if followed is None:
            followed = self._followed[job] = FollowedJob(job, self._read)
            followed.stopping = self._stopping
            self._running[job] = asyncio.create_task(followed.run())
        followed.followers += 1
        try:
            yield followed
        finally:
            followed.followers -= 1
            if not followed.followers:
                asyncio.get_running_loop().call_later(LINGERING_SECONDS, self._left, job, followed)

    def _left(self, job: JobId, followed: FollowedJob) -> None:
        if self._followed.get(job) is followed and not followed.followers:
            self._drop(job)

    def _drop(self, job: JobId) -> None:
        self._running.pop(job).cancel()
        del self._followed[job]

    def _rang(self, job: str, over: int) -> None:
        followed = self._followed.get(JobId(job))
        if followed is not None:
            followed.ring(over)


def gone(request: web.Request) -> bool:
    """Return whether the client of `request` has closed its connection."""
    return request.transport is None or request.transport.is_closing()
