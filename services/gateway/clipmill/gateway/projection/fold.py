"""The fold of a job's events into its document, in stream order and without side effects.

Replays and duplicates change nothing: an event at or before the document's sequence was folded already, and an event
whose key is known is a repetition. Events before `queued` and after a terminal event are ignored. So logs and clips
only ever grow and a status never goes back, with the one exception of `reopened`. A failure of an older generation is
ignored once a later one has begun. A job that has completed still hears of clips of its reserve that somebody wants
(`wanted`).
"""

from clipmill.contracts import log_lines
from clipmill.contracts.api import FailureView, StageView
from clipmill.contracts.events import (
    Cancelled,
    ClipFailed,
    ClipRendered,
    ClipsPlanned,
    ClipsWanted,
    CostKnown,
    Event,
    Failed,
    Log,
    Queued,
    Reopened,
    StageFinished,
    StageProgress,
    StageStarted,
    Started,
    clip_of,
    is_retry,
)
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import JobState
from clipmill.gateway.projection import wanted
from clipmill.gateway.projection.document import JobDocument
from msgspec.structs import replace

CLIP_KEYS = ("clip_rendered.", *(f"stage_finished.{stage}." for stage in Stage if stage.row.per_clip))
"""The beginnings of the keys that a clip repeats when it is made afresh; the key of a failure has its generation."""


FAILED_WITH_JOB = "The job failed before the clip was rendered; ask for it again if the job completes after all."


def begin(sequence: int, event: Event) -> JobDocument | None:
    """Return the document that `event` begins, None if it is not a job's first event."""
    return new_document(sequence, event) if isinstance(event, Queued) else None


def new_document(sequence: int, queued: Queued) -> JobDocument:
    """Return the document of a job whose only event so far is `queued`, stored at `sequence`."""
    return JobDocument(
        job=queued.job,
        logs=[log_lines.queued(queued.job)],
        options=queued.options,
        source=queued.source,
        upload=queued.upload,
        priority=queued.priority,
        ignored_options=queued.ignored_options,
        created=queued.at,
        sequence=sequence,
        keys=[queued.key],
    )


def fold(document: JobDocument, sequence: int, event: Event) -> bool:
    """Apply `event`, stored at `sequence`, to `document`.

    Returns:
        True if the document changed. An ignored event leaves the sequence as it is; a replay ignores the event again.
    """
    if sequence <= document.sequence or not _heard(document, event):
        return False
    if isinstance(event, Failed) and event.generation < document.generation:
        return False
    if isinstance(event, StageProgress):
        changed = _progress(document, event)
    elif event.key in document.keys or isinstance(event, Queued):
        return False
    else:
        _apply(document, event)
        document.keys.append(event.key)
        document.generation = max(document.generation, event.generation)
        _finish_if_done(document, event.at)
        changed = True
    if changed:
        document.sequence = sequence
    return changed


def _apply(document: JobDocument, event: Event) -> None:  # noqa: PLR0912 - one branch per event, like a table
    match event:
        case Started():
            _processing(document, event.at)
            document.logs.append(log_lines.STARTED)
        case StageStarted():
            _processing(document, event.at)
            view = document.stages.setdefault(event.stage, StageView())
            if view.state == "waiting":
                view.state, view.started = "running", event.at
            if event.line:
                document.logs.append(event.line)
        case StageFinished():
            _stage_finished(document, event)
        case Log():
            document.logs.append(event.line)
        case ClipsPlanned():
            document.clips_planned, document.clips_reserve = event.count, event.reserve
            document.clips_good, document.captions = event.good, event.captions
        case ClipsWanted():
            wanted.open_clips(document, event)
        case CostKnown():
            document.cost = replace(
                document.cost, total_cost=event.cost.total_usd, gemini_api_calls=event.cost.provider_calls
            )
        case ClipRendered():
            if event.clip not in document.clips_failed:
                document.clips.append(event.public)
                document.clips_ready.append(event.clip)
                document.logs.append(log_lines.clip_ready(event.clip, _count(document, event.clip), event.public.title))
                _clip_moved(document, event.clip, 100)
            wanted.close_clip(document, event.clip, event.at)
        case ClipFailed():
            if event.clip not in document.clips_ready:
                _clip_failed(document, event.clip, FailureView(code=event.code, sentence=event.sentence))
            wanted.close_clip(document, event.clip, event.at)
        case Failed():
            _fail(document, FailureView(code=event.code, sentence=event.sentence), event.at)
        case Cancelled():
            document.state, document.cancelled, document.finished = JobState.FAILED, True, event.at
            document.error = FailureView(code=ErrorCode.CANCELLED, sentence=log_lines.CANCELLED)
            document.logs.append(log_lines.CANCELLED)
            document.wanted = {}
        case Reopened():
            _reopen(document, event)


def _heard(document: JobDocument, event: Event) -> bool:
    """Return whether the job still takes notice of `event`: once it has ended, it hardly does."""
    if isinstance(event, ClipsWanted) or document.state.terminal:
        return _reopens(document, event) or wanted.accepts(document, event)
    clip = None if isinstance(event, Reopened) else clip_of(event)
    return clip is None or not document.in_reserve(clip) or wanted.hears(document, event)


def _reopens(document: JobDocument, event: Event) -> bool:
    """Return whether `event` reopens an ended job: only a retry does, unless the job was cancelled."""
    return is_retry(event) and not document.cancelled


