"""How well clips are encoded, and with what."""

from enum import StrEnum

from msgspec import Struct

AUDIO_BITRATE = 128_000
"""Bits a second of AAC: the most that Instagram takes (Instagram API, Reels specifications)."""


class QualityLevel(StrEnum):
    """How well to encode; each has its own preset and rate factor, see `encoders`."""

    DRAFT = "draft"
    """To look at: fast, small."""
    STANDARD = "standard"
    """To post: what platforms make of it cannot be told from better."""
    HIGH = "high"
    """To edit further, at more than twice the time."""


class EncoderChoice(StrEnum):
    """Which encoder makes the picture."""

    AUTO = "auto"
    """The graphics card's where it works, otherwise the processor's."""
    X264 = "libx264"
    """The processor's."""
    NVENC = "h264_nvenc"
    """The graphics card's; the processor's with a note in the log where it does not work."""


class Quality(Struct, frozen=True, kw_only=True):
    """How well and how fast to encode.

    Attributes:
        level: which preset and rate factor to take.
        encoder: of the picture.
        preset: x264's, instead of the level's.
        crf: x264's constant rate factor (NVENC's constant quality follows it), instead of the level's.
        threads: of the video codecs, 0 for their own choice.
        audio_bitrate: of AAC, bits a second.
    """

    level: QualityLevel = QualityLevel.STANDARD
    encoder: EncoderChoice = EncoderChoice.AUTO
    preset: str | None = None
    crf: float | None = None
    threads: int = 0
    audio_bitrate: int = AUDIO_BITRATE
