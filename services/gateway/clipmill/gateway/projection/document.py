"""The document that the gateway keeps for each job: statuses and views are made from it."""

from clipmill.contracts.api import CANCELLED, CaptionsView, FailureView, JobSummary, JobView, MoreClips, StageView
from clipmill.contracts.documents import CaptionDecision
from clipmill.contracts.events import Queued
from clipmill.contracts.identifiers import JobId, Priority
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import CostAnalysis, JobState, PublicClip, PublicResult, PublicStatus
from clipmill.contracts.tasks import RenderTask
from msgspec import Struct, field, to_builtins
from msgspec.structs import replace


class JobDocument(Struct, kw_only=True):
    """A job after the events that were folded so far.

    Attributes:
        job: Id of the job.
        state: State of the job in the public status.
        cancelled: True if the submitter cancelled the job.
        logs: Lines for people.
        clips: Clips that can be watched, in the order in which they finished.
        clips_planned: Number of clips in the plan, None before there is one.
        clips_reserve: Number of clips in the plan's reserve, whose numbers continue those of the plan.
        clips_good: Number of good moments, which are the first of plan and reserve; None if the plan is of an older
            version or not there yet.
        captions: Captions of the clips; None if the plan is of an older version or not there yet.
        clips_ready: Numbers of the clips that are in `clips`.
        clips_failed: Failures by clip number.
        clip_percent: Progress of the rendering by clip number, in percent.
        wanted: Clips of the reserve that are wanted and not done: the generation of each one's task, by clip number.
        requests: Clip numbers that answered the newest requests for clips of the reserve, by the request's key.
        wishes: Contents of these requests, by the request's key; those that older versions answered are missing.
        cost: Cost so far.
        stages: State of each stage, by its name.
        options: Options of the job.
        source: URL or file name as submitted.
        upload: True if the source is an uploaded file.
        priority: Priority of the job.
        ignored_options: Names of unknown fields in the submission.
        generation: Highest generation among the events; each reopening raises it.
        revived: True if this generation began because the job's task was lost.
        error: Failure of the job, None if it has not failed.
        created: Unix time of the submission in seconds.
        started: Unix time in seconds at which a worker took the job, None before it.
        finished: Unix time of the end in seconds, None before it.
        extended: Unix time in seconds at which a clip of the reserve was last wanted or done, None if none was.
        sequence: Stream sequence of the last event that was folded.
        keys: Keys of the folded events, without those of progress, which only moves forward, and of older requests than
            those in `requests`.
    """

    job: JobId
    state: JobState = JobState.QUEUED
    cancelled: bool = False
    logs: list[str] = field(default_factory=list)
    clips: list[PublicClip] = field(default_factory=list)
    clips_planned: int | None = None
    clips_reserve: int = 0
    clips_good: int | None = None
    captions: CaptionDecision | None = None
    clips_ready: list[int] = field(default_factory=list)
    clips_failed: dict[int, FailureView] = field(default_factory=dict)
    clip_percent: dict[int, int] = field(default_factory=dict)
    wanted: dict[int, int] = field(default_factory=dict)
    requests: dict[str, tuple[int, ...]] = field(default_factory=dict)
    wishes: dict[str, MoreClips] = field(default_factory=dict)
    cost: CostAnalysis = CostAnalysis()
    stages: dict[Stage, StageView] = field(default_factory=dict)
    options: JobOptions = JobOptions()
    source: str = ""
    upload: bool = False
    priority: Priority = Priority.NORMAL
    ignored_options: tuple[str, ...] = ()
    generation: int = 0
    revived: bool = False
    error: FailureView | None = None
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    extended: float | None = None
    sequence: int = 0
    keys: list[str] = field(default_factory=list)

    def submission(self) -> Queued:
        """Return the job's first event."""
        return Queued(
            job=self.job,
            at=self.created,
            options=self.options,
            source=self.source,
            upload=self.upload,
            priority=self.priority,
            ignored_options=self.ignored_options,
        )

    @property
    def ended_generation(self) -> int:
        """Return the last generation of the ended job in which nothing is left to do."""
        return min(self.wanted.values(), default=self.generation + 1) - 1

    @property
    def kept_from(self) -> float | None:
        """Return the Unix time in seconds from which the job is kept for its retention, None while it is at work."""
        return _kept_from(self)

    @property
    def clips_known(self) -> int:
        """Return the number of clips in the plan and of those wanted from its reserve, whatever became of them."""
        return (self.clips_planned or 0) + sum(self.in_reserve(clip) for clip in self.clips_heard)

    @property
    def clips_heard(self) -> set[int]:
        """Return the numbers of the clips that are rendered, have failed or are wanted."""
        return {*self.clips_ready, *self.clips_failed, *self.wanted}

    def in_reserve(self, clip: int) -> bool:
        """Return whether the number `clip` is beyond those of the clips that the plan renders by itself."""
        return self.clips_planned is not None and clip > self.clips_planned

    def render_task(self, clip: int, generation: int) -> RenderTask:
        """Return the task that renders a clip of the reserve."""
        return RenderTask(
            job=self.job, options=self.options, priority=self.priority, generation=generation, number=clip
        )


