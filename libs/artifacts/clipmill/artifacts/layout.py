"""The keys of artifacts: a key follows from the job and the stage alone."""

from clipmill.contracts.identifiers import JobId
from clipmill.contracts.options import CLIPS_LIMIT
from clipmill.contracts.stages import Stage

JOBS = "jobs"
"""The prefix of everything in the store."""


def job_prefix(job: JobId) -> str:
    """Return the prefix of everything that belongs to a job."""
    return f"{JOBS}/{job}"


def upload(job: JobId) -> str:
    """Return the key of the file that a client uploaded, unchanged."""
    return f"{job_prefix(job)}/upload"


def given_transcript(job: JobId) -> str:
    """Return the key of the `Transcript` that the submitter gave: cues as segments, some without words."""
    return f"{job_prefix(job)}/given.json"


def source(job: JobId) -> str:
    """Return the key of the seekable video that all stages read; `media.json` names its container."""
    return f"{job_prefix(job)}/source"


def media(job: JobId) -> str:
    """Return the key of the `MediaFacts` of the source."""
    return _document(Stage.DOWNLOAD, job)


def transcript(job: JobId) -> str:
    """Return the key of the `Transcript`."""
    return _document(Stage.TRANSCRIBE, job)


def scenes(job: JobId) -> str:
    """Return the key of the `Scenes`."""
    return _document(Stage.SCENES, job)


def plan(job: JobId) -> str:
    """Return the key of the `Plan`."""
    return _document(Stage.ANALYZE, job)


def clip(job: JobId, number: int) -> str:
    """Return the key of the rendered video of clip `number`, from 1."""
    return f"{_clip_prefix(job, number)}/clip.mp4"


def poster(job: JobId, number: int) -> str:
    """Return the key of the still picture that stands for clip `number`."""
    return f"{_clip_prefix(job, number)}/poster.jpg"


def captions(job: JobId, number: int) -> str:
    """Return the key of the WebVTT captions of clip `number`."""
    return f"{_clip_prefix(job, number)}/captions.vtt"


def subtitles(job: JobId, number: int) -> str:
    """Return the key of the captions of clip `number` as SubRip, for video editors."""
    return f"{_clip_prefix(job, number)}/captions.srt"


def clip_facts(job: JobId, number: int) -> str:
    """Return the key of the `ClipFacts` of clip `number`, stored after the files that they describe."""
    return f"{_clip_prefix(job, number)}/{Stage.RENDER.row.document}"


def made_from(stage: Stage, job: JobId) -> tuple[str, ...]:
    """Return the keys that `stage` and the stages that build upon it wrote, in the order of deletion.

    The last stage comes first, and each stage's document comes before its other artifacts: an interrupted deletion
    leaves no stage that looks finished. A key that ends with a slash stands for everything below it. Upload
    and given transcript are not among the keys because no stage can make them again.
    """
    return tuple(key for each in reversed(stage.and_later) for key in _made_by(each, job))


def made_for_clip(job: JobId, number: int) -> tuple[str, ...]:
    """Return the keys of clip `number` in the order of deletion; see `made_from`."""
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
