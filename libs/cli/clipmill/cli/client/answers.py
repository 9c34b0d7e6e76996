"""What this client uses of the server's answers; fields that it does not know are ignored."""

from msgspec import Struct


class StageView(Struct, frozen=True, kw_only=True):
    """One stage in a job's rich view.

    Attributes:
        state: such as `waiting`, `running` or `finished`.
        percent: 0 to 100 of this stage.
    """

    state: str = ""
    percent: float | None = None


class ErrorView(Struct, frozen=True, kw_only=True):
    """Why a job failed, for machines and for people."""

    code: str = ""
    sentence: str = ""


class JobView(Struct, frozen=True, kw_only=True):
    """What this client uses of `GET /api/jobs/<job>`.

    Attributes:
        stage: the stage at work, None if there is none.
        percent: 0 to 100 of the whole job.
        stages: every stage by name, in the order of the work.
        clips_planned: how many clips there will be, None or 0 until that is known.
        clips_ready: how many can be watched.
        error: why the job failed.
        status: one of the contract's four states, or `cancelled`.
    """

    status: str = ""
    stage: str | None = None
    percent: float | None = None
    stages: dict[str, StageView] = {}
    clips_planned: int | None = None
    clips_ready: int = 0
    error: ErrorView | None = None


class ListedJob(Struct, frozen=True, kw_only=True):
    """What this client shows of a job in a list; see `JobView`.

    Attributes:
        created: Unix time in seconds.
        source: the URL or file name as submitted.
    """

    job_id: str
    status: str
    percent: int = 0
    clips_ready: int = 0
    created: float = 0.0
    source: str = ""


class JobList(Struct, frozen=True, kw_only=True):
    """Jobs, the newest first, and where the next list begins, None if this is all."""

    jobs: list[ListedJob]
    next: str | None = None


class Ended(Struct, frozen=True):
    """How a job was ended.

    Attributes:
        job_id: the job.
        status: `cancelled`, `cancelling` or `deleted`.
    """

    job_id: str
    status: str
