"""What can be set about the renderer: CLIPMILL_RENDERER_*."""

from enum import StrEnum
from typing import Annotated

import msgspec
from clipmill.operations.child import Limits
from clipmill.operations.processors import processors
from clipmill.operations.settings import ServiceSettings
from clipmill.renderer.quality import EncoderChoice, Quality, QualityLevel
from msgspec import Meta

MOST_THREADS = 8
"""Beyond this a clip gets little faster and takes much more memory."""


class Preset(StrEnum):
    """x264's speed, fastest first; each step down the list makes smaller or better files and takes longer."""

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
        int, Meta(description="Clips rendered at once; by default half the processors that it may use.", ge=1)
    ] = msgspec.field(default_factory=_slots)
    spares: Annotated[
        int | None,
        Meta(description="Processes that wait for clips with all imported, some 100 MB each; as many as slots.", ge=0),
    ] = None
    attempts: Annotated[int, Meta(description="Tries at rendering a clip.", ge=1)] = 3
    quality: Annotated[
        QualityLevel, Meta(description="How well clips are encoded: draft to look at, standard to post, high to edit.")
    ] = QualityLevel.STANDARD
    encoder: Annotated[
        EncoderChoice, Meta(description="Of the picture; auto takes the graphics card's where that works.")
    ] = EncoderChoice.AUTO
    preset: Annotated[
        Preset | None, Meta(description="x264's speed instead of the quality's: a slower preset makes smaller files.")
    ] = None
    crf: Annotated[
        float | None,
        Meta(description="Constant rate factor instead of the quality's: lower is better and larger.", ge=0, le=51),
    ] = None
    codec_threads: Annotated[
        int, Meta(description="Threads of one clip's decoder and of its encoder; 0 shares the processors out.", ge=0)
    ] = 0
    audio_bitrate: Annotated[int, Meta(description="AAC, bits a second.", ge=64_000, le=320_000)] = 128_000
    faces_per_second: Annotated[
        float, Meta(description="How often faces are looked for, times a second of video.", ge=4, le=8)
    ] = 6.0
    child_seconds: Annotated[float, Meta(description="Longest time that one clip may take, seconds.", gt=0)] = 3600.0
    child_resident_bytes: Annotated[
        int, Meta(description="Most resident memory that one clip may take, bytes.", ge=256 * 2**20)
    ] = 3 * 2**30
    child_file_bytes: Annotated[int, Meta(description="Largest clip that may be written, bytes.", ge=2**20)] = 2**30

    def waiting(self) -> int:
        """Return how many processes wait for clips."""
        return self.slots if self.spares is None else self.spares

    def limits(self) -> Limits:
        """Return what the process that renders a clip may use."""
        return Limits(
            seconds=self.child_seconds,
            resident_bytes=self.child_resident_bytes,
            file_bytes=self.child_file_bytes,
        )

    def encoding(self) -> Quality:
        """Return how clips are encoded."""
        return Quality(
            level=self.quality,
            encoder=self.encoder,
            preset=None if self.preset is None else self.preset.value,
            crf=self.crf,
            threads=self._threads(),
            audio_bitrate=self.audio_bitrate,
        )

    def _threads(self) -> int:
        """Return how many threads one clip's codecs use: its share of the processors and one to fill gaps."""
        share = -(-processors() // self.slots) + 1
        return self.codec_threads or max(2, min(MOST_THREADS, share))
