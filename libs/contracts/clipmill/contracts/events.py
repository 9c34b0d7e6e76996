"""The events of a job; its status is the fold of them in stream order.

An event gives the present state (stage, attempt, percent), never a difference. A redelivered task repeats its events
with the same keys, by which they are recognised as duplicates.
"""

from typing import TypeGuard

from clipmill.contracts.api import MoreClips
from clipmill.contracts.documents import CaptionDecision, Cost
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import JobId, Priority
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import PublicClip
from msgspec import Struct


class EventBase(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """The fields of every event.

    Attributes:
        job: Id of the job.
        at: Unix time of the event in seconds, for people; it decides no order.
        generation: Generation of the task that emits the event. It is part of the message id, so the server does not
            drop the events of a reopened job as duplicates.
    """

    job: JobId
    at: float = 0.0
    generation: int = 0

    @property
    def kind(self) -> str:
        """Return the event's kind, which is part of its subject."""
        return str(self.__struct_config__.tag)

    @property
    def key(self) -> str:
        """Return the key: two events of one job with the same key are the same event."""
        return self.kind

    @property
    def message_id(self) -> str:
        """Return the `Nats-Msg-Id` of this event."""
        return f"event.{self.job}.{self.key}" + (f".g{self.generation}" if self.generation else "")

    @property
    def _generation_suffix(self) -> str:
        """Return the end of the key of an event that may happen once in each generation."""
        return f".{self.generation}" if self.generation else ""


class Queued(EventBase, frozen=True, kw_only=True, tag="queued"):
    """The job was accepted.

    Attributes:
        options: Options of the job.
        source: URL, or name of the uploaded file, as submitted.
        upload: True if the source is an uploaded file.
        priority: Priority of the job.
        ignored_options: Names of unknown fields in the submission.
    """

    options: JobOptions = JobOptions()
    source: str = ""
    upload: bool = False
    priority: Priority = Priority.NORMAL
    ignored_options: tuple[str, ...] = ()


class Started(EventBase, frozen=True, kw_only=True, tag="started"):
    """A worker took the job's first task."""


class StageStarted(EventBase, frozen=True, kw_only=True, tag="stage_started"):
    """A stage began for the first time.

    Attributes:
        stage: Stage that began.
        line: Line for the job's log; empty for no line.
    """

    stage: Stage
    line: str = ""

    @property
    def key(self) -> str:
        """Return a key for each stage, however often it is tried."""
        return f"{self.kind}.{self.stage}"


class StageProgress(EventBase, frozen=True, kw_only=True, tag="stage_progress"):
    """The progress of a stage, or of one clip of it.

    Attributes:
        stage: Stage at work.
        attempt: Number of the attempt, from 1.
        percent: Progress of the stage or clip, from 0 to 100.
        clip: Number of the clip that it is about, None for the stage as a whole.
    """

    stage: Stage
    attempt: int
    percent: int
    clip: int | None = None

    @property
    def key(self) -> str:
        """Return a key for each percent of each attempt."""
        part = "" if self.clip is None else f".{self.clip}"
        return f"{self.kind}.{self.stage}{part}.{self.attempt}.{self.percent}"


class StageFinished(EventBase, frozen=True, kw_only=True, tag="stage_finished"):
    """A stage's document is stored, or, for the render stage, one clip's files.

    Attributes:
        stage: Stage that finished.
        clip: Number of the clip that it is about, None for the stage as a whole.
        seconds: Wall time of the work, in seconds; 0 if it had been done before.
        whisper_seconds: Duration of the transcribed audio, in seconds; None from other stages.
    """

    stage: Stage
    clip: int | None = None
    seconds: float = 0.0
    whisper_seconds: float | None = None

    @property
    def key(self) -> str:
        """Return a key for each stage and clip."""
        part = "" if self.clip is None else f".{self.clip}"
        return f"{self.kind}.{self.stage}{part}"


class Log(EventBase, frozen=True, kw_only=True, tag="log"):
    """A line for the job's log.

    Attributes:
        name: Name of the line among the lines of the job; a line that is repeated has the same name.
        line: Text of the line.
    """

    name: str
    line: str

    @property
    def key(self) -> str:
        """Return a key for each name."""
        return f"{self.kind}.{self.name}"


class ClipsPlanned(EventBase, frozen=True, kw_only=True, tag="clips_planned"):
    """The plan is stored. The job is done once each of its `count` clips is rendered or has failed.

    Attributes:
        count: Number of clips to render; 0 if nothing was found about a subject, and then the job is done.
        reserve: Number of further moments, which are rendered on demand.
        good: Number of good moments, which are the first of clips and reserve; None in events of older versions, which
            called all of them good.
        captions: Captions of the clips; None in events of older versions.
    """

    count: int
    reserve: int = 0
    good: int | None = None
    captions: CaptionDecision | None = None


class ClipsWanted(EventBase, frozen=True, kw_only=True, tag="clips_wanted"):
    """Somebody wants clips of the reserve, after the job has completed.

    `generation` is that of the clips' tasks, higher than any before. Of two such events with the same generation, the
    first in the stream counts.

    Attributes:
        numbers: Numbers of the clips in the plan's reserve, ascending; some may be rendered already.
        request: Key of the request; a repetition with the same key is answered with `numbers` again. Empty for no
            request.
        wish: Content of the request, None for no request and in events of older versions.
        revived: True if the sweeper wants the clips again because their tasks were lost.
    """

    numbers: tuple[int, ...]
    request: str = ""
    wish: MoreClips | None = None
    revived: bool = False

    @property
    def key(self) -> str:
        """Return a key for each generation."""
        return f"{self.kind}{self._generation_suffix}"


class CostKnown(EventBase, frozen=True, kw_only=True, tag="cost"):
    """The cost of choosing the moments is known."""

    cost: Cost


class ClipRendered(EventBase, frozen=True, kw_only=True, tag="clip_rendered"):
    """A clip can be watched.

    Attributes:
        clip: Number of the clip in the plan, from 1.
        public: Entry of the clip in the status.
    """

    clip: int
    public: PublicClip

    @property
    def key(self) -> str:
        """Return a key for each clip."""
        return f"{self.kind}.{self.clip}"


class ClipFailed(EventBase, frozen=True, kw_only=True, tag="clip_failed"):
    """A clip cannot be rendered; the others go on.

    Attributes:
        clip: Number of the clip in the plan, from 1.
        code: Reason for machines.
        sentence: Reason for people.
    """

    clip: int
    code: ErrorCode
    sentence: str

    @property
    def key(self) -> str:
        """Return a key for each clip and generation."""
        return f"{self.kind}.{self.clip}{self._generation_suffix}"


class Failed(EventBase, frozen=True, kw_only=True, tag="failed"):
    """The job cannot go on.

    Attributes:
        stage: Stage that failed, None if no stage was at work.
        code: Reason for machines.
        sentence: Reason for people.
    """

    stage: Stage | None
    code: ErrorCode
    sentence: str

    @property
    def key(self) -> str:
        """Return a key for each generation."""
        return f"{self.kind}{self._generation_suffix}"


class Cancelled(EventBase, frozen=True, kw_only=True, tag="cancelled"):
    """The submitter cancelled the job."""


class Reopened(EventBase, frozen=True, kw_only=True, tag="reopened"):
    """Work on the job, or on one clip of it, begins again. No other event takes a status back.

    `generation` is that of the new work, higher than any before.

    Attributes:
        clip: Number of the clip that is tried again, None for the whole job; stages that are finished skip their work.
        clips: Numbers of the clips of the reserve whose tasks are published again if `clip` is None. None in events of
            older versions, where an operator meant every failed clip.
        fresh: First stage whose artifacts were removed, with those of later stages; these stages report their work
            again. None if the artifacts were kept.
        line: Line for the job's log.
        revived: True if the sweeper reopened the job because its task was lost, False if a person asked for it.
    """

    clip: int | None = None
    clips: tuple[int, ...] | None = None
    fresh: Stage | None = None
    line: str = ""
    revived: bool = False

    @property
    def key(self) -> str:
        """Return a key for each generation."""
        return f"{self.kind}{self._generation_suffix}"


Event = (
    Queued
    | Started
    | StageStarted
    | StageProgress
    | StageFinished
    | Log
    | ClipsPlanned
    | ClipsWanted
    | CostKnown
    | ClipRendered
    | ClipFailed
    | Failed
    | Cancelled
    | Reopened
)

FAILURES = (Failed, ClipFailed)
"""The events that end a generation of a job, or of one clip; only reopening begins the next."""


def is_retry(event: EventBase) -> TypeGuard[Reopened]:
    """Return whether an operator reopened what had ended. The sweeper revives only jobs that have not ended."""
    return isinstance(event, Reopened) and not event.revived


def clip_of(event: EventBase) -> int | None:
    """Return the number of the clip that `event` is about, None if it is about the job as a whole."""
    clip: int | None = getattr(event, "clip", None)
    return clip
