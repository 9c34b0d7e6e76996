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


def accepts(document: JobDocument, event: Event) -> bool:
    """Return whether `event` wants clips of a completed job, or is about clips that are wanted."""
    if document.state is not JobState.COMPLETED:
        return False
    match event:
        case ClipsWanted():
            return event.generation > document.generation and bool(_opened(document, event))
        case ClipFailed():
            return event.clip in document.wanted and event.generation >= document.wanted[event.clip]
        case ClipRendered() | StageProgress() | StageFinished():
            return event.clip in document.wanted
        case Log():
            return event.generation in document.wanted.values()
    return False


def open_clips(document: JobDocument, event: ClipsWanted) -> None:
    """Open the clips that `event` wants, a failed one again, and remember the answer to its request."""
    for clip in _opened(document, event):
        _open(document, clip, event.generation)
    if event.request:
        document.requests[event.request] = event.numbers
    document.revived = event.revived
    document.extended = event.at


def close_clip(document: JobDocument, clip: int, at: float) -> None:
    """Note that `clip` is rendered or has failed; one that nobody wants changes nothing."""
    if document.wanted.pop(clip, None) is not None:
        document.extended = at


def reopen_clips(document: JobDocument, event: Reopened) -> bool:
    """Open the clips of the reserve that an operator tries again.

    Returns:
        True if `event` is about nothing else, so that a completed job stays completed.
    """
    again = [event.clip] if event.clip is not None else list(document.clips_failed)
    reserve = [clip for clip in again if document.in_reserve(clip)]
    for clip in reserve:
        if clip in document.clips_failed or clip in document.wanted:
            _open(document, clip, event.generation)
            document.extended = event.at
    return bool(reserve) and reserve == again


def _opened(document: JobDocument, event: ClipsWanted) -> list[int]:
    """Return the clips that `event` opens: none that is done, and one that is open only if its task was lost."""
    return [
        clip
        for clip in event.numbers
        if document.in_reserve(clip)
        and clip <= JOB_CLIPS_LIMIT
        and clip not in document.clips_ready
        and (event.revived or clip not in document.wanted)
    ]


def _open(document: JobDocument, clip: int, generation: int) -> None:
    document.wanted[clip] = generation
    document.clips_failed.pop(clip, None)
    document.clip_percent.pop(clip, None)
