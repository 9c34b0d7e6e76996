"""Writing the clip: H.264 High and AAC-LC in an MP4 that every platform takes.

There is no edit list in the file, because uploaders and editors treat them differently. Both tracks begin at zero by
themselves: x264's frame delay is written as signed composition offsets, and AAC's one packet of priming is left out,
so that the packet with the first sample of the clip is the first one (its decoder fades in over 21 ms).
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from clipmill.renderer.pictures import Picture, view
from clipmill.renderer.reframing import HEIGHT, WIDTH
from clipmill.renderer.sound import SAMPLE_RATE, Samples
from msgspec import Struct

VIDEO_ENCODER = "libx264"

GROUP_SECONDS = 2.0
"""Longest closed group of pictures: what platforms ask for, and how precisely players can seek."""

AAC_FRAME = 1024
"""Samples of an AAC packet, and the encoder's priming."""

MP4_OPTIONS = {"movflags": "+faststart+negative_cts_offsets", "use_editlist": "0"}


class Quality(Struct, frozen=True, kw_only=True):
    """How well and how fast to encode.

    Attributes:
        preset: x264's.
        crf: x264's constant rate factor.
        threads: of the video codecs, 0 for their own choice.
        audio_bitrate: bits a second.
    """

    preset: str = "veryfast"
    crf: float = 20.0
    threads: int = 0
    audio_bitrate: int = 160_000


class Encoder:
    """Writes one clip. A context manager; leaving it without an error completes the file.

    Args:
        path: of the MP4 file, overwritten.
        rate: frames a second.
        quality: how well and how fast.
    """

    def __init__(self, path: Path, rate: Fraction, quality: Quality) -> None:
        self._container: OutputContainer = av.open(path, "w", format="mp4", options=MP4_OPTIONS)
        options = _video_options(rate, quality)
        self._video = cast("VideoStream", self._container.add_stream(VIDEO_ENCODER, rate=rate, options=options))
        _describe(self._video.codec_context, rate, quality.threads)
        self._audio = self._container.add_stream("aac", rate=SAMPLE_RATE, layout="stereo")
        self._audio.codec_context.bit_rate = quality.audio_bitrate
        self._time_base = 1 / rate
        self._samples = 0
        self.frames = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._container.mux(list(self._video.encode(None)))
                self._container.mux(list(self._audible(None)))
        finally:
            self._container.close()

    @staticmethod
    def canvas() -> tuple[av.VideoFrame, Picture]:
        """Return a new frame to draw on, and its samples."""
        frame = av.VideoFrame(WIDTH, HEIGHT, "yuv420p")
        return frame, view(frame)

    def picture(self, frame: av.VideoFrame) -> None:
        """Write the next picture."""
        frame.pts = self.frames
        frame.time_base = self._time_base
        frame.color_range = ColorRange.MPEG
        frame.colorspace = Colorspace.ITU709
        frame.color_primaries = ColorPrimaries.BT709
        frame.color_trc = ColorTrc.BT709
        self.frames += 1
        self._container.mux(list(self._video.encode(frame)))

    def sound(self, samples: Samples) -> None:
        """Write the next samples."""
        if not samples.shape[1]:
            return
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate = SAMPLE_RATE
        frame.time_base = Fraction(1, SAMPLE_RATE)
        frame.pts = self._samples
        self._samples += samples.shape[1]
        self._container.mux(list(self._audible(frame)))

    def _audible(self, frame: av.AudioFrame | None) -> "Iterator[av.Packet[AudioStream]]":
        """Encode, leaving out the priming, which lies before zero."""
        for packet in self._audio.encode(frame):
            if packet.pts is None or packet.pts >= 0:
                yield packet


def _video_options(rate: Fraction, quality: Quality) -> dict[str, str]:
    group = max(1, int(rate * Fraction(GROUP_SECONDS)))
    return {
        "preset": quality.preset,
        "crf": f"{quality.crf:g}",
        "profile": "high",
        # The fastest presets leave out what makes the profile High.
        "x264-params": f"keyint={group}:min-keyint={max(1, group // 8)}:open-gop=0:cabac=1:8x8dct=1",
    }


def _describe(codec: VideoCodecContext, rate: Fraction, threads: int) -> None:
    codec.width, codec.height, codec.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    codec.time_base = 1 / rate
    codec.framerate = rate
    codec.thread_count = threads
    codec.color_range = ColorRange.MPEG
    codec.colorspace = Colorspace.ITU709
    codec.color_primaries = ColorPrimaries.BT709
    codec.color_trc = ColorTrc.BT709
