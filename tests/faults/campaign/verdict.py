"""The promises that must hold after every campaign."""

import itertools
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from clipmill.artifacts import layout
from clipmill.contracts import log_lines
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.status import JobState
from clipmill.gateway.projection.document import JobDocument
from clipmill.renderer.checking.verification import verify

from campaign.fleet import Fleet
from campaign.jobs import Job
from campaign.remains import Remains

READY_LINE = re.compile(r"Clip (\d+) of (\d+) ready: ")

UNREADABLE = frozenset({ErrorCode.UNREADABLE_MEDIA, ErrorCode.NO_VIDEO})

ALARMS = frozenset({"handler_failed", "projector_stopped", "event_skipped", "task_decoding_failed"})
"""Log events that no fault from outside may cause."""


def judge(jobs: Iterable[Job], remains: Remains, fleet: Fleet, store: Path) -> Iterator[str]:
    """Yield a sentence for every broken promise."""
    for job in jobs:
        for finding in _job(job, remains):
            yield f"{job.name} ({job.source}): {finding}"
    for name, document in remains.documents.items():
        for finding in itertools.chain(_document(document), _clips(document, store)):
            yield f"{name}: {finding}"
    for member in fleet.members:
        for status in member.deaths:
            yield f"{member.name} ended by itself with status {status}, see {member.log}"
    for message, count in messages(fleet.logs).items():
        if message in ALARMS:
            yield f"{count} times {message} in the logs"


def _job(job: Job, remains: Remains) -> Iterator[str]:
    """Check that a job came to the end that its source allows, or to the one that its client requested."""
    document = remains.documents.get(job.name)
    if document is None:
        if not job.ending:
            yield "is unknown"
    elif document.revived:
        yield "had lost its task, which was stored when it was accepted"
    elif job.answer == "deleted":
        yield "is there though it was deleted"
    elif document.cancelled:
        if not job.ending:
            yield "was cancelled by nobody"
    elif job.answer == "cancelled":
        yield f"is {document.state} though its cancellation was confirmed"
    elif job.source.broken:
        if document.error is None or document.error.code not in UNREADABLE:
            yield f"is {document.state} with {document.error}"
    elif document.state is not JobState.COMPLETED or document.clips_failed:
        yield f"is {document.state} with {document.error}, failed clips {document.clips_failed}"


def _document(document: JobDocument) -> Iterator[str]:
    """Check that the parts of a job's document agree."""
    if not document.state.terminal:
        yield f"is {document.state}"
    if document.state is not JobState.COMPLETED:
        return
    ready, failed = document.clips_ready, document.clips_failed
    numbers = sorted([*ready, *failed])
    if numbers != list(range(1, (document.clips_planned or 0) + 1)):
        yield f"has clips {ready} and failed ones {list(failed)} of {document.clips_planned} planned"
    announced = [int(found[1]) for line in document.logs if (found := READY_LINE.match(line))]
    if announced != ready or len(document.clips) != len(ready):
        yield f"announces clips {announced}, shows {len(document.clips)} and has {ready}"
    if document.logs[-1] != log_lines.FINISHED or document.logs.count(log_lines.FINISHED) != 1:
        yield f"has the log {document.logs}"


def _clips(document: JobDocument, store: Path) -> Iterator[str]:
    """Check that every published clip is a whole file of the right length."""
    if document.cancelled:
        return
    for number, clip in zip(document.clips_ready, document.clips, strict=False):
        path = store / layout.clip(JobId(document.job), number)
        for finding in verify(path, clip.end - clip.start):
            yield f"clip {number}: {finding.check}: {finding.sentence}"
        if not (store / layout.poster(JobId(document.job), number)).exists():
            yield f"clip {number} has no poster"


def messages(logs: Path) -> Counter[str]:
    """Return how often the services logged each warning and error."""
    counts: Counter[str] = Counter()
    for path in logs.glob("*.log"):
        for line in path.read_text(errors="replace").splitlines():
            if '"warning"' in line or '"error"' in line:
                entry = json.loads(line)
                counts[entry["message"]] += entry["level"] in ("warning", "error")
            elif not line.startswith("{"):
                counts["not a log line: " + line[:100]] += 1
    return counts
