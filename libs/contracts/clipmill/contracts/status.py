"""The public status: what `GET /api/status/<job>` answers, field for field."""

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
        """Whether nothing more will happen."""
        return self in (JobState.COMPLETED, JobState.FAILED)


class PublicClip(Struct, frozen=True, kw_only=True):
    """A finished clip.

    Attributes:
        video_url: path of the clip's file on the server that answered.
        title: its title.
        video_description_for_tiktok: caption with hashtags.
        video_description_for_instagram: caption with hashtags.
        video_title_for_youtube_short: at most 100 characters.
        start: seconds of the source.
        end: seconds of the source.
        virality_score: 0 to 100.
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
    """What a job cost.

    Attributes:
        total_cost: US dollars.
        gemini_api_calls: requests made.
        whisper_duration_seconds: seconds of audio transcribed.
    """

    total_cost: float = 0.0
    gemini_api_calls: int = 0
    whisper_duration_seconds: float = 0.0


class PublicResult(Struct, frozen=True, kw_only=True):
    """The clips in the order in which they finished; a clip stays where it first appeared, unchanged."""

    clips: tuple[PublicClip, ...]
    cost_analysis: CostAnalysis


class PublicStatus(Struct, frozen=True, kw_only=True):
    """The whole answer: these three keys and no other.

    Attributes:
        status: where the job stands.
        logs: lines for people, only ever appended to.
        result: None until the first clip is rendered, and for a failed job.
    """

    status: JobState
    logs: tuple[str, ...]
    result: PublicResult | None = None
