"""Folding a stream of events into documents of a bucket, in stream order, from a checkpoint.

Reading is stateless: it fetches batches after a position by direct get, whenever a core NATS subscription (the
doorbell) announces an event. So recovery is only a repeated request. Every document remembers how far it was folded and
is written by compare-and-set: two projectors at a time, a replay or a lost answer cause conflicts, but never a wrong
document. The checkpoint moves after the batch's documents are written.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import nats.errors
import structlog
from clipmill.contracts import subjects
from clipmill.messaging.buckets import Bucket, Conflict, Entry, InvalidKey, TooLarge
from clipmill.messaging.connection import retry_until
from clipmill.messaging.job_streams import JobStreams, direct_get_subject
from clipmill.messaging.topology import EVENTS
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.errors import NotFoundError, ServiceUnavailableError
from prometheus_client import Counter, Gauge

log = structlog.stdlib.get_logger()

LAG = Gauge(
    "clipmill_projection_lag_events",
    "Events stored and not yet folded at the last read; 0 while another process is the projector.",
)
ACTIVE = Gauge("clipmill_projection_active", "Projectors that are active in this process: 0 or 1.")
MISPLACED = Counter("clipmill_events_misplaced_total", "Events skipped because their subject names no possible job.")
OVERSIZED = Counter(
    "clipmill_events_oversized_total", "Events skipped because they would make their document too large to store."
)

BATCH = 256
IDLE_SECONDS = 1.0
FIRST_PAUSE = 0.001
"""Pause before the first repeated request, in seconds, doubled before each later one. Requests are repeated because the
doorbell rings before the event is stored."""

UNREACHABLE_PAUSE = 0.1
ANSWER_SECONDS = 1.0
CACHE_LIMIT = 2000

PATIENCE_SECONDS = 15.0
"""Time for which the stream may seem to end before the checkpoint, because a new leader has not caught up yet."""

PATIENCE_PAUSE = 0.2
END_OF_BATCH = "204"
NOTHING_THERE = "404"

D = TypeVar("D")


@dataclass(frozen=True)
class StoredEvent:
    """An event as the stream holds it."""

    sequence: int
    subject: str
    data: bytes

    @property
    def job(self) -> str:
        """Job of the event, from its subject."""
        return self.subject.split(".")[2]


class View(Protocol[D]):
    """The documents into which a projector folds events."""

    def begin(self, event: StoredEvent) -> D | None:
        """Return a new document if `event` begins one, None if its document does not exist."""

    def fold(self, document: D, event: StoredEvent) -> bool:
        """Apply `event` and return whether the document changed; events that it has seen change nothing."""

    async def before_write(self, document: D) -> None:
        """Do what must happen before the document is written; may run more than once."""

    def written(self, document: D, events: Sequence[StoredEvent]) -> None:
        """Note that `document` was written with `events` applied; called once for each write."""


async def read_events(
    nc: Client, position: int, *, stream: str = EVENTS, subject: str = subjects.ALL_EVENTS
) -> AsyncGenerator[list[StoredEvent], None]:
    """Yield batches of events in stream order, beginning after `position`, forever."""
    async with contextlib.aclosing(_read(nc, position, stream, subject)) as batches:
        async for batch in batches:
            if batch.events:
                yield batch.events


async def read_to_end(streams: JobStreams, position: int) -> AsyncGenerator[list[StoredEvent], None]:
    """Yield batches of events in stream order, beginning after `position`, up to the leader's last event.

    Raises:
        Transient: `unavailable`, if NATS is away for longer than `streams` wait.
        nats.errors.Error: if the stream does not exist, or not any more.
    """
    async with contextlib.aclosing(_read(streams.nc, position, EVENTS, subjects.ALL_EVENTS)) as batches:
        async for batch in batches:
            if batch.events:
                position = batch.events[-1].sequence
                yield batch.events
            if not batch.answered:
                await streams.events_end()  # a stream that is gone never answers
            if batch.answered and not batch.left and not await streams.event_after(position):
                return  # otherwise the replica that answered is behind


@dataclass(frozen=True)
class _Batch:
    """The answer to one request: the first events after the position, or those that came before it was cut off.

    Attributes:
        events: Consecutive events without a gap.
        answered: True if the answer is complete; otherwise the server is away, or a part of the answer was lost.
        left: Number of events after these.
    """

    events: list[StoredEvent]
    answered: bool
    left: int


async def _read(nc: Client, position: int, stream: str, subject: str) -> AsyncGenerator[_Batch, None]:
    """Yield every answer to a request for the events after `position`, also empty answers and those cut off."""
    reader = _Reader(nc, stream, subject)
    await reader.start()
    try:
        pause = IDLE_SECONDS
        while True:
            if reader.bell.is_set():
                reader.bell.clear()
                pause = FIRST_PAUSE
            batch = await reader.ask(position)
            if batch.events:  # an event that rang may not be stored yet, or not on the replica that answered
                position, pause = batch.events[-1].sequence, FIRST_PAUSE
            yield batch
            if not batch.answered:
                await asyncio.sleep(UNREACHABLE_PAUSE)
            elif not batch.left:
                try:
                    async with asyncio.timeout(pause):
                        await reader.bell.wait()
                except TimeoutError:
                    pause = min(pause * 2, IDLE_SECONDS)
    finally:
        await reader.stop()


class _Reader:
    """Direct-get requests, and the doorbell that starts the next one."""

    def __init__(self, nc: Client, stream: str, subject: str) -> None:
        self.bell = asyncio.Event()
        self._nc = nc
        self._stream = stream
        self._subject = subject
        self._inbox = nc.new_inbox()
        self._answers: asyncio.Queue[Msg] = asyncio.Queue()
        self._requests = 0
        self._stack = contextlib.AsyncExitStack()

    async def start(self) -> None:
        for subject, callback in ((f"{self._inbox}.*", self._answered), (self._subject, self._rang)):
            subscription = await self._nc.subscribe(subject, cb=callback)
            self._stack.push_async_callback(subscription.unsubscribe)

    async def stop(self) -> None:
        with contextlib.suppress(nats.errors.Error):
            await self._stack.aclose()

    async def ask(self, position: int) -> _Batch:
        """Return the events after `position`.

        Each message names the one before it. A message may be lost when the connection moves to another server in the
        middle of an answer; the gap is noticed.
        """
        self._requests += 1
        reply = f"{self._inbox}.{self._requests}"
        request = {"seq": position + 1, "batch": BATCH, "next_by_subj": self._subject}
        events: list[StoredEvent] = []
        left = 0
        try:
            await self._nc.publish(direct_get_subject(self._stream), json.dumps(request).encode(), reply=reply)
            async with asyncio.timeout(ANSWER_SECONDS):
                while True:
                    message = await self._answers.get()
                    if message.subject != reply:
                        continue  # answers a request that was given up
                    headers = message.headers or {}
                    status = headers.get("Status")
                    if status == NOTHING_THERE:
                        return _Batch(events, not events, 0)
                    if status not in (None, END_OF_BATCH):
                        return _Batch(events, answered=False, left=left)
                    if int(headers["Nats-Last-Sequence"]) != (events[-1].sequence if events else 0):
                        return _Batch(events, answered=False, left=left)
                    left = int(headers["Nats-Num-Pending"])
                    if status:
                        return _Batch(events, answered=True, left=left)
                    events.append(StoredEvent(int(headers["Nats-Sequence"]), headers["Nats-Subject"], message.data))
        except (TimeoutError, nats.errors.Error):
            return _Batch(events, answered=False, left=left)

    async def _answered(self, message: Msg) -> None:
        self._answers.put_nowait(message)

    async def _rang(self, _message: Msg) -> None:
        self.bell.set()


class Projector(Generic[D]):
    """Folds the EVENTS stream into a bucket.

    Args:
        streams: Streams from which events are read.
        documents: Bucket that is written.
        checkpoints: Bucket that remembers how far the stream was folded.
        view: Rules by which events become documents.
    """

    def __init__(self, streams: JobStreams, documents: Bucket[D], checkpoints: Bucket[int], view: View[D]) -> None:
        self._streams = streams
        self._documents = documents
        self._checkpoints = checkpoints
        self._view = view
        self._cache: dict[str, Entry[D]] = {}
        self._folded = 0

    @property
    def folded(self) -> int:
        """Sequence up to which every event is in its document, 0 until it is known."""
        return self._folded

    async def run(self) -> None:
        """Fold until cancelled.

        Raises:
            RuntimeError: if the stream ends before the checkpoint, because the stream lost its tail and must be
                restored or created again. Also if the stream was re-created while it was read; the next run starts at
                the beginning of the new stream.
        """
        self._cache.clear()
        try:
            with ACTIVE.track_inprogress():
                await self._run()
        finally:
            LAG.set(0)

    async def checkpoint(self) -> int:
        """Return the sequence up to which a projector has folded every event, 0 if there was no projector."""
        key, _ = await self._stream_identity()
        _, position = await self._checkpoint(key)
        return position

    async def _run(self) -> None:
        key, last = await retry_until(self._present_stream)
        revision, position = await self._checkpoint(key)
        if position > last:
            await self._stream_reaches(key, position)
        self._folded = position
        away = False
        async with contextlib.aclosing(_read(self._streams.nc, position, EVENTS, subjects.ALL_EVENTS)) as batches:
            async for batch in batches:
                if batch.events:
                    LAG.set(len(batch.events) + batch.left)
                    await self._fold_batch(batch.events)
                    position = batch.events[-1].sequence
                    self._folded = position
                    revision = await self._advance(key, position, revision)
                if batch.events or batch.answered:
                    LAG.set(batch.left)
                if batch.answered and away:
                    await self._stream_reaches(key, position)
                away = not batch.answered

    async def _fold_batch(self, batch: Sequence[StoredEvent]) -> None:
        by_job: dict[str, list[StoredEvent]] = {}
        for event in batch:
            by_job.setdefault(event.job, []).append(event)
        async with asyncio.TaskGroup() as folding:
            for job, events in by_job.items():
                folding.create_task(self._fold_job(job, events))
        while len(self._cache) > CACHE_LIMIT:
            self._cache.pop(next(iter(self._cache)))

    async def _fold_job(self, job: str, events: Sequence[StoredEvent]) -> None:
        while True:
            entry = await self._entry(job)
            if entry is None:
                return
            document = entry.value
            applied: list[StoredEvent] = []
            for event in events:
                if document is None:
                    document = self._view.begin(event)
                    if document is not None:
                        applied.append(event)
                elif self._view.fold(document, event):
                    applied.append(event)
            if document is None or not applied:
                return
            await self._view.before_write(document)
            try:
                self._cache[job] = await self._documents.update(job, document, entry.revision)
            except Conflict:
                self._cache.pop(job, None)  # another was faster, or the answer was lost: fold again
                continue
            except TooLarge as reason:
                if len(events) > 1:  # those that fit are folded
                    for event in events:
                        await self._fold_job(job, [event])
                    return
                OVERSIZED.inc()
                log.warning("event_skipped", job=job, sequence=events[0].sequence, reason=str(reason))
                return
            self._view.written(document, applied)
            return

    async def _entry(self, job: str) -> Entry[D] | None:
        """Return the entry of `job`'s document, None if it was deleted, because nothing may bring it back."""
        if job in self._cache:
            return self._cache[job]
        try:
            entry = await self._documents.get(job)
        except InvalidKey:
            MISPLACED.inc()
            log.warning("event_misplaced", job=job)
            return None
        if entry.deleted:
            return None
        if entry.data is not None:
            self._cache[job] = entry
        return entry

    async def _stream_identity(self) -> tuple[str, int]:
        """Return the checkpoint's key, which changes when the stream is re-created, and the last sequence."""
        created, last = await self._streams.events_end()
        return f"events_{int(created.timestamp()) if created else 0}", last

    async def _present_stream(self) -> tuple[str, int]:
        """Return the `_stream_identity`; a missing stream is an outage, which ends when the stream is created."""
        try:
            return await self._stream_identity()
        except NotFoundError as missing:
            raise ServiceUnavailableError(missing.code, missing.description, missing.err_code) from missing

    async def _stream_reaches(self, key: str, position: int) -> None:
        """Wait until the stream `key` reaches `position`.

        Raises:
            RuntimeError: if it does not within `PATIENCE_SECONDS`, or if it is another stream by now.
        """
        until = time.monotonic() + PATIENCE_SECONDS
        while True:
            present, last = await retry_until(self._present_stream)
            if present != key:
                raise RuntimeError("The EVENTS stream was re-created while it was read.")
            if position <= last:
                return
            if time.monotonic() > until:
                sentence = (
                    f"The EVENTS stream ends at {last}, before the checkpoint {position}; restore the stream, or "
                    "create it again."
                )
                raise RuntimeError(sentence)
            await asyncio.sleep(PATIENCE_PAUSE)

    async def _checkpoint(self, key: str) -> tuple[int, int]:
        """Return revision and value of the checkpoint, each 0 if there is none."""
        entry = await self._checkpoints.get(key)
        return entry.revision, entry.value or 0

    async def _advance(self, key: str, position: int, revision: int) -> int:
        while True:
            try:
                return (await self._checkpoints.update(key, position, revision)).revision
            except Conflict:
                revision, other = await self._checkpoint(key)
                if other >= position:
                    return revision
