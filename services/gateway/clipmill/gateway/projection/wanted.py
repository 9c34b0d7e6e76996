"""Clips of the reserve, which somebody wants after a job has completed: the part of the fold that is about them.

The job stays completed. Each wanted clip is open, in the generation of its task, until it is rendered or has failed; a
completed job hears of nothing but its open clips.
"""

from clipmill.contracts.events import (
    ClipFailed,
    ClipRendered,
    ClipsWanted,
    Event,
    Log,
    Reopened,
    StageFinished,
    StageProgress,
)
from clipmill.contracts.options import JOB_CLIPS_LIMIT
from clipmill.contracts.status import JobState
from clipmill.gateway.projection.document import JobDocument

REQUESTS_LIMIT = 50
"""The requests whose answers a job remembers, the newest: a client repeats its request within seconds or minutes."""

FAILURES_LIMIT = 5
"""The failures and cancellations of a clip after which only an operator can have it rendered again. Each adds a line to
the job's document, which may hold no more than 1 MiB; 45 clips with 5 failures each take a tenth of that."""

WANTED_KEYS, FAILED_KEYS = "clips_wanted.", "clip_failed."
"""The beginnings of the keys of requests and of failed clips."""


def accepts(document: JobDocument, event: Event) -> bool:
    """Return whether `event` wants clips of a completed job, or is about clips that are wanted."""
    if document.state is not JobState.COMPLETED:
        return False
    if isinstance(event, ClipsWanted):
        return event.generation > document.generation and bool(_opened(document, event) or _noted(document, event))
    return hears(document, event)


def hears(document: JobDocument, event: Event) -> bool:
    """Return whether `event` is about a clip that is wanted, and not about an older attempt that failed."""
    match event:
        case ClipFailed():
            return event.clip in document.wanted and event.generation >= document.wanted[event.clip]
        case ClipRendered() | StageProgress() | StageFinished():
            return event.clip in document.wanted
        case Log():
            return event.generation in document.wanted.values()
    return False


def given_up(document: JobDocument, clip: int) -> bool:
    """Return whether the clip of the reserve failed or was cancelled so often that no request opens it again."""
    key = f"{FAILED_KEYS}{clip}."
    return sum(each.startswith(key) for each in document.keys) >= FAILURES_LIMIT


def open_clips(document: JobDocument, event: ClipsWanted) -> None:
    """Open the clips that `event` wants, a failed one again, and remember the answer to its request."""
    opened = _opened(document, event)
    for clip in opened:
        _open(document, clip, event.generation)
    if opened:
        document.revived, document.extended = event.revived, event.at
    if event.request:
        _remember(document, event)
    for key in [key for key in document.keys if key.startswith(WANTED_KEYS)][: 1 - REQUESTS_LIMIT]:
        document.keys.remove(key)  # its generation is past, so the fold knows a repetition without it


def close_clip(document: JobDocument, clip: int, at: float) -> None:
    """Note that `clip` is rendered or has failed; one that nobody wants changes nothing."""
    if document.wanted.pop(clip, None) is not None:
        document.extended = at


def reopen_clips(document: JobDocument, event: Reopened) -> bool:
    """Open the clips of the reserve whose tasks are published again.

    Returns:
        True if `event` is about nothing else, so that a completed job stays completed.
    """
    planned = [clip for clip in document.clips_failed if not document.in_reserve(clip)]
    if event.clip is not None:
        planned, reserve = [], [event.clip] if document.in_reserve(event.clip) else []
    elif event.clips is not None:
        reserve = [clip for clip in event.clips if document.in_reserve(clip)]
    else:
        reserve = [clip for clip in document.clips_failed if clip not in planned]
    for clip in reserve:
        if clip in document.wanted or (clip in document.clips_failed and not event.revived):
            _open(document, clip, event.generation)
            document.extended = event.at
    return bool(reserve) and not planned


def forget_clips(document: JobDocument) -> None:
    """Drop everything about a reserve that is chosen again."""
    reserve = {str(clip) for clip in range(1, JOB_CLIPS_LIMIT + 1) if document.in_reserve(clip)}
    document.keys = [key for key in document.keys if not (key.startswith(FAILED_KEYS) and key.split(".")[1] in reserve)]
    document.wanted, document.requests, document.wishes = {}, {}, {}


def _opened(document: JobDocument, event: ClipsWanted) -> list[int]:
    """Return the clips that `event` opens: none that is done, and one that is open only if its task was lost."""
    return [
        clip
        for clip in event.numbers
        if document.in_reserve(clip)
        and clip <= JOB_CLIPS_LIMIT
        and clip not in document.clips_ready
        and (clip in document.wanted if event.revived else clip not in document.wanted)
        and (event.revived or not given_up(document, clip))
    ]


def _noted(document: JobDocument, event: ClipsWanted) -> bool:
    """Return whether `event` only has its answer remembered, because somebody else wanted each of its clips before."""
    under_way = document.wanted.keys() | document.clips_ready
    return bool(event.request) and event.request not in document.requests and under_way.issuperset(event.numbers)


def _remember(document: JobDocument, event: ClipsWanted) -> None:
    """Remember the answer to a request, and forget the oldest beyond the limit."""
    document.requests.pop(event.request, None)
    document.wishes.pop(event.request, None)
    document.requests[event.request] = event.numbers
    if event.wish is not None:
        document.wishes[event.request] = event.wish
    for request in list(document.requests)[:-REQUESTS_LIMIT]:
        del document.requests[request]
        document.wishes.pop(request, None)


def _open(document: JobDocument, clip: int, generation: int) -> None:
    document.wanted[clip] = generation
    document.clips_failed.pop(clip, None)
    document.clip_percent.pop(clip, None)
