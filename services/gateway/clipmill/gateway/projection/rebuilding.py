"""Making every job's document anew from the events, while projectors run: `python -m clipmill.gateway rebuild`.

The events are folded in memory from the first on and each document is compared to the byte with the bucket's. What is
right is left alone, what differs or is missing is written by compare-and-set.

The projector's lease is neither taken nor asked for. A write that is based on what was just read cannot overwrite what
anybody wrote meanwhile, so a projector and any number of rebuilds at once cost conflicts and never correctness; to stop
the projector for as long as a rebuild takes would stop every status. Two things are minded instead:

- A projector passes over events of a job that has no document. So after a document was written the events are read on,
  and the job is done only when the bucket was seen to hold what all events up to then give; from there the projector
  goes on with it.
- What lies behind the checkpoint, a projector may be about to write, with what has to happen before (a job's end is
  told, its tasks are purged). It is left to it for a while, and then done here in the same order.
"""

import asyncio
import time
from collections.abc import Sequence
from enum import Enum
from itertools import islice

import msgspec
import structlog
from clipmill.contracts import codec
from clipmill.contracts.events import Queued
from clipmill.contracts.identifiers import JobId
from clipmill.gateway.projection import fold
from clipmill.gateway.projection.document import JobDocument
from clipmill.gateway.projection.projector import JobsView
from clipmill.messaging.buckets import Bucket, Conflict, Entry, InvalidKey
from clipmill.messaging.job_streams import JobStreams
from clipmill.messaging.projection import Projector, StoredEvent, read_to_end
from msgspec import Struct, field

log = structlog.stdlib.get_logger()

STALLED_SECONDS = 6.0
"""A checkpoint that stands still for so long is moved by nobody: longer than another projector's takeover."""

PAUSE_SECONDS = 0.05
"""Between two looks at jobs that others are writing."""

JOBS_AT_ONCE = 32

ANSWER_SECONDS = 60.0
"""How long one request may go unanswered while the bucket is listed at the end."""


class Finding(Enum):
    """What was wrong with a document."""

    DIFFERENT = "different"
    MISSING = "missing"


class Report(Struct, frozen=True, kw_only=True):
    """What a rebuild found and did.

    Attributes:
        events: read.
        undecodable_events: of those, skipped since this version cannot decode them.
        jobs: that the events tell of.
        equal: documents that were right to the byte.
        different: jobs whose document was another, or could not be decoded.
        missing: jobs that had no document.
        mended: how many of `different` were written anew: all, or none where only a check was asked for.
        created: likewise of `missing`.
        without_events: keys of documents whose first event the stream does not have; they are left as they are.
        seconds: it took.
    """

    events: int
    undecodable_events: int
    jobs: int
    equal: int
    different: tuple[str, ...]
    missing: tuple[str, ...]
    rewritten: int = field(name="mended")
    created: int
    without_events: tuple[str, ...]
    seconds: float


