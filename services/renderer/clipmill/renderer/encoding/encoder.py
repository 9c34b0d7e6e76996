"""Writing of the clip: H.264 High and AAC-LC in an MP4 that every platform takes.

The file has no edit list because uploaders and editors treat them differently. Both tracks begin at zero without one:
the encoder's frame delay is written as signed composition offsets, and the AAC has no priming (see `aac`).
"""

import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
from av.container import OutputContainer
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from clipmill.renderer.audio import aac
from clipmill.renderer.audio.sound import SAMPLE_RATE
from clipmill.renderer.canvas import Canvas
from clipmill.renderer.encoding import encoders
from clipmill.renderer.encoding.encoders import VideoFormat
from clipmill.renderer.pictures import Picture, view
from clipmill.renderer.quality import Quality

MP4_OPTIONS = {
    "movflags": "+faststart+negative_cts_offsets",
    "use_editlist": "0",
    "fflags": "+bitexact",  # the muxer leaves its own name and version out
}


class Encoder:
    """Writes one clip. Leaving this context manager completes the file; after an error no file is left.

    Args:
        path: Path of the MP4 file; an existing file is replaced.
        rate: Frames per second.
        canvas: Canvas whose size the pictures have.
        quality: Quality of the encoding.
        title: Title of the clip, its only metadata.

    Attributes:
        frames: Number of frames written so far.
    """

    def __init__(self, path: Path, rate: Fraction, canvas: Canvas, quality: Quality, title: str = "") -> None:
        video_format = VideoFormat(canvas.width, canvas.height, rate)
        self._chosen = encoders.choose_encoder(video_format, quality)
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._size = canvas.width, canvas.height
        self._time_base = 1 / rate
        self._frame_seconds = float(self._time_base)
        self._packets = 0
        self.frames = 0
        self._container: OutputContainer = av.open(self._partial, "w", format="mp4", options=MP4_OPTIONS)
        try:
            options = encoders.options(self._chosen, video_format, quality)
            video = self._container.add_stream(self._chosen.value, rate=rate, options=options)
            self._video = cast("VideoStream", video)
            encoders.configure(self._video.codec_context, video_format, quality.threads)
            self._audio = self._container.add_stream("aac", rate=SAMPLE_RATE)
            aac.describe(self._audio.codec_context, quality.audio_bitrate)
            if title := _printable(title):
                self._container.metadata["title"] = title
        except BaseException:
            self._discard()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            self._container.mux(list(self._video.encode(None)))
            self._container.close()
            self._partial.replace(self._path)
        except BaseException:
            self._discard()
            raise

    @property
    def name(self) -> str:
        """Return the name of the video encoder."""
        return self._chosen.value

    @property
    def seconds(self) -> float:
        """Return the length of the pictures written so far."""
        return self.frames * self._frame_seconds

    def canvas(self) -> tuple[av.VideoFrame, Picture]:
        """Return a new frame to draw on, and its samples."""
        frame = av.VideoFrame(*self._size, "yuv420p")
        return frame, view(frame)

    def picture(self, frame: av.VideoFrame) -> None:
        """Write the next picture: a frame that `canvas` returned."""
        if (frame.width, frame.height) != self._size:
            raise ValueError(
                f"A picture of {frame.width}x{frame.height} does not fit a clip of {self._size}; draw on a new canvas."
            )
        frame.pts = self.frames
        frame.time_base = self._time_base
        frame.color_range = ColorRange.MPEG
        frame.colorspace = Colorspace.ITU709
        frame.color_primaries = ColorPrimaries.BT709
        frame.color_trc = ColorTrc.BT709
        self.frames += 1
        self._container.mux(list(self._video.encode(frame)))

    def sound(self, packets: Sequence[bytes]) -> None:
        """Write the next AAC packets: a block of `Soundtrack.blocks`."""
        self._container.start_encoding()
        for data in packets:
            packet = av.Packet(data)
            packet.stream = self._audio
            packet.time_base = Fraction(1, SAMPLE_RATE)
            packet.pts = packet.dts = self._packets * aac.FRAME
            packet.duration = aac.FRAME
            packet.is_keyframe = True
            self._packets += 1
            self._container.mux(packet)

    def _discard(self) -> None:
        try:
            self._container.close()
        except av.error.FFmpegError:  # closing tries to complete the file, which may have failed before
            pass
        finally:
            self._partial.unlink(missing_ok=True)


def _printable(title: str) -> str:
    """Return a title without control characters and surrogates, which a tag cannot hold."""
    return "".join(" " if unicodedata.category(letter) in {"Cc", "Cs"} else letter for letter in title).strip()
