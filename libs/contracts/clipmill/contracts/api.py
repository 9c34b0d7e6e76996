"""The HTTP API: the answers of the gateway, and the addresses of clips.

The gateway encodes these types, and clients of this version or of another decode them. A client ignores a field that it
does not know, and a field that the server does not send has a default. Values of sets that may grow (stages, error
codes, options) are therefore plain text here.

`GET /api/status/<job>` returns a `clipmill.contracts.status.PublicStatus`, and `GET /api/jobs/<job>/transcript` a
`clipmill.contracts.documents.Transcript`.
"""

import re
from enum import StrEnum

from clipmill.contracts.documents import ScorePart, ShotFacts
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.status import JobState
from msgspec import Struct

KEY_HEADER = "X-Gemini-Key"
"""The request header with which a submission lends an API key to its job."""

CANCELLED = "cancelled"
"""The status of a cancelled job in `JobView` and `JobSummary`; its `PublicStatus` is failed."""

JOB_STATUSES = (*JobState, CANCELLED)
"""The statuses in `JobView` and `JobSummary`."""


class StageView(Struct, kw_only=True):
    """The state of one stage.

    Attributes:
        state: `waiting`, `running` or `finished`; also `stopped` in a view of a job that has ended.
        percent: Progress, from 0 to 100.
        attempt: Number of the attempt that reported the progress.
        started: Unix time of the start in seconds, None before it.
        finished: Unix time of the end in seconds, None before it.
    """

    state: str = "waiting"
    percent: int = 0
    attempt: int = 0
    started: float | None = None
    finished: float | None = None


class FailureView(Struct, frozen=True, kw_only=True):
    """The failure of a job or a clip.

    Attributes:
        code: Reason for machines, one of `clipmill.contracts.failures.ErrorCode`.
        sentence: Reason for people.
    """

    code: str
    sentence: str


class CaptionsView(Struct, frozen=True, kw_only=True):
    """The captions of a job's clips.

    Attributes:
        style: Style that is drawn, or `off`.
        reason: Reason for people; empty if the job names the style.
    """

    style: str
    reason: str = ""


class JobView(Struct, frozen=True, kw_only=True):
    """The answer of `GET /api/jobs/<job>`: the status of a job in detail.

    Attributes:
        job_id: Id of the job.
        status: One of `JOB_STATUSES`.
        stage: Last of the running stages in the order of the work, None if no stage runs.
        percent: Progress of the whole job, from 0 to 100.
        stages: State of each stage by its name, in the order of the work.
        clips_planned: Number of clips in the plan and of those wanted from its reserve; None before there is a plan.
        clips_ready: Number of clips that can be watched.
        clips_failed: Failures by clip number.
        options: Options of the job with defaults filled in: the fields of `clipmill.contracts.options.JobOptions`.
        priority: One of `clipmill.contracts.identifiers.Priority`.
        ignored_options: Names of unknown fields in the submission.
        source: URL or file name as submitted.
        error: Failure of the job, None if it has not failed.
        created: Unix time of the submission in seconds.
        started: Unix time in seconds at which a worker took the job, None before it.
        finished: Unix time of the end in seconds, None before it.
        captions: Captions of the clips, which `auto` leaves to the plan; None before there is a plan, and for jobs of
            older versions.
    """

    job_id: JobId
    status: str
    stage: str | None = None
    percent: int = 0
    stages: dict[str, StageView] = {}
    clips_planned: int | None = None
    clips_ready: int = 0
    clips_failed: dict[int, FailureView] = {}
    options: dict[str, object] = {}
    priority: str = ""
    ignored_options: tuple[str, ...] = ()
    source: str = ""
    error: FailureView | None = None
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    captions: CaptionsView | None = None


class EventsEnd(Struct, frozen=True, kw_only=True):
    """The data of the event `end`, the last that `GET /api/jobs/<job>/events` sends.

    Attributes:
        job_id: Id of the job.
        status: One of `JOB_STATUSES`, or `deleted`.
    """

    job_id: JobId
    status: str


class JobSummary(Struct, frozen=True, kw_only=True):
    """A job in the list that `GET /api/jobs` returns; its attributes are those of `JobView`."""

    job_id: JobId
    status: str
    stage: str | None = None
    percent: int = 0
    clips_planned: int | None = None
    clips_ready: int = 0
    priority: str = ""
    source: str = ""
    error: FailureView | None = None
    created: float = 0.0
    started: float | None = None
    finished: float | None = None


class JobList(Struct, frozen=True, kw_only=True):
    """The answer of `GET /api/jobs`.

    Attributes:
        jobs: Jobs, the newest first.
        next: Value of `before` for the jobs that follow, None if there are none.
    """

    jobs: list[JobSummary]
    next: str | None = None


class Accepted(Struct, frozen=True, kw_only=True):
    """The answer of `POST /api/process`.

    Attributes:
        job_id: Id of the new job.
        status: `queued`.
    """

    job_id: JobId
    status: str = "queued"


class Only(StrEnum):
    """Values of `only` in `DELETE /api/jobs/<job>`, each of which allows the server one of its two actions."""

    CANCEL = "cancel"
    DELETE = "delete"


