"""What can be set about the renderer: CLIPMILL_RENDERER_*."""

import os
from enum import StrEnum
from typing import Annotated

import msgspec
from clipmill.operations.settings import CommonSettings
from msgspec import Meta, Struct

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
    return max(1, (os.cpu_count() or 2) // 2)


class RendererSettings(Struct, frozen=True, kw_only=True):
    """The renderer's settings; see each field's description."""

    common: CommonSettings = msgspec.field(default_factory=CommonSettings)
    port: Annotated[int, Meta(description="Port of health and metrics; 0 lets the system choose.", ge=0, le=65535)] = (
        9104
    )
    slots: Annotated[int, Meta(description="Clips rendered at once; by default half the processors.", ge=1)] = (
        msgspec.field(default_factory=_slots)
    )
    attempts: Annotated[int, Meta(description="Tries at rendering a clip.", ge=1)] = 3
    preset: Annotated[Preset, Meta(description="x264's speed: a slower preset makes smaller files.")] = Preset.VERYFAST
    crf: Annotated[float, Meta(description="x264's constant rate factor: lower is better and larger.", ge=0, le=51)] = (
        20.0
    )
    codec_threads: Annotated[
        int, Meta(description="Threads of one clip's decoder and of its encoder; 0 shares the processors out.", ge=0)
    ] = 0
    audio_bitrate: Annotated[int, Meta(description="AAC, bits a second.", ge=64_000, le=320_000)] = 160_000
    faces_per_second: Annotated[
        float, Meta(description="How often faces are looked for, times a second of video.", gt=0, le=60)
    ] = 5.0
    look_ahead_seconds: Annotated[
        float, Meta(description="How far the camera sees into the future, seconds of video.", ge=0.5, le=10)
    ] = 3.0
    look_ahead_bytes: Annotated[
        int, Meta(description="Most memory for the pictures looked ahead, bytes.", ge=16 * 2**20)
    ] = 128 * 2**20
    child_seconds: Annotated[float, Meta(description="Longest time that one clip may take, seconds.", gt=0)] = 3600.0
    child_resident_bytes: Annotated[
        int, Meta(description="Most resident memory that one clip may take, bytes.", ge=256 * 2**20)
    ] = 3 * 2**30
    child_file_bytes: Annotated[int, Meta(description="Largest clip that may be written, bytes.", ge=2**20)] = 2**30

    def threads(self) -> int:
        """Return how many threads one clip's codecs use: its share of the processors and one to fill gaps."""
        share = -(-(os.cpu_count() or 2) // self.slots) + 1
        return self.codec_threads or max(2, min(MOST_THREADS, share))