class TitledClip(Struct, frozen=True):
    """The title of a clip."""

    title: str = ""


class JobHead(Struct, frozen=True, kw_only=True):
    """The part of a document that an index of thousands of jobs needs; it is decoded four times as fast as all of it.

    It has every field whose values are of a closed set, so a document of a later version that cannot be decoded as a
    whole cannot be decoded as a head either. The attributes are those of `JobDocument`.
    """

    state: JobState = JobState.QUEUED
    cancelled: bool = False
    clips: tuple[TitledClip, ...] = ()
    captions: CaptionDecision | None = None
    wanted: dict[int, int] = {}
    stages: dict[Stage, StageView] = {}
    options: JobOptions = JobOptions()
    source: str = ""
    priority: Priority = Priority.NORMAL
    created: float = 0.0
    finished: float | None = None
    extended: float | None = None

    @property
    def kept_from(self) -> float | None:
        """Return the Unix time in seconds from which the job is kept for its retention, None while it is at work."""
        return _kept_from(self)


def _kept_from(document: JobDocument | JobHead) -> float | None:
    if document.finished is None or document.wanted:
        return None
    return max(document.finished, document.extended or 0.0)


def public_status(document: JobDocument) -> PublicStatus:
    """Return the answer of `GET /api/status/<job>`."""
    result = None
    if document.state is JobState.COMPLETED or (document.clips and document.state is not JobState.FAILED):
        result = PublicResult(clips=tuple(document.clips), cost_analysis=document.cost)
    return PublicStatus(status=document.state, logs=tuple(document.logs), result=result)


def job_view(document: JobDocument) -> JobView:
    """Return the answer of `GET /api/jobs/<job>`."""
    return JobView(
        job_id=document.job,
        status=job_status(document),
        stage=_stage(document),
        percent=_percent(document),
        stages={stage: _stage_view(document, stage) for stage in Stage},
        clips_planned=None if document.clips_planned is None else document.clips_known,
        clips_ready=len(document.clips_ready),
        clips_failed=document.clips_failed,
        options=to_builtins(document.options),
        priority=document.priority,
        ignored_options=document.ignored_options,
        source=document.source,
        error=document.error,
        created=document.created,
        started=document.started,
        finished=document.finished,
        captions=_captions(document),
    )


def job_summary(document: JobDocument) -> JobSummary:
    """Return the entry of a job in the answer of `GET /api/jobs`."""
    return JobSummary(
        job_id=document.job,
        status=job_status(document),
        stage=_stage(document),
        percent=_percent(document),
        clips_planned=None if document.clips_planned is None else document.clips_known,
        clips_ready=len(document.clips_ready),
        priority=document.priority,
        source=document.source,
        error=document.error,
        created=document.created,
        started=document.started,
        finished=document.finished,
    )


def job_status(document: JobDocument | JobHead) -> str:
    """Return the status of the job, one of `JOB_STATUSES`."""
    return CANCELLED if document.cancelled else document.state


def _captions(document: JobDocument) -> CaptionsView | None:
    decided = document.captions
    return None if decided is None else CaptionsView(style=decided.style, reason=decided.reason)


def _stage_view(document: JobDocument, stage: Stage) -> StageView:
    """Return the state of a stage; no stage runs in a job that has ended."""
    view = document.stages.get(stage, StageView())
    return replace(view, state="stopped") if document.state.terminal and view.state == "running" else view


def _stage(document: JobDocument) -> Stage | None:
    running = [stage for stage in Stage if (view := document.stages.get(stage)) and view.state == "running"]
    return None if document.state.terminal or not running else running[-1]


def _percent(document: JobDocument) -> int:
    if document.state is JobState.COMPLETED:
        return 100
    done = sum(view.percent * stage.row.share for stage, view in document.stages.items())
    return min(99, done // 100)
