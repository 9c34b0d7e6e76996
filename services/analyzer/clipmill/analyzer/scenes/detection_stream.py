"""The pictures that PySceneDetect looks at, decoded by PyAV straight to detection size."""

from collections.abc import Callable, Generator
from fractions import Fraction
from typing import BinaryIO, ClassVar

import av
import numpy as np
from av.video.reformatter import VideoReformatter
from clipmill.analyzer.scenes.span_request import WHOLE, Span
from clipmill.operations.processors import processors
from numpy.typing import NDArray
from scenedetect.common import FrameTimecode, Timecode, TimecodeLike
from scenedetect.video_stream import SeekError, VideoStream

FALLBACK_RATE = Fraction(25)
"""Frames a second assumed of a stream that does not say; only counts of frames depend on it, times never do."""

MOST_THREADS = 16
"""FFmpeg's own bound. Its own choice is one more than there are processors, but it does not see a container's share."""


OVERLAP_FRAMES = 16
"""Frames that a span reads beyond the next one's keyframe: as many as a decoder keeps for reference at most (H.264,
A.3.1), so that pictures which are the same in both spans over that length come from decoders in the same state."""


class DetectionStream(VideoStream):  # type: ignore[misc]  # its library has no types
    """A video, or a span of it, from its first frame to its last, small, with the container's time stamps.

    PySceneDetect's own streams hand over full-size pictures and shrink them afterwards; this one decodes with all
    threads, without the deblocking filter (nothing of it is left at detection size), and converts and shrinks in one
    step, by one scaler for all frames: to make one takes longer than to use it. Frames that cannot be decoded are
    skipped and counted. A span's frames are those from its keyframe on, and `OVERLAP_FRAMES` beyond the next one's.

    Args:
        file: seekable bytes of a container.
        longest_side: pixels of the longer side of the pictures handed over; smaller pictures stay as they are.
        on_frame: called with each frame's time in seconds from the first frame of the video.
        span: the part wanted.
        threads: that decode; None for as many as keep all processors busy.
    """

    BACKEND_NAME: ClassVar[str] = "clipmill"

    def __init__(
        self,
        file: BinaryIO,
        longest_side: int,
        on_frame: Callable[[float], None],
        span: Span = WHOLE,
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
        self._span = span
        self._on_frame = on_frame
        self._scaler = VideoReformatter()
        self._pictures = self._decoded()

    def close(self) -> None:
        """Give back the decoder; the file stays its owner's."""
        self._pictures.close()
        self._container.close()

    @property
    def path(self) -> str:
        """A store has keys, not paths."""
        return ""

    @property
    def name(self) -> str:
        """Nothing that anyone reads."""
        return "source"

    @property
    def is_seekable(self) -> bool:
        """It runs once, from the first frame to the last."""
        return False

    @property
    def frame_rate(self) -> Fraction:
        """Average frames a second."""
        return self._rate

    @property
    def origin(self) -> int:
        """The container's time stamp from which times count, in ticks."""
        return self._origin or 0

    @property
    def time_base(self) -> Fraction:
        """Seconds that a tick of the frames' times lasts."""
        return self._time_base

    @property
    def duration(self) -> FrameTimecode | None:
        """Unknown before the end: containers are often wrong about it."""
        return None

    @property
    def frame_size(self) -> tuple[int, int]:
        """Width and height of the pictures handed over."""
        return self._size

    @property
    def aspect_ratio(self) -> float:
        """Of a pixel; detection does not mind."""
        return 1.0

    @property
    def position(self) -> FrameTimecode:
        """Time of the frame last read, from the first frame."""
        return FrameTimecode(Timecode(pts=self._ticks, time_base=self._time_base), self._rate)

    @property
    def position_ms(self) -> float:
        """The same in milliseconds."""
        return float(self._ticks * self._time_base) * 1000

    @property
    def frame_number(self) -> int:
        """Frames read so far."""
        return self._count

    def read(self, decode: bool = True) -> "NDArray[np.uint8] | bool":
        """Return the next picture as BGR, False at the end.

        Args:
            decode: whether the picture itself is wanted, or only to move on.
        """
        frame = next(self._pictures, None)
        if frame is None:
            return False
        self._on_frame(float(self._ticks * self._time_base))
        if not decode:
            return True
        width, height = self._size
        # More threads of the scaler would only wait for each other: the decoder's are busy meanwhile.
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
        """Yield the packets up to the end or to where the container is broken; what the file itself raises passes."""
        if self._span.sought is not None:
            self._container.seek(self._span.sought, stream=self._stream)
        begun = self._span.first is None
        packets = self._container.demux(self._stream)
        while True:
            try:
                packet = next(packets, None)
            except av.FFmpegError:
                self._decode_failures += 1
                return
            if packet is None:
                return
            begun = begun or (packet.is_keyframe and packet.pts == self._span.first)
            if begun:
                yield packet

    def _follows(self, frame: av.VideoFrame) -> bool:
        """Take over the frame's time; False for one without a time, before the span, or not later than the last."""
        if frame.pts is None or frame.time_base is None:
            return False
        if self._span.first is not None and frame.pts < self._span.first:
            return False  # it leads the keyframe and needs what lies before that
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
        """Whether the overlap with the next span is complete."""
        if self._span.next is not None and frame.pts is not None and frame.pts > self._span.next:
            self._beyond += 1
        return self._beyond >= OVERLAP_FRAMES
