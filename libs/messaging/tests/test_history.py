"""The failures and retries of one job, read from its events."""

from clipmill.contracts import codec
from clipmill.contracts.events import ClipFailed, ClipRendered, ClipsWanted, Failed
from clipmill.contracts.failures import ErrorCode
from clipmill.contracts.identifiers import JobId
from clipmill.contracts.status import PublicClip
from clipmill.messaging.history import NEVER, JobHistory

JOB = JobId("550e8400-e29b-41d4-a716-446655440000")


def failed(clip, generation=0):
    return ClipFailed(job=JOB, clip=clip, generation=generation, code=ErrorCode.OUT_OF_MEMORY, sentence="No memory.")


def rendered(clip, generation=0):
    public = PublicClip(
        video_url="",
        title="",
        video_description_for_tiktok="",
        video_description_for_instagram="",
        video_title_for_youtube_short="",
        start=0.0,
        end=20.0,
        virality_score=1,
    )
    return ClipRendered(job=JOB, clip=clip, generation=generation, public=public)


def history_of(*events):
    history = JobHistory()
    for event in events:
        history.note(codec.encode(event))
    return history


def test_the_latest_generation_in_which_a_clip_was_rendered_is_known():
    history = history_of(rendered(1), rendered(4, 2), rendered(4, 1))
    assert [history.rendered(clip) for clip in (1, 4, 5, None)] == [0, 2, NEVER, NEVER]


def test_only_the_reserve_failed_if_every_other_failed_clip_was_rendered_later():
    wanted = ClipsWanted(job=JOB, generation=1, numbers=(4,))
    assert history_of(wanted, failed(4, 1)).reserve_only
    assert not history_of(failed(1), wanted, failed(4, 1)).reserve_only
    assert history_of(failed(1), rendered(1, 1), wanted, failed(4, 2)).reserve_only
    assert not history_of(rendered(1), failed(1, 1), wanted, failed(4, 2)).reserve_only
    job_failed = Failed(job=JOB, stage=None, code=ErrorCode.INTERNAL, sentence="It broke.")
    assert not history_of(wanted, failed(4, 1), job_failed).reserve_only
