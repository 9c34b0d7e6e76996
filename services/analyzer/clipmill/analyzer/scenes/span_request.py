"""A span of a long video as a child process is asked to measure it: the request, the result and the function there."""

from collections.abc import Iterator

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

SPAN_TARGET = "clipmill.analyzer.scenes.span_measuring:measure_span"
"""The function that runs in each child process."""

THUMBNAIL_SIDE = 16
"""Pixels of a thumbnail's sides, whatever the shape of the picture. Small movements vanish in pictures this coarse,
mixed pictures stay mixed; and 256 bytes a frame are 92 MB for four hours at 25 frames a second."""


class Span(Struct, frozen=True, kw_only=True):
    """A part of a video, from a keyframe up to the next span's; times are the stream's own stamps, in its time base.

    Attributes:
        sought: where to seek to before the keyframe is looked for; None at the first frame of the video.
        first: the keyframe with which it begins; None for the beginning of the video.
        next: the keyframe with which the next span begins; None if this one goes on to the end.
    """

    sought: int | None = None
    first: int | None = None
    next: int | None = None


WHOLE = Span()
"""All of a video."""


class SpanRequest(Struct, frozen=True, kw_only=True):
    """What one process is to measure.

    Attributes:
        store_url: the artifact store.
        key: the video in it.
        longest_side: pixels of the pictures compared.
        span: the part of it.
        start: about where the part begins, seconds from the first frame, for the progress.
        end: about where it ends, seconds from the first frame.
        threads: that decode.
    """

    store_url: str
    key: str
    longest_side: int
    span: Span
    start: float
    end: float
    threads: int


class Measures(Struct, frozen=True, kw_only=True):
    """All that finding shots needs to know of a run of frames. Arrays are little-endian bytes, as they travel.

    Attributes:
        ticks: each frame's time in units of `time_base` from the video's first frame, int64, ascending.
        scores: PySceneDetect's content score of each frame against the one before, float64, 0 for the first.
        thumbnails: of each frame, `THUMBNAIL_SIDE` rows of as many grey values.
        origin: the container's time stamp that ticks count from, in the same units.
        time_base: seconds, numerator and denominator.
        frame_rate: average frames a second of the whole video.
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
