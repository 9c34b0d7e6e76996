"""Events of one job, most of them about its clips and its reserve, and the documents that the fold makes of them."""

from clipmill.contracts.events import (
    ClipFailed,
    ClipRendered,
    ClipsPlanned,
    ClipsWanted,
    Queued,
    Reopened,
    StageProgress,
    StageStarted,
    Started,
)
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.stages import Stage
from clipmill.contracts.status import PublicClip
from clipmill.gateway.projection.fold import begin, fold

JOB = JobId("550e8400-e29b-41d4-a716-446655440000")


def rendered(number, generation=0, at=0.0):
    public = PublicClip(
        video_url=f"/videos/{JOB}/talk_clip_{number}.mp4",
        title=f"Title {number}",
        video_description_for_tiktok="",
        video_description_for_instagram="",
        video_title_for_youtube_short="",
        start=float(number),
        end=number + 20.0,
        virality_score=90 - number,
    )
    return ClipRendered(job=JOB, clip=number, public=public, generation=generation, at=at)


def failed(number, generation=0, at=0.0):
    sentence = "No memory was left."
    code = ErrorCode.OUT_OF_MEMORY
    return ClipFailed(job=JOB, clip=number, generation=generation, code=code, sentence=sentence, at=at)


def wanted(generation, *numbers, request="", wish=None, revived=False, at=0.0):
    return ClipsWanted(
        job=JOB, generation=generation, numbers=numbers, request=request, wish=wish, revived=revived, at=at
    )


def reopened(generation, clip=None, fresh=None, clips=None, revived=False):
    return Reopened(job=JOB, generation=generation, clip=clip, clips=clips, fresh=fresh, revived=revived, line="Again.")


def progress(clip, percent, generation=1):
    return StageProgress(job=JOB, stage=Stage.RENDER, attempt=1, percent=percent, clip=clip, generation=generation)


def folded(*events):
    document = begin(1, Queued(job=JOB))
    for sequence, event in enumerate(events, 2):
        fold(document, sequence, event)
    return document


def completed(*events):
    """Return the document of a job with two clips and three moments in reserve, and then `events`."""
    return folded(
        Started(job=JOB),
        ClipsPlanned(job=JOB, count=2, reserve=3),
        StageStarted(job=JOB, stage=Stage.RENDER),
        rendered(1, at=1.0),
        rendered(2, at=2.0),
        *events,
    )