class Ended(Struct, frozen=True, kw_only=True):
    """The answer of `DELETE /api/jobs/<job>`.

    Attributes:
        job_id: Id of the job.
        status: `cancelled`, `cancelling` while the job's status does not show it yet, `deleted`, or `completed` if the
            job had completed and only the clips that were wanted since are cancelled.
    """

    job_id: JobId
    status: str


KEY_OF_REQUEST = "Idempotency-Key"
"""The request header that makes a repetition of `POST /api/jobs/<job>/clips` the same request."""


class ClipState(StrEnum):
    """The state of a clip."""

    READY = "ready"
    """The clip can be watched."""
    RENDERING = "rendering"
    """The clip is being rendered, or waits for it."""
    FAILED = "failed"
    """The clip could not be rendered."""
    RESERVE = "reserve"
    """The clip is rendered when somebody asks for it."""


class ClipView(Struct, frozen=True, kw_only=True):
    """A clip with the reasons why it was chosen.

    Attributes:
        number: Number of the clip in the plan, which is part of the name of its file.
        rank: Place of the clip among all moments of the plan, clips and reserve, from 1 for the best score.
        state: One of `ClipState`.
        start: Start in the source, in seconds.
        end: End in the source, in seconds.
        title: Title of the clip.
        score: Virality, from 0 to 100.
        parts: Parts that sum to the score (docs/scores.md explains each); empty in plans of older versions.
        reason: Reason for the choice.
        quote: Sentence that says most about the clip; empty if nobody speaks.
        url: Path of the clip's file on the server, None if it is not ready.
        error: Failure of the clip; None if it has not failed, or was not rendered because the whole job failed.
        shots: Shots of the clip with their layouts; empty if it is not ready.
        good: True if the moment is good (docs/scores.md has the bar); None in plans of older versions.
    """

    number: int
    rank: int
    state: str
    start: float
    end: float
    title: str
    score: int
    parts: tuple[ScorePart, ...] = ()
    reason: str = ""
    quote: str = ""
    url: str | None = None
    error: FailureView | None = None
    shots: tuple[ShotFacts, ...] = ()
    good: bool | None = None


class ClipList(Struct, frozen=True, kw_only=True):
    """The answer of `GET /api/jobs/<job>/clips`.

    Attributes:
        job_id: Id of the job.
        clips: Clips of the plan, and those wanted from its reserve, in the order of their numbers; none before there is
            a plan.
        reserve: Clips that nobody has asked for, the best first.
        status: One of `JOB_STATUSES`; empty from older versions.
    """

    job_id: JobId
    clips: tuple[ClipView, ...]
    reserve: tuple[ClipView, ...] = ()
    status: str = ""


class MoreClips(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of `POST /api/jobs/<job>/clips`; it has one of the two fields.

    Attributes:
        more: Number of clips to render, the best of the reserve.
        numbers: Numbers of the clips to render.
    """

    more: int | None = None
    numbers: tuple[int, ...] | None = None


class ClipsAccepted(Struct, frozen=True, kw_only=True):
    """The answer of `POST /api/jobs/<job>/clips`.

    Attributes:
        job_id: Id of the job.
        numbers: Numbers of the clips that are rendered or will be, ascending.
    """

    job_id: JobId
    numbers: tuple[int, ...]


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a request that is refused or fails.

    Attributes:
        detail: Reason for people.
        code: Reason for machines, one of `clipmill.contracts.failures.ErrorCode`; None if there is only a sentence.
    """

    detail: str
    code: str | None = None


class ClipFileKind(StrEnum):
    """The purpose of a clip's file; the value is its extension."""

    VIDEO = "mp4"
    POSTER = "jpg"
    CAPTIONS = "vtt"
    SUBTITLES = "srt"


class ClipAddress(Struct, frozen=True, kw_only=True):
    """The parts of a clip's address.

    Attributes:
        job: Text in the place of the job's id, not yet checked.
        stem: Name of the source in `media.json`.
        number: Rank of the clip from 1.
        kind: Purpose of the file.
    """

    job: str
    stem: str
    number: int
    kind: ClipFileKind


CLIPS_PATH = "/videos"
"""The path below which all clips are served."""

_CLIP_URL = re.compile(
    rf"{CLIPS_PATH}/(?P<job>[^/]+)/(?P<stem>[A-Za-z0-9_-]+)_clip_(?P<number>[1-9][0-9]?)\.(?P<kind>{'|'.join(ClipFileKind)})"
)


def clip_url(job: str, stem: str, number: int, kind: ClipFileKind = ClipFileKind.VIDEO) -> str:
    """Return the path of a clip's file on the server: `/videos/<job>/<stem>_clip_<number>.<kind>`."""
    return f"{CLIPS_PATH}/{job}/{stem}_clip_{number}.{kind}"


def parse_clip_url(url: str) -> ClipAddress | None:
    """Return the parts of a path that `clip_url` makes, None for any other path."""
    found = _CLIP_URL.fullmatch(url)
    if found is None:
        return None
    return ClipAddress(
        job=found["job"], stem=found["stem"], number=int(found["number"]), kind=ClipFileKind(found["kind"])
    )
