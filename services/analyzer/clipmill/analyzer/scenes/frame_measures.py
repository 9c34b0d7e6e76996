"""What is kept of each frame of a video: how much it differs from the one before, and a tiny picture of it."""

from array import array
from collections.abc import Iterator

import cv2  # comes with PySceneDetect, whose pictures these are
import numpy as np
from clipmill.analyzer.scenes.detection_stream import DetectionStream
from msgspec import Struct
from numpy.typing import NDArray
from scenedetect import ContentDetector, FrameTimecode, SceneManager

THUMBNAIL_SIDE = 16
"""Pixels of a thumbnail's sides, whatever the shape of the picture. Small movements vanish in pictures this coarse,
mixed pictures stay mixed; and 256 bytes a frame are 92 MB for four hours at 25 frames a second."""


class Measures(Struct, frozen=True, kw_only=True):
    """All that finding shots needs to know of a run of frames. Arrays are little-endian bytes, as they travel.

    Attributes:
        ticks: each frame's time in units of `time_base` from the video's first frame, int64, ascending.
        scores: PySceneDetect's content score of each frame against the one before, float64, 0 for the first.
        thumbnails: of each frame, `THUMBNAIL_SIDE` rows of as many grey values.
        origin: the container's time stamp that ticks count from, in the same units.
        time_base: seconds, numerator and denominator.
        frame_rate: average frames a second, likewise.
        skipped: frames that could not be decoded.
    """

    ticks: bytes = b""
    scores: bytes = b""
    thumbnails: bytes = b""
    origin: int = 0
    time_base: tuple[int, int] = (1, 1000)
    frame_rate: tuple[int, int] = (25, 1)
    skipped: int = 0

    def __len__(self) -> int:
        return len(self.ticks) // 8

    def changes(self) -> Iterator[tuple[int, float]]:
        """Yield each frame's ticks and score."""
        return zip(np.frombuffer(self.ticks, "<i8").tolist(), np.frombuffer(self.scores, "<f8").tolist(), strict=True)

    @property
    def times(self) -> NDArray[np.float64]:
        """Seconds of each frame from the video's first."""
        numerator, denominator = self.time_base
        return np.frombuffer(self.ticks, dtype="<i8") * (numerator / denominator)

    @property
    def pictures(self) -> NDArray[np.uint8]:
        """The thumbnails as (frames, pixels)."""
        return np.frombuffer(self.thumbnails, dtype=np.uint8).reshape(-1, THUMBNAIL_SIDE**2)

    def part(self, start: int, stop: int) -> "Measures":
        """Return the frames [start, stop)."""
        pixels = THUMBNAIL_SIDE**2
        return Measures(
            ticks=self.ticks[8 * start : 8 * stop],
            scores=self.scores[8 * start : 8 * stop],
            thumbnails=self.thumbnails[pixels * start : pixels * stop],
            origin=self.origin,
            time_base=self.time_base,
            frame_rate=self.frame_rate,
            skipped=self.skipped,
        )


class _Recorder(ContentDetector):  # type: ignore[misc]  # its library has no types
    """Takes PySceneDetect's measure of each frame and decides nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.ticks = array("q")
        self.scores = array("d")
        self.thumbnails = bytearray()

    def process_frame(self, timecode: FrameTimecode, frame_img: NDArray[np.uint8]) -> list[FrameTimecode]:
        """Measure a frame; its name and arguments are the library's."""
        self.ticks.append(timecode.pts)
        self.scores.append(self._calculate_frame_score(timecode, frame_img))
        side = (THUMBNAIL_SIDE, THUMBNAIL_SIDE)
        small = cv2.cvtColor(cv2.resize(frame_img, side, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2GRAY)
        self.thumbnails += small.tobytes()
        return []


def measured(stream: DetectionStream) -> Measures:
    """Read all of `stream` and return its frames' measures.

    Raises:
        Transient: if the store cannot be reached.
    """
    cv2.setNumThreads(1)  # pictures this small are done sooner than they are shared out
    recorder = _Recorder()
    manager = SceneManager()
    manager.auto_downscale = False  # the stream does it
    manager.add_detector(recorder)
    manager.detect_scenes(stream)
    time_base, rate = stream.time_base, stream.frame_rate
    return Measures(
        ticks=recorder.ticks.tobytes(),
        scores=recorder.scores.tobytes(),
        thumbnails=bytes(recorder.thumbnails),
        origin=stream.origin,
        time_base=(time_base.numerator, time_base.denominator),
        frame_rate=(rate.numerator, rate.denominator),
        skipped=stream.decode_failures,
    )
