"""Where each artifact of a job lies: the key follows from the job and the stage alone."""

from clipmill.contracts.identifiers import JobId
from clipmill.contracts.options import CLIPS_LIMIT
from clipmill.contracts.stages import Stage

JOBS = "jobs"
"""The prefix of everything that the store holds."""


def job_prefix(job: JobId) -> str:
    """The prefix of everything that belongs to a job."""
    return f"{JOBS}/{job}"


def upload(job: JobId) -> str:
    """The file that a client uploaded, as it came."""
    return f"{job_prefix(job)}/upload"


def source(job: JobId) -> str:
    """The seekable video that all stages read; `media.json` names its container."""
    return f"{job_prefix(job)}/source"


def media(job: JobId) -> str:
    """The `MediaFacts` of the source."""
    return _document(Stage.DOWNLOAD, job)


def transcript(job: JobId) -> str:
    """The `Transcript`."""
    return _document(Stage.TRANSCRIBE, job)


def scenes(job: JobId) -> str:
    """The `Scenes`."""
    return _document(Stage.SCENES, job)


def plan(job: JobId) -> str:
    """The `Plan`."""
    return _document(Stage.ANALYZE, job)


def clip(job: JobId, number: int) -> str:
    """The rendered video of clip `number` (from 1)."""
    return f"{_clip_prefix(job, number)}/clip.mp4"


def poster(job: JobId, number: int) -> str:
    """The still picture that stands for clip `number`."""
    return f"{_clip_prefix(job, number)}/poster.jpg"


def captions(job: JobId, number: int) -> str:
    """The WebVTT captions of clip `number`."""
    return f"{_clip_prefix(job, number)}/captions.vtt"


def subtitles(job: JobId, number: int) -> str:
    """The captions of clip `number` as SubRip, for video editors."""
    return f"{_clip_prefix(job, number)}/captions.srt"


def clip_facts(job: JobId, number: int) -> str:
    """The `ClipFacts` of clip `number`, stored after the files they speak of."""
    return f"{_clip_prefix(job, number)}/{Stage.RENDER.row.document}"


def made_from(stage: Stage, job: JobId) -> tuple[str, ...]:
    """What `stage` and those that build upon it have made, in the order in which it is to be deleted.

    The last stage comes first, and of each what says that it is done: a deletion that is broken off leaves nothing that
    looks whole. A key that ends with a slash stands for all below it. What was uploaded is nobody's work and stays.
    """
    return tuple(key for each in reversed(stage.and_later) for key in _made_by(each, job))


def made_for_clip(job: JobId, number: int) -> tuple[str, ...]:
    """What was made of clip `number`; as `made_from`."""
    return clip_facts(job, number), f"{_clip_prefix(job, number)}/"


def _made_by(stage: Stage, job: JobId) -> tuple[str, ...]:
    row = stage.row
    if row.per_clip:
        numbers = range(1, CLIPS_LIMIT + 1)
        return *(f"{_clip_prefix(job, number)}/{row.document}" for number in numbers), f"{job_prefix(job)}/clips/"
    return _document(stage, job), *(f"{job_prefix(job)}/{name}" for name in row.leaves)


def _document(stage: Stage, job: JobId) -> str:
    return f"{job_prefix(job)}/{stage.row.document}"


def _clip_prefix(job: JobId, number: int) -> str:
    return f"{job_prefix(job)}/clips/{number}"
