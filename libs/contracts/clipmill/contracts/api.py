"""The HTTP API: what the gateway answers and clients read, and the addresses of clips.

The gateway encodes these types and clients decode them, of this version or of another: a field that a client does not
know is ignored, and one that a server does not send has a default. Values of sets that may grow (stages, error codes,
options) are therefore plain text here. `GET /api/status/<job>` answers a `clipmill.contracts.status.PublicStatus`, and
`GET /api/jobs/<job>/transcript` a `clipmill.contracts.documents.Transcript`.
"""

import re
from enum import StrEnum

from clipmill.contracts.identifiers import JobId
from clipmill.contracts.status import JobState
from msgspec import Struct

KEY_HEADER = "X-Gemini-Key"
"""The request header in which a submission lends a key for its job."""

CANCELLED = "cancelled"
"""What the rich views call a job that its submitter ended; the contract knows it as failed."""

JOB_STATUSES = (*JobState, CANCELLED)
"""Where a job may stand by its rich views."""


class StageView(Struct, kw_only=True):
    """How one stage stands.

    Attributes:
        state: `waiting`, `running` or `finished`; in a view of a job that has ended also `stopped`.
        percent: 0 to 100.
        attempt: the try that spoke last.
        started: Unix time in seconds, None before it began.
        finished: Unix time in seconds, None before it ended.
    """

    state: str = "waiting"
    percent: int = 0
    attempt: int = 0
    started: float | None = None
    finished: float | None = None


class FailureView(Struct, frozen=True, kw_only=True):
    """Why a job or a clip failed.

    Attributes:
        code: the reason for machines, one of `clipmill.contracts.failures.ErrorCode`.
        sentence: the reason for people.
    """

    code: str
    sentence: str


class JobView(Struct, frozen=True, kw_only=True):
    """The answer of `GET /api/jobs/<job>`: the status and what lies behind it.

    Attributes:
        job_id: the job.
        status: one of `JOB_STATUSES`.
        stage: the stage furthest along that is at work, None before and after.
        percent: 0 to 100 of the whole job.
        stages: how each stage stands, by its name, in the order of the work.
        clips_planned: how many clips there will be, None before the plan is known.
        clips_ready: how many can be watched.
        clips_failed: why, by clip number.
        options: what was asked for, defaults filled in: the fields of `clipmill.contracts.options.JobOptions`.
        priority: how urgently it is wanted, one of `clipmill.contracts.identifiers.Priority`.
        ignored_options: names of fields that were sent and are not known.
        source: the URL or file name as submitted.
        error: why it failed.
        created: Unix time in seconds.
        started: Unix time in seconds, None before a worker took it.
        finished: Unix time in seconds, None before it ended.
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


class JobSummary(Struct, frozen=True, kw_only=True):
    """A job in the list that `GET /api/jobs` answers; its attributes are those of `JobView`."""

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
        jobs: the newest first.
        next: value of `before` for the jobs that follow, None if there are none.
    """

    jobs: list[JobSummary]
    next: str | None = None


class Accepted(Struct, frozen=True, kw_only=True):
    """The answer of `POST /api/process`.

    Attributes:
        job_id: the new job.
        status: `queued`.
    """

    job_id: JobId
    status: str = "queued"


class Only(StrEnum):
    """Values of `only` in `DELETE /api/jobs/<job>`: the server refuses to do the one where the other would be due."""

    CANCEL = "cancel"
    DELETE = "delete"


class Ended(Struct, frozen=True, kw_only=True):
    """The answer of `DELETE /api/jobs/<job>`.

    Attributes:
        job_id: the job.
        status: `cancelled`, `cancelling` where that is not in its status yet, or `deleted`.
    """

    job_id: JobId
    status: str


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The answer to a request that is refused or fails.

    Attributes:
        detail: the reason for people.
        code: the reason for machines, one of `clipmill.contracts.failures.ErrorCode`; None where the sentence is all.
    """

    detail: str
    code: str | None = None


class ClipFileKind(StrEnum):
    """A file of a clip by what it is for; the value ends its name."""

    VIDEO = "mp4"
    POSTER = "jpg"
    CAPTIONS = "vtt"
    SUBTITLES = "srt"


class ClipAddress(Struct, frozen=True, kw_only=True):
    """The parts of a clip's address.

    Attributes:
        job: text in the place of the job's id, not yet checked.
        stem: name of the source as `media.json` has it.
        number: the clip's rank from 1.
        kind: which of the clip's files it is.
    """

    job: str
    stem: str
    number: int
    kind: ClipFileKind


CLIPS_PATH = "/videos"
"""The folder of all clips' addresses."""

_CLIP_URL = re.compile(
    rf"{CLIPS_PATH}/(?P<job>[^/]+)/(?P<stem>[A-Za-z0-9_-]+)_clip_(?P<number>[1-9][0-9]?)\.(?P<kind>{'|'.join(ClipFileKind)})"
)


def clip_url(job: str, stem: str, number: int, kind: ClipFileKind = ClipFileKind.VIDEO) -> str:
    """Return the path of a clip's file on the server: `/videos/<job>/<stem>_clip_<number>.<kind>`."""
    return f"{CLIPS_PATH}/{job}/{stem}_clip_{number}.{kind}"


def parse_clip_url(url: str) -> ClipAddress | None:
    """Return the parts of a path that `clip_url` may have made, None if it cannot have."""
    found = _CLIP_URL.fullmatch(url)
    if found is None:
        return None
    return ClipAddress(
        job=found["job"], stem=found["stem"], number=int(found["number"]), kind=ClipFileKind(found["kind"])
    )
