"""The public status: the answer of `GET /api/status/<job>`, field for field."""

from enum import StrEnum

from msgspec import Struct


class JobState(StrEnum):
    """The four states that the public contract knows."""

    QUEUED = "queued"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"

    @property
    def terminal(self) -> bool:
        """Return whether the job has ended."""
        return self in (JobState.COMPLETED, JobState.FAILED)


class PublicClip(Struct, frozen=True, kw_only=True):
    """A finished clip.

    Attributes:
        video_url: Path of the clip's file on the server that answered.
        title: Title of the clip.
        video_description_for_tiktok: Caption for TikTok with hashtags.
        video_description_for_instagram: Caption for Instagram with hashtags.
        video_title_for_youtube_short: Title for YouTube Shorts, at most 100 characters.
        start: Start in the source, in seconds.
        end: End in the source, in seconds.
        virality_score: Virality, from 0 to 100.
    """

    video_url: str
    title: str
    video_description_for_tiktok: str
    video_description_for_instagram: str
    video_title_for_youtube_short: str
    start: float
    end: float
    virality_score: int


class CostAnalysis(Struct, frozen=True, kw_only=True):
    """The cost of a job.

    Attributes:
        total_cost: Total, in US dollars.
        gemini_api_calls: Number of requests to a paid model.
        whisper_duration_seconds: Duration of the transcribed audio, in seconds.
    """

    total_cost: float = 0.0
    gemini_api_calls: int = 0
    whisper_duration_seconds: float = 0.0


class PublicResult(Struct, frozen=True, kw_only=True):
    """The clips in the order in which they finished. A clip keeps its place and does not change."""

    clips: tuple[PublicClip, ...]
    cost_analysis: CostAnalysis


class PublicStatus(Struct, frozen=True, kw_only=True):
    """The whole answer: these three keys and no other.

    Attributes:
        status: State of the job.
        logs: Lines for people; new lines are only ever added at the end.
        result: Clips and cost; None until the first clip is rendered, and for a failed job.
    """

    status: JobState
    logs: tuple[str, ...]
    result: PublicResult | None = None
