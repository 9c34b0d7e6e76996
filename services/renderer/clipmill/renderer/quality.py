"""The quality of a clip's encoding, and its encoder."""

from enum import StrEnum

from msgspec import Struct

AUDIO_BITRATE = 128_000
"""Bits per second of AAC: the most that Instagram takes (Instagram API, Reels specifications)."""


class QualityLevel(StrEnum):
    """The quality of the encoding; each level has its own preset and rate factor, see `encoders`."""

    DRAFT = "draft"
    """Draft quality: fast and small, for a preview."""
    STANDARD = "standard"
    """Quality for posting: platforms encode it again, and a better original would show no difference."""
    HIGH = "high"
    """Quality for further editing, at more than twice the time."""


class EncoderChoice(StrEnum):
    """The encoder of the picture."""

    AUTO = "auto"
    """The graphics card's encoder where it works, otherwise the processor's."""
    X264 = "libx264"
    """The processor's encoder."""
    NVENC = "h264_nvenc"
    """The graphics card's encoder. Where it does not work, the processor's is used, with a note in the log."""


class Quality(Struct, frozen=True, kw_only=True):
    """The quality and the speed of the encoding.

    Attributes:
        level: Level, which sets preset and rate factor.
        encoder: Encoder of the picture.
        preset: Preset of x264, instead of the level's.
        crf: Constant rate factor of x264, instead of the level's; NVENC's constant quality follows it.
        threads: Threads of the video codecs; 0 for their own choice.
        audio_bitrate: Rate of the AAC sound, in bits per second.
    """

    level: QualityLevel = QualityLevel.STANDARD
    encoder: EncoderChoice = EncoderChoice.AUTO
    preset: str | None = None
    crf: float | None = None
    threads: int = 0
    audio_bitrate: int = AUDIO_BITRATE
