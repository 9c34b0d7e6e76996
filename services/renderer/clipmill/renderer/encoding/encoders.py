"""The two H.264 encoders, x264 and NVENC, and the limits that both respect.

Levels and their limits are those of ITU-T H.264, tables A-1 and A-2: level 4.0 takes 245,760 macroblocks and, in High
profile, 25 Mbit a second, level 4.2 takes 522,240 and 62.5 Mbit. Instagram takes at most 25 Mbit/s (Instagram API,
Reels specifications) in files of at most 300 MB, TikTok at most 287.6 MB (its iOS app); YouTube recommends 8 to 12
Mbit/s for 1080p. The bit rates here keep all these limits for clips of 180 s, except `high` in the worst case.
"""

import functools
import logging
from fractions import Fraction

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from clipmill.renderer.quality import EncoderChoice, Quality, QualityLevel
from msgspec import Struct

log = logging.getLogger(__name__)

GROUP_SECONDS = 2
"""Longest closed group of pictures: platforms ask for it, and players can seek to its start."""

MACROBLOCK = 16

MACROBLOCKS_OF_LEVEL_40 = 245_760
"""Most macroblocks per second: 1080x1920 at 30 frames per second just fits."""

NVENC_OFFSET = 3.0
"""NVENC's `cq` less x264's `crf` for pictures that look about equally good. Both scales count H.264
quantiser steps, but x264 counts before its macroblock-tree and psycho-visual tuning."""

PROBE_FRAMES = 5


class Effort(Struct, frozen=True):
    """The encoders' options for a quality level.

    Attributes:
        preset: Preset of x264.
        crf: Constant rate factor of x264.
        look_ahead: Frames that x264 sees ahead, at most as many as its preset has: each takes 6 MB at 1080p.
        nvenc_preset: Preset of NVENC, p1 (fastest) to p7.
        highest_bitrate: Highest bit rate, in bits per second, with a buffer of one and a half seconds (the level allows
            31 Mbit in it).
    """

    preset: str
    crf: float
    look_ahead: int
    nvenc_preset: str
    highest_bitrate: int


EFFORTS = {
    QualityLevel.DRAFT: Effort("superfast", 26.0, 0, "p2", 8_000_000),
    QualityLevel.STANDARD: Effort("veryfast", 20.0, 10, "p5", 12_000_000),
    QualityLevel.HIGH: Effort("medium", 18.0, 20, "p6", 20_000_000),
}


class VideoFormat(Struct, frozen=True):
    """The format of the pictures.

    Attributes:
        width: Width, in pixels.
        height: Height, in pixels.
        rate: Frames per second.
    """

    width: int
    height: int
    rate: Fraction

    @property
    def level(self) -> str:
        """Return the lower of the two H.264 levels usual for 1080p that takes the pictures."""
        macroblocks = -(-self.width // MACROBLOCK) * -(-self.height // MACROBLOCK)
        return "4.0" if macroblocks * self.rate <= MACROBLOCKS_OF_LEVEL_40 else "4.2"

    @property
    def group(self) -> int:
        """Return the number of frames in the longest group of pictures."""
        return max(1, int(self.rate * GROUP_SECONDS))


def options(name: EncoderChoice, video_format: VideoFormat, quality: Quality) -> dict[str, str]:
    """Return the options of the encoder `name`."""
    effort = EFFORTS[quality.level]
    crf = effort.crf if quality.crf is None else quality.crf
    common = {
        "profile": "high",
        "level": video_format.level,
        "g": str(video_format.group),
        "maxrate": str(effort.highest_bitrate),
        "bufsize": str(effort.highest_bitrate * 3 // 2),
    }
    if name is EncoderChoice.NVENC:
        return common | {
            "preset": effort.nvenc_preset,
            "tune": "hq",
            "rc": "vbr",
            "cq": f"{crf + NVENC_OFFSET:g}",
            "b": "0",
            "spatial-aq": "1",
            "strict_gop": "1",
        }
    # The fastest presets turn off features that make the profile High.
    closed = f"min-keyint={max(1, video_format.group // 8)}:open-gop=0:cabac=1:8x8dct=1"
    return common | {
        "preset": quality.preset or effort.preset,
        "crf": f"{crf:g}",
        "rc-lookahead": str(effort.look_ahead),
        "x264-params": closed,
    }


def configure(codec: VideoCodecContext, video_format: VideoFormat, threads: int) -> None:
    """Set an encoder's parameters for the pictures that it will receive."""
    codec.width, codec.height, codec.pix_fmt = video_format.width, video_format.height, "yuv420p"
    codec.time_base = 1 / video_format.rate
    codec.framerate = video_format.rate
    codec.thread_count = threads
    codec.thread_type = "FRAME"  # PyAV's default cuts pictures into slices, which costs bits and speed
    codec.sample_aspect_ratio = Fraction(1)
    codec.color_range = ColorRange.MPEG
    codec.colorspace = Colorspace.ITU709
    codec.color_primaries = ColorPrimaries.BT709
    codec.color_trc = ColorTrc.BT709


def choose_encoder(video_format: VideoFormat, quality: Quality) -> EncoderChoice:
    """Return the encoder that makes the picture: the one that `quality` names if it works, otherwise x264."""
    if quality.encoder is EncoderChoice.X264:
        return EncoderChoice.X264
    fault = nvenc_fault(video_format)
    if fault is None:
        return EncoderChoice.NVENC
    if quality.encoder is EncoderChoice.NVENC:
        log.warning("nvenc_skipped", extra={"reason": fault})
    return EncoderChoice.X264


@functools.cache
def nvenc_fault(video_format: VideoFormat) -> str | None:
    """Return the reason why NVENC cannot encode, None if it can.

    Each process encodes a few frames once per format to find out. An FFmpeg that has the encoder says nothing about the
    driver, the card, or the sessions that it still grants.
    """
    try:
        codec = av.CodecContext.create("h264_nvenc", "w")
        configure(codec, video_format, 0)
        codec.options = options(EncoderChoice.NVENC, video_format, Quality())
        packets = [packet for frame in _frames(video_format) for packet in codec.encode(frame)]
        packets += codec.encode(None)
    except (av.error.FFmpegError, ValueError) as error:  # ValueError: this build has no NVENC
        return str(error)
    written = sum(packet.size > 0 for packet in packets)
    return None if written == PROBE_FRAMES else f"{written} of {PROBE_FRAMES} pictures came out"


def _frames(video_format: VideoFormat) -> list[av.VideoFrame | None]:
    rows = video_format.height * 3 // 2
    made: list[av.VideoFrame | None] = []
    for index in range(PROBE_FRAMES):
        frame = av.VideoFrame.from_ndarray(
            np.full((rows, video_format.width), 60 + 20 * index, np.uint8), format="yuv420p"
        )
        frame.pts, frame.time_base = index, 1 / video_format.rate
        made.append(frame)
    return made
