"""The renderer's settings, from the variables CLIPMILL_RENDERER_*."""

from enum import StrEnum
from typing import Annotated

import msgspec
from clipmill.operations.child import Limits
from clipmill.operations.processors import processors
from clipmill.operations.settings import AT_LEAST, ServiceSettings
from clipmill.renderer.quality import EncoderChoice, Quality, QualityLevel
from msgspec import Meta

MOST_THREADS = 8
"""Most threads by default: more threads make a clip little faster and take much more memory."""


class Preset(StrEnum):
    """Presets of x264, fastest first; each next one takes longer and makes smaller or better files."""

    ULTRAFAST = "ultrafast"
    SUPERFAST = "superfast"
    VERYFAST = "veryfast"
    FASTER = "faster"
    FAST = "fast"
    MEDIUM = "medium"
    SLOW = "slow"


def _slots() -> int:
    return max(1, processors() // 2)


class RendererSettings(ServiceSettings, frozen=True, kw_only=True):
    """The renderer's settings; see each field's description."""

    port: Annotated[int, Meta(description="Port of health and metrics; 0 lets the system choose.", ge=0, le=65535)] = (
        9104
    )
    slots: Annotated[
        int,
        Meta(description="Number of clips rendered at the same time; half the available processors by default.", ge=1),
    ] = msgspec.field(default_factory=_slots)
    spares: Annotated[
        int | None,
        Meta(
            description="Number of started processes that wait for clips, about 100 MB each; "
            "CLIPMILL_RENDERER_SLOTS by default.",
            ge=0,
        ),
    ] = None
    attempts: Annotated[int, Meta(description="Number of attempts to render a clip.", ge=1)] = 3
    retry_first_seconds: Annotated[
        float,
        Meta(
            description="Upper limit of the random delay before the second attempt to render a clip, in seconds; "
            "the limit doubles with each further attempt.",
            gt=0,
        ),
    ] = 2.0
    retry_limit_seconds: Annotated[
        float,
        Meta(
            description="Highest upper limit of the random delay between two attempts to render a clip, in seconds.",
            gt=0,
            extra={AT_LEAST: "retry_first_seconds"},
        ),
    ] = 120.0
    quality: Annotated[
        QualityLevel, Meta(description="Quality of the encoding: draft to preview, standard to post, high to edit.")
    ] = QualityLevel.STANDARD
    encoder: Annotated[
        EncoderChoice, Meta(description="Video encoder; auto uses the graphics card if it can encode.")
    ] = EncoderChoice.AUTO
    preset: Annotated[
        Preset | None,
        Meta(
            description="Preset of x264; by default CLIPMILL_RENDERER_QUALITY decides. A slower preset makes smaller "
            "files."
        ),
    ] = None
    crf: Annotated[
        float | None,
        Meta(
            description="Constant rate factor of x264; by default CLIPMILL_RENDERER_QUALITY decides. A lower factor "
            "makes better and larger files.",
            ge=0,
            le=51,
        ),
    ] = None
    codec_threads: Annotated[
        int,
        Meta(
            description="Number of threads of a clip's decoder, and of its encoder; 0 divides the processors among "
            "the slots.",
            ge=0,
        ),
    ] = 0
    audio_bitrate: Annotated[
        int,
        Meta(
            description="Bit rate of the AAC sound, in bits per second; Instagram and `clipmill verify` accept at "
            "most 128000.",
            ge=64_000,
            le=320_000,
        ),
    ] = 128_000
    faces_per_second: Annotated[
        float, Meta(description="Number of pictures that are searched for faces per second of video.", ge=4, le=8)
    ] = 6.0
    child_seconds: Annotated[
        float, Meta(description="Longest time that rendering a clip may take, in seconds.", gt=0)
    ] = 3600.0
    child_resident_bytes: Annotated[
        int, Meta(description="Most resident memory that rendering a clip may take, in bytes.", ge=256 * 2**20)
    ] = 3 * 2**30
    child_file_bytes: Annotated[int, Meta(description="Largest clip that may be written, in bytes.", ge=2**20)] = 2**30

    def waiting(self) -> int:
        """Return the number of processes that wait for clips."""
        return self.slots if self.spares is None else self.spares

    def limits(self) -> Limits:
        """Return the limits of the process that renders a clip."""
        return Limits(
            seconds=self.child_seconds,
            resident_bytes=self.child_resident_bytes,
            file_bytes=self.child_file_bytes,
        )

    def encoding(self) -> Quality:
        """Return the quality with which clips are encoded."""
        return Quality(
            level=self.quality,
            encoder=self.encoder,
            preset=None if self.preset is None else self.preset.value,
            crf=self.crf,
            threads=self._threads(),
            audio_bitrate=self.audio_bitrate,
        )

    def _threads(self) -> int:
        """Return the number of threads for each codec of a clip: its share of the processors, and one to fill gaps."""
        share = -(-processors() // self.slots) + 1
        return self.codec_threads or max(2, min(MOST_THREADS, share))
