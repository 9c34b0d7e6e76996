"""The rebuild of all job documents from the events, while projectors run: `python -m clipmill.gateway rebuild`.

The rebuild folds all events in memory and compares each document with the bucket's, byte by byte. A correct document
stays as it is; a different or missing one is written by compare-and-set.

The rebuild does not take the projector's lease: without a projector, no status would change until the rebuild ends. A
write by compare-and-set never overwrites a newer document. Projectors and several rebuilds at a time therefore cause
conflicts, but no errors. Two rules make this safe:

- A projector skips the events of a job that has no document. So the rebuild reads on after it has written a document.
  The job is done only when the bucket holds the fold of all events up to then; from there, the projector continues.
- Events after the checkpoint may be in the hands of a projector, which ends a job and purges its tasks before it writes
  the document. The rebuild waits for the projector for a while, and then does these steps itself, in this order.
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
"""The time after which a checkpoint that does not move has no projector; a takeover takes less."""

PAUSE_SECONDS = 0.05
"""The pause between two comparisons of jobs that others are writing, in seconds."""

JOBS_AT_ONCE = 32

ANSWER_SECONDS = 60.0
"""The longest wait for an answer of NATS, in seconds: long enough for a restart."""


class Finding(Enum):
    """A fault of a document."""

    DIFFERENT = "different"
    MISSING = "missing"
    TOO_LARGE = "too large"


class Report(Struct, frozen=True, kw_only=True):
    """The result of a rebuild.

    Attributes:
        events: Number of events read.
        undecodable_events: Number of events skipped because this version cannot decode them.
        jobs: Number of jobs in the stream.
        equal: Number of documents that were correct to the byte.
        different: Ids of jobs whose document differed or could not be decoded.
        missing: Ids of jobs that had no document.
        too_large: Ids of jobs whose events make a document that is too large to store; it is left as it is.
        rewritten: Number of documents in `different` that were written again: all, or none in a check.
        created: Number of documents in `missing` that were written: all, or none in a check.
        without_events: Keys of documents whose first event is not in the stream; they are left as they are.
        seconds: Duration of the rebuild, in seconds.
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
    too_large: tuple[str, ...] = ()


class Rebuilding:
    """A rebuild.

    Args:
        streams: Streams with the events.
        documents: Bucket of job documents.
        projector: Projector that does not run; it reads the checkpoint.
        view: View that does the steps before a write.
        check: True to compare only and write nothing.
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
        """Compare and write until the document of each job in the stream is correct."""
        begun = time.monotonic()
        while True:
            await self._ask_checkpoint()
            await self._read()
            await self._compare_all()
            if not self._open:
                break
            await asyncio.sleep(PAUSE_SECONDS)
        strays = await self._without_events()
        different, missing, too_large = (self._found_to_be(finding) for finding in Finding)
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
            too_large=too_large,
        )

    async def _ask_checkpoint(self) -> None:
        position = await self._projector.checkpoint()
        if position != self._checkpoint or not self._moved:
            self._checkpoint, self._moved = position, time.monotonic()

    async def _read(self) -> None:
        """Fold the events that were not read yet, up to the end of the stream."""
        async for batch in read_to_end(self._streams, self._position):
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
            try:
                async with asyncio.TaskGroup() as comparing:
                    for job in some:
                        comparing.create_task(self._compare(job))
            except ExceptionGroup as failures:
                raise failures.exceptions[0] from failures

    async def _compare(self, job: str) -> None:
        """Compare a job's document with the bucket's, and write it if they differ; drop the job once it is done."""
        document = self._open[job]
        try:
            entry = await self._documents.get(job)
        except InvalidKey:  # the subject is not that of a job, and no projector writes a document for it
            del self._open[job]
            return
        if entry.data == self._documents.encode(document):
            self._close(job)
            return
        if await self._may_become_right(document, entry):
            return
        if entry.data is None and not await self._rebuildable(job):
            del self._open[job]  # the job was deleted meanwhile, its events first
            return
        finding = Finding.MISSING if entry.data is None else Finding.DIFFERENT
        if not self._documents.fits(document):
            finding = Finding.TOO_LARGE
            log.warning("document_skipped", job=job, reason=finding.value)
        if self._check or finding is Finding.TOO_LARGE:
            self._found[job] = finding
            self._close(job)
        elif await self._write(job, document, entry.revision):
            self._found.setdefault(job, finding)
            log.debug("document_written", job=job, finding=finding.value, sequence=document.sequence)

    async def _may_become_right(self, document: JobDocument, entry: Entry[JobDocument]) -> bool:
        """Return whether the bucket's document is ahead of the events read, or the projector is still to write it."""
        sequence = _sequence(entry)
        if sequence is None:
            return False  # a projector cannot pass an undecodable document
        if sequence > self._position:
            _, last = await self._streams.events_end()
            return sequence <= last
        stalled = time.monotonic() - self._moved > STALLED_SECONDS
        return sequence < document.sequence and document.sequence > self._checkpoint and not stalled

    async def _write(self, job: str, document: JobDocument, revision: int) -> bool:
        """Write `document` in place of `revision`; return False if another process wrote meanwhile."""
        if document.sequence > self._checkpoint:
            await self._view.before_write(document)
        try:
            await self._documents.update(job, document, revision)
        except Conflict:
            return False
        return True

    async def _rebuildable(self, job: str) -> bool:
        """Return whether the stream still has the job's first event."""
        return await self._streams.last_event(JobId(job), Queued) is not None

    def _close(self, job: str) -> None:
        del self._open[job]
        self._done.add(job)

    async def _without_events(self) -> tuple[str, ...]:
        """Return the keys of documents whose first event is not in the stream."""
        reader = self._documents.within(ANSWER_SECONDS).reader()
        await reader.refresh()
        keys = [change.key async for change in reader.changes() if not change.entry.deleted]
        return tuple(sorted([key for key in keys if key not in self._done and not await self._rebuildable(key)]))

    def _found_to_be(self, finding: Finding) -> tuple[str, ...]:
        return tuple(sorted(job for job, found in self._found.items() if found is finding))


def _sequence(entry: Entry[JobDocument]) -> int | None:
    """Return the sequence of the document in `entry`, 0 if there is none, None if it cannot be decoded."""
    try:
        document = entry.value
    except msgspec.DecodeError:
        return None
    return 0 if document is None else document.sequence
