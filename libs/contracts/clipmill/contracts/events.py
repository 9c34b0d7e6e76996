"""What happened to a job. The status is a fold of these in stream order.

An event says how things are now (stage, attempt, percent), never by how much they changed, and carries a key that is
the same whenever the same thing is said again, so that a redelivered task's events are recognised as duplicates.
"""

from typing import TypeGuard

from clipmill.contracts.documents import Cost
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import JobId, Priority
from clipmill.contracts.options import JobOptions
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import PublicClip
from msgspec import Struct


class EventBase(Struct, frozen=True, kw_only=True, tag_field="kind"):
    """What every event carries.

    Attributes:
        job: whose event it is.
        at: when it was emitted, Unix time in seconds; for people, never for order.
        generation: of the task that tells it. What a job that was reopened tells anew has a message id of its own, so
            that the server does not drop it as a duplicate.
    """

    job: JobId
    at: float = 0.0
    generation: int = 0

    @property
    def kind(self) -> str:
        """The event's kind as it stands in its subject."""
        return str(self.__struct_config__.tag)

    @property
    def key(self) -> str:
        """What makes two events of one job the same event."""
        return self.kind

    @property
    def message_id(self) -> str:
        """The `Nats-Msg-Id` of this event."""
        return f"event.{self.job}.{self.key}" + (f".g{self.generation}" if self.generation else "")

    @property
    def _generation_suffix(self) -> str:
        """Ends the key of what may happen once in each generation."""
        return f".{self.generation}" if self.generation else ""


class Queued(EventBase, frozen=True, kw_only=True, tag="queued"):
    """The job was accepted.

    Attributes:
        options: what it asked for.
        source: the URL, or the uploaded file's name, as the submitter gave it.
        upload: whether the source is a file that was uploaded.
        priority: how urgently it is wanted.
        ignored_options: names of fields that were sent and are not known.
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
        stage: which.
        line: what the job's log says of it; empty for nothing.
    """

    stage: Stage
    line: str = ""

    @property
    def key(self) -> str:
        """One a stage, however often it is tried."""
        return f"{self.kind}.{self.stage}"


class StageProgress(EventBase, frozen=True, kw_only=True, tag="stage_progress"):
    """How far a stage, or one clip of it, has come.

    Attributes:
        stage: which.
        attempt: the try that speaks, from 1.
        percent: 0 to 100 of this stage or clip, whole.
        clip: the clip it is about, None for the stage as a whole.
    """

    stage: Stage
    attempt: int
    percent: int
    clip: int | None = None

    @property
    def key(self) -> str:
        """One for each percent of each attempt."""
        part = "" if self.clip is None else f".{self.clip}"
        return f"{self.kind}.{self.stage}{part}.{self.attempt}.{self.percent}"


class StageFinished(EventBase, frozen=True, kw_only=True, tag="stage_finished"):
    """A stage's document is stored, or, for the render stage, one clip's files.

    Attributes:
        stage: which.
        clip: the clip it is about, None for the stage as a whole.
        seconds: how long the work took, wall time; 0 if it was found done.
        whisper_seconds: seconds of audio transcribed, from the transcriber only.
    """

    stage: Stage
    clip: int | None = None
    seconds: float = 0.0
    whisper_seconds: float | None = None

    @property
    def key(self) -> str:
        """One a stage and clip."""
        part = "" if self.clip is None else f".{self.clip}"
        return f"{self.kind}.{self.stage}{part}"


class Log(EventBase, frozen=True, kw_only=True, tag="log"):
    """A line for the job's log.

    Attributes:
        name: tells this line from the job's other lines: the same line always has the same name.
        line: the text.
    """

    name: str
    line: str

    @property
    def key(self) -> str:
        """One a name."""
        return f"{self.kind}.{self.name}"


class ClipsPlanned(EventBase, frozen=True, kw_only=True, tag="clips_planned"):
    """The plan is stored; from here the job is done when each of `count` clips is rendered or failed."""

    count: int


class CostKnown(EventBase, frozen=True, kw_only=True, tag="cost"):
    """What the picking of moments cost."""

    cost: Cost


class ClipRendered(EventBase, frozen=True, kw_only=True, tag="clip_rendered"):
    """A clip can be watched.

    Attributes:
        clip: its number in the plan, from 1.
        public: what the status says of it.
    """

    clip: int
    public: PublicClip

    @property
    def key(self) -> str:
        """One a clip."""
        return f"{self.kind}.{self.clip}"


class ClipFailed(EventBase, frozen=True, kw_only=True, tag="clip_failed"):
    """A clip cannot be rendered; the others go on.

    Attributes:
        clip: its number in the plan, from 1.
        code: why, for machines.
        sentence: why, for people.
    """

    clip: int
    code: ErrorCode
    sentence: str

    @property
    def key(self) -> str:
        """One a clip and generation."""
        return f"{self.kind}.{self.clip}{self._generation_suffix}"


class Failed(EventBase, frozen=True, kw_only=True, tag="failed"):
    """The job cannot go on.

    Attributes:
        stage: where it ended, None where no stage was at work.
        code: why, for machines.
        sentence: why, for people.
    """

    stage: Stage | None
    code: ErrorCode
    sentence: str

    @property
    def key(self) -> str:
        """One a generation."""
        return f"{self.kind}{self._generation_suffix}"


class Cancelled(EventBase, frozen=True, kw_only=True, tag="cancelled"):
    """The submitter wants no more of it."""


class Reopened(EventBase, frozen=True, kw_only=True, tag="reopened"):
    """Work on the job, or on one clip of it, begins anew: the only step back that a status knows.

    `generation` is that of the new work, higher than any before.

    Attributes:
        clip: the clip that is tried again, None for the whole job (finished stages skip themselves).
        fresh: the artifacts of this stage and of later ones were removed, so that what was told of them is told
            again; None to go on with what is there.
        line: what the job's log says of it.
        revived: whether the job had lost its task and was found by the sweeper; else a person asked for it.
    """

    clip: int | None = None
    fresh: Stage | None = None
    line: str = ""
    revived: bool = False

    @property
    def key(self) -> str:
        """One a generation."""
        return f"{self.kind}{self._generation_suffix}"


Event = (
    Queued
    | Started
    | StageStarted
    | StageProgress
    | StageFinished
    | Log
    | ClipsPlanned
    | CostKnown
    | ClipRendered
    | ClipFailed
    | Failed
    | Cancelled
    | Reopened
)

FAILURES = (Failed, ClipFailed)
"""The events that end a generation of a job, or of one clip, until it is reopened."""


def is_retry(event: EventBase) -> TypeGuard[Reopened]:
    """Whether `event` reopens what has ended: an operator's retry does, and the revival of a lost job had no end."""
    return isinstance(event, Reopened) and not event.revived


def clip_of(event: EventBase) -> int | None:
    """Return the number of the clip that `event` is about, None if it is about the job as a whole."""
    clip: int | None = getattr(event, "clip", None)
    return clip
