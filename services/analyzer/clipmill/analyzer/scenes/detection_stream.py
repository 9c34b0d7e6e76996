"""The pictures for PySceneDetect, decoded by PyAV and reduced to detection size in one step."""

from collections.abc import Callable, Generator
from fractions import Fraction
from typing import BinaryIO, ClassVar

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from clipmill.analyzer.scenes.chunk_request import WHOLE, Chunk
from clipmill.operations.processors import processors
from numpy.typing import NDArray
from scenedetect.common import FrameTimecode, Timecode, TimecodeLike
from scenedetect.video_stream import SeekError, VideoStream

FALLBACK_RATE = Fraction(25)
"""Frames per second assumed for a stream that names no rate; only counts of frames depend on it, never times."""

MOST_THREADS = 16
"""Largest number of threads that FFmpeg uses. Left alone it takes one more than the machine has processors, and ignores
the share that a container has of them."""

OVERLAP_FRAMES = 16
"""Frames that a chunk reads beyond the keyframe of the next one. A decoder keeps at most this many for reference
(H.264, A.3.1), so two decoders that agree on all of them are in one state."""


class DetectionStream(VideoStream):  # type: ignore[misc]  # its library has no types
    """The small pictures of a video, or of one of its chunks, with the time stamps of the container.

    PySceneDetect's streams hand over full-size pictures and shrink them afterwards. This one decodes with all threads
    and without the deblocking filter, whose effect is invisible at detection size. It converts and shrinks in one step,
    with one scaler for all frames, because making a scaler takes longer than using it. Frames that cannot be decoded
    are skipped and counted. A chunk goes from its keyframe to `OVERLAP_FRAMES` beyond the keyframe of the next one, or
    to its last frame.

    Args:
        file: Seekable bytes of a container.
        longest_side: Longer side of the pictures handed over, in pixels; smaller pictures keep their size.
        on_frame: Function that receives the time of each frame, in seconds from the first frame of the video.
        chunk: Chunk to read.
        threads: Number of threads that decode; None for as many as keep all processors busy.
    """

    BACKEND_NAME: ClassVar[str] = "clipmill"

    def __init__(
        self,
        file: BinaryIO,
        longest_side: int,
        on_frame: Callable[[float], None],
        chunk: Chunk = WHOLE,
        threads: int | None = None,
    ) -> None:
        self._container = av.open(file, mode="r")
        self._stream = self._container.streams.video[0]
        self._stream.thread_type = "AUTO"
        context = self._stream.codec_context
        context.thread_count = min(MOST_THREADS, threads or processors() + 1)
        context.options = {"skip_loop_filter": "all"}
        scale = min(1.0, longest_side / max(context.width, context.height, 1))
        self._size = max(1, round(context.width * scale)), max(1, round(context.height * scale))
        rate = self._stream.average_rate or self._stream.guessed_rate or FALLBACK_RATE
        self._rate = Fraction(rate.numerator, rate.denominator)
        self._time_base = Fraction(1, 1000)
        self._origin: int | None = self._stream.start_time
        self._ticks = 0
        self._count = 0
        self._beyond = 0
        self._chunk = chunk
        self._on_frame = on_frame
        self._scaler = VideoReformatter()
        self._pictures = self._decoded()

    def close(self) -> None:
        """Release the decoder; the caller closes the file."""
        self._pictures.close()
        self._container.close()

    @property
    def path(self) -> str:
        """Empty path, because a store has keys."""
        return ""

    @property
    def name(self) -> str:
        """Fixed name, which nobody reads."""
        return "source"

    @property
    def is_seekable(self) -> bool:
        """False: the stream runs once, from the first frame to the last."""
        return False

    @property
    def frame_rate(self) -> Fraction:
        """Average frames per second."""
        return self._rate

    @property
    def origin(self) -> int:
        """Time stamp of the container from which times count, in ticks."""
        return self._origin or 0

    @property
    def time_base(self) -> Fraction:
        """Length of a tick, in seconds."""
        return self._time_base

    @property
    def duration(self) -> FrameTimecode | None:
        """None, because containers are often wrong about it."""
        return None

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height of the pictures handed over."""
        return self._size

    @property
    def aspect_ratio(self) -> float:
        """Aspect ratio of a pixel, which detection ignores."""
        return 1.0

    @property
    def position(self) -> FrameTimecode:
        """Time of the last frame that was read, from the first frame."""
        return FrameTimecode(Timecode(pts=self._ticks, time_base=self._time_base), self._rate)

    @property
    def position_ms(self) -> float:
        """Time of the last frame that was read, in milliseconds from the first frame."""
        return float(self._ticks * self._time_base) * 1000

    @property
    def frame_number(self) -> int:
        """Number of frames read so far."""
        return self._count

    def read(self, decode: bool = True) -> "NDArray[np.uint8] | bool":
        """Return the next picture as BGR, False at the end.

        Args:
            decode: True to convert the picture, False only to move on.
        """
        frame = next(self._pictures, None)
        if frame is None:
            return False
        self._on_frame(float(self._ticks * self._time_base))
        if not decode:
            return True
        width, height = self._size
        # More threads would not help the scaler: those of the decoder keep the processors busy.
        small = self._scaler.reformat(frame, width, height, "bgr24", interpolation="AREA", threads=1)
        return np.asarray(small.to_ndarray(), dtype=np.uint8)

    def reset(self) -> None:
        """Not offered.

        Raises:
            SeekError: always.
        """
        raise SeekError

    def seek(self, target: TimecodeLike) -> None:
        """Not offered.

        Raises:
            SeekError: always.
        """
        raise SeekError

    def _decoded(self) -> Generator[av.VideoFrame, None, None]:
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.FFmpegError:
                self._decode_failures += 1
                continue
            for frame in frames:
                if isinstance(frame, av.VideoFrame) and self._follows(frame):
                    yield frame
                    if self._ends_with(frame):
                        return

    def _packets(self) -> "Generator[av.Packet[av.VideoStream], None, None]":
        """Yield the packets until the container ends or breaks; errors of the file itself are passed on."""
        if self._chunk.sought is not None:
            self._container.seek(self._chunk.sought, stream=self._stream)
        begun = self._chunk.first is None
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                self._decode_failures += 1
                return
            if packet is None:
                return
            begun = begun or (packet.is_keyframe and packet.pts == self._chunk.first)
            if begun:
                yield packet

    def _follows(self, frame: av.VideoFrame) -> bool:
        """Take over the time of a frame, and return whether it has one that is in the chunk and later than the last."""
        if frame.pts is None or frame.time_base is None:
            return False
        if self._chunk.first is not None and frame.pts < self._chunk.first:
            return False  # it needs frames before the keyframe
        if self._origin is None:
            self._origin = frame.pts
        ticks = frame.pts - self._origin
        if ticks < 0 or (self._count and ticks <= self._ticks):
            return False
        self._time_base = Fraction(frame.time_base.numerator, frame.time_base.denominator)
        self._ticks = ticks
        self._count += 1
        return True

    def _ends_with(self, frame: av.VideoFrame) -> bool:
        """Return whether `frame` is the last one: the overlap with the next chunk is complete, or the part is."""
        if self._chunk.last is not None and frame.pts is not None and frame.pts >= self._chunk.last:
            return True
        if self._chunk.next is not None and frame.pts is not None and frame.pts > self._chunk.next:
            self._beyond += 1
        return self._beyond >= OVERLAP_FRAMES
