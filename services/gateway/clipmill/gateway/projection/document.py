"""The document that the gateway keeps for each job: everything a status is made of."""

from clipmill.contracts.api import CANCELLED, FailureView, JobSummary, JobView, StageView
from clipmill.contracts.events import Queued
from clipmill.contracts.identifiers import JobId, Priority
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import CostAnalysis, JobState, PublicClip, PublicResult, PublicStatus
from msgspec import Struct, field, to_builtins
from msgspec.structs import replace


class JobDocument(Struct, kw_only=True):
    """A job as the events folded so far tell it.

    Attributes:
        job: its id.
        state: one of the contract's four.
        cancelled: whether its submitter ended it.
        logs: lines for people.
        clips: what can be watched, in the order in which it finished.
        clips_planned: how many there will be, None before the plan is known.
        clips_ready: numbers of the clips that are in `clips`.
        clips_failed: why, by clip number.
        clip_percent: how far each clip's rendering is, by clip number.
        cost: what it cost so far.
        stages: how each stage stands, by its name.
        options: what was asked for.
        source: the URL or file name as submitted.
        upload: whether the source is a file that was uploaded.
        priority: how urgently it is wanted.
        ignored_options: names of fields that were sent and are not known.
        generation: the latest that was heard of: raised when the job is reopened.
        revived: whether this generation began because the job had lost its task.
        error: why it failed, None while it did not.
        created: Unix time in seconds.
        started: likewise, None before a worker took it.
        finished: likewise, None before it ended.
        sequence: of the last event of the stream that was folded.
        keys: of the events folded, except progress, which only moves forward.
    """

    job: JobId
    state: JobState = JobState.QUEUED
    cancelled: bool = False
    logs: list[str] = field(default_factory=list)
    clips: list[PublicClip] = field(default_factory=list)
    clips_planned: int | None = None
    clips_ready: list[int] = field(default_factory=list)
    clips_failed: dict[int, FailureView] = field(default_factory=dict)
    clip_percent: dict[int, int] = field(default_factory=dict)
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
    sequence: int = 0
    keys: list[str] = field(default_factory=list)

    def submission(self) -> Queued:
        """Return the event that the job began with."""
        return Queued(
            job=self.job,
            at=self.created,
            options=self.options,
            source=self.source,
            upload=self.upload,
            priority=self.priority,
            ignored_options=self.ignored_options,
        )


def public_status(document: JobDocument) -> PublicStatus:
    """Return what `GET /api/status/<job>` answers."""
    result = None
    if document.clips and document.state is not JobState.FAILED:
        result = PublicResult(clips=tuple(document.clips), cost_analysis=document.cost)
    return PublicStatus(status=document.state, logs=tuple(document.logs), result=result)


def job_view(document: JobDocument) -> JobView:
    """Return what `GET /api/jobs/<job>` answers."""
    return JobView(
        job_id=document.job,
        status=job_status(document),
        stage=_stage(document),
        percent=_percent(document),
        stages={stage: _stage_view(document, stage) for stage in Stage},
        clips_planned=document.clips_planned,
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
    )


def job_summary(document: JobDocument) -> JobSummary:
    """Return what `GET /api/jobs` says of a job."""
    return JobSummary(
        job_id=document.job,
        status=job_status(document),
        stage=_stage(document),
        percent=_percent(document),
        clips_planned=document.clips_planned,
        clips_ready=len(document.clips_ready),
        priority=document.priority,
        source=document.source,
        error=document.error,
        created=document.created,
        started=document.started,
        finished=document.finished,
    )


def job_status(document: JobDocument) -> str:
    """Return where the job stands: one of `JOB_STATUSES`."""
    return CANCELLED if document.cancelled else document.state


def _stage_view(document: JobDocument, stage: Stage) -> StageView:
    """Return how a stage stands: nothing runs in a job that has ended."""
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