class Rebuilding:
    """One rebuild.

    Args:
        streams: where events are read.
        documents: the bucket of job documents.
        projector: one that does not run; it knows the checkpoint.
        view: does what must have happened before a document says so.
        check: whether nothing is to be written.
    """

    def __init__(
        self,
        streams: JobStreams,
        documents: Bucket[JobDocument],
        projector: Projector[JobDocument],
        view: JobsView,
        *,
        check: bool = False,
    ) -> None:
        self._streams = streams
        self._documents = documents
        self._projector = projector
        self._view = view
        self._check = check
        self._open: dict[str, JobDocument] = {}
        self._done: set[str] = set()
        self._found: dict[str, Finding] = {}
        self._position = 0
        self._events = 0
        self._undecodable = 0
        self._checkpoint = 0
        self._moved = 0.0

    async def run(self) -> Report:
        """Compare and mend until each job that the events tell of was seen to be right."""
        begun = time.monotonic()
        while True:
            await self._ask_checkpoint()
            await self._read()
            await self._compare_all()
            if not self._open:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        strays = await self._without_events()
        different, missing = (self._found_to_be(finding) for finding in Finding)
        return Report(
            events=self._events,
            undecodable_events=self._undecodable,
            jobs=len(self._done),
            equal=len(self._done) - len(self._found),
            different=different,
            missing=missing,
            rewritten=0 if self._check else len(different),
            created=0 if self._check else len(missing),
            without_events=strays,
            seconds=round(time.monotonic() - begun, 3),
        )

    async def _ask_checkpoint(self) -> None:
        position = await self._projector.checkpoint()
        if position != self._checkpoint or not self._moved:
            self._checkpoint, self._moved = position, time.monotonic()

    async def _read(self) -> None:
        """Fold what was not read yet, up to the end of the stream."""
        async for batch in read_to_end(self._streams.nc, self._position):
            self._fold(batch)
            self._position = batch[-1].sequence

    def _fold(self, batch: Sequence[StoredEvent]) -> None:
        self._events += len(batch)
        for stored in batch:
            if stored.job in self._done:
                continue
            try:
                event = codec.decode_event(stored.data)
            except msgspec.DecodeError:
                self._undecodable += 1
                continue
            document = self._open.get(stored.job)
            if document is not None:
                fold.fold(document, stored.sequence, event)
            elif (begun := fold.begin(stored.sequence, event)) is not None:
                self._open[stored.job] = begun

    async def _compare_all(self) -> None:
        jobs = iter(list(self._open))
        while some := list(islice(jobs, JOBS_AT_ONCE)):
            async with asyncio.TaskGroup() as comparing:
                for job in some:
                    comparing.create_task(self._compare(job))

    async def _compare(self, job: str) -> None:
        """Compare a job's document with the bucket's, and mend that; a job that is done is no longer held."""
        document = self._open[job]
        try:
            entry = await self._documents.get(job)
        except InvalidKey:  # an event under a subject that cannot be a job's: no projector makes a document of it
            del self._open[job]
            return
        if entry.data == self._documents.encode(document):
            self._close(job)
            return
        if await self._may_become_right(document, entry):
            return
        if entry.data is None and not await self._rebuildable(job):
            del self._open[job]  # it was deleted meanwhile, events first
            return
        finding = Finding.MISSING if entry.data is None else Finding.DIFFERENT
        if self._check:
            self._found[job] = finding
            self._close(job)
        elif await self._write(job, document, entry.revision):
            self._found.setdefault(job, finding)
            log.debug("document_written", job=job, finding=finding.value, sequence=document.sequence)

    async def _may_become_right(self, document: JobDocument, entry: Entry[JobDocument]) -> bool:
        """Whether the document is ahead of what was read, or behind it because the projector is still to write it."""
        sequence = _sequence(entry)
        if sequence is None:
            return False  # no projector gets past what it cannot decode
        if sequence > self._position:
            _, last = await self._streams.events_end()
            return sequence <= last
        stalled = time.monotonic() - self._moved > STALLED_SECONDS
        return sequence < document.sequence and document.sequence > self._checkpoint and not stalled

    async def _write(self, job: str, document: JobDocument, revision: int) -> bool:
        """Write `document` in place of `revision`; returns False if somebody else has written meanwhile."""
        if document.sequence > self._checkpoint:
            await self._view.before_write(document)
        try:
            await self._documents.update(job, document, revision)
        except Conflict:
            return False
        return True

    async def _rebuildable(self, job: str) -> bool:
        """Whether the stream still has the event that a job begins with."""
        return await self._streams.last_event(JobId(job), Queued) is not None

    def _close(self, job: str) -> None:
        del self._open[job]
        self._done.add(job)

    async def _without_events(self) -> tuple[str, ...]:
        """Return the keys of documents that no event begins."""
        reader = self._documents.within(ANSWER_SECONDS).reader()
        await reader.refresh()
        keys = [change.key async for change in reader.changes() if not change.entry.deleted]
        return tuple(sorted([key for key in keys if key not in self._done and not await self._rebuildable(key)]))

    def _found_to_be(self, finding: Finding) -> tuple[str, ...]:
        return tuple(sorted(job for job, found in self._found.items() if found is finding))


def _sequence(entry: Entry[JobDocument]) -> int | None:
    """Return how far the document of `entry` was folded, 0 if there is none, None if nobody can decode it."""
    try:
        document = entry.value
    except msgspec.DecodeError:
        return None
    return 0 if document is None else document.sequence