def _reopen(document: JobDocument, event: Reopened) -> None:
    document.revived = event.revived
    if event.line:
        document.logs.append(event.line)
    fresh = event.fresh is not None and event.clip is None
    if not fresh and wanted.reopen_clips(document, event) and document.state is JobState.COMPLETED:
        return
    document.error = document.finished = None
    if document.state.terminal:
        document.state = JobState.PROCESSING
    if event.fresh is not None and event.clip is None:
        _forget(document, event.fresh)
    planned = [clip for clip in document.clips_failed if not document.in_reserve(clip)]
    for clip in planned if event.clip is None else [event.clip]:
        if document.clips_failed.pop(clip, None) is not None:
            document.clip_percent.pop(clip, None)
    render = document.stages.get(Stage.RENDER)
    if render is not None and render.state == "finished":
        render.state, render.finished = "running", None


def _forget(document: JobDocument, fresh: Stage) -> None:
    """Drop everything about stages whose artifacts were removed: they report their work again."""
    stages = fresh.and_later
    for stage in stages:
        document.stages.pop(stage, None)
    forgotten = {f"{kind}.{stage}" for kind in ("stage_started", "stage_finished") for stage in stages}
    wanted.forget_clips(document)
    if Stage.ANALYZE in stages:
        forgotten |= {"clips_planned", "cost"}
        document.clips_planned, document.clips_reserve = None, 0
        document.clips_good = document.captions = None
    document.keys = [key for key in document.keys if key not in forgotten and not key.startswith(CLIP_KEYS)]
    document.clips, document.clips_ready = [], []
    document.clips_failed, document.clip_percent = {}, {}


def _processing(document: JobDocument, at: float) -> None:
    document.state = JobState.PROCESSING
    if document.started is None:
        document.started = at


def _progress(document: JobDocument, event: StageProgress) -> bool:
    """Move a percentage forward, never back: a second attempt changes nothing until it overtakes the first."""
    if event.clip is not None:
        if event.percent <= document.clip_percent.get(event.clip, -1):
            return False
        _clip_moved(document, event.clip, event.percent)
        return True
    view = document.stages.get(event.stage, StageView())
    if view.state == "finished" or event.percent <= view.percent:
        return False
    document.stages[event.stage] = view
    view.percent, view.attempt = event.percent, event.attempt
    return True


def _clip_moved(document: JobDocument, clip: int, percent: int) -> None:
    document.clip_percent[clip] = percent
    if document.in_reserve(clip):
        return
    view = document.stages.setdefault(Stage.RENDER, StageView())
    planned = [percent for each, percent in document.clip_percent.items() if not document.in_reserve(each)]
    view.percent = max(view.percent, sum(planned) // _count(document, clip))


def _stage_finished(document: JobDocument, event: StageFinished) -> None:
    if event.whisper_seconds is not None:
        document.cost = replace(document.cost, whisper_duration_seconds=round(event.whisper_seconds, 3))
    if event.clip is None:
        view = document.stages.setdefault(event.stage, StageView())
        view.state, view.percent, view.finished = "finished", 100, event.at


def _count(document: JobDocument, clip: int) -> int:
    """Return the number of clips among which `clip` is announced: those of the plan, or all of plan and reserve."""
    if document.clips_planned is None:
        return max([*document.clip_percent, *document.clips_ready, 1])
    if document.in_reserve(clip):
        return max(document.clips_planned + document.clips_reserve, clip)
    return document.clips_planned


def _clip_failed(document: JobDocument, clip: int, failure: FailureView) -> None:
    document.clips_failed[clip] = failure
    document.logs.append(log_lines.clip_failed(clip, _count(document, clip), failure.sentence))
    _clip_moved(document, clip, 100)


def _fail(document: JobDocument, failure: FailureView, at: float) -> None:
    """End the job, and with it the clips of its reserve that are open."""
    document.state, document.error, document.finished = JobState.FAILED, failure, at
    for clip in sorted(document.wanted):
        _clip_failed(document, clip, FailureView(code=failure.code, sentence=FAILED_WITH_JOB))
    document.wanted = {}
    document.logs += [log_lines.FAILED, log_lines.execution_error(failure.sentence)]


def _finish_if_done(document: JobDocument, at: float) -> None:
    """End the job if every planned clip is rendered or has failed."""
    planned = document.clips_planned
    if document.state.terminal or planned is None:
        return
    done = [clip for clip in (*document.clips_ready, *document.clips_failed) if not document.in_reserve(clip)]
    if len(done) < planned:
        return
    if planned and not document.clips_ready:
        last = document.clips_failed[done[-1]]
        one, several = "The only clip could not be rendered.", f"None of the {planned} clips could be rendered."
        sentence = f"{one if planned == 1 else several} {last.sentence}"
        _fail(document, FailureView(code=ErrorCode.NO_CLIP_RENDERED, sentence=sentence), at)
        return
    render = document.stages.setdefault(Stage.RENDER, StageView())
    render.state, render.percent, render.finished = "finished", 100, at
    document.state, document.finished = JobState.COMPLETED, at
    if document.clips_reserve:
        document.logs.append(_moments_rendered(document, planned + document.clips_reserve))
    document.logs.append(log_lines.FINISHED)


def _moments_rendered(document: JobDocument, moments: int) -> str:
    """Return the line about the good ones among the first `moments` numbers, and about the reserve."""
    good = moments if document.clips_good is None else document.clips_good
    left = [clip for clip in range(1, moments + 1) if document.in_reserve(clip) and clip not in document.clips_heard]
    return log_lines.moments_rendered(
        sum(clip <= good for clip in document.clips_ready),
        good,
        len(left),
        others=sum(clip > good for clip in document.clips_ready),
        good_left=sum(clip <= good for clip in left),
    )
