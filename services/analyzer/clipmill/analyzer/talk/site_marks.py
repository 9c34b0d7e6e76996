"""The marks that a source has from its site: the parts that viewers replay most, and chapters.

Sites and owners decide what is in them, so they are evidence with a limit, and no text of theirs is used.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.documents import Chapter, HeatPoint

INTRO_SHARE = 0.1
"""Share of the video in which replays that only fall from the start on show nothing: everybody begins there, and many
leave."""

FEWEST_POINTS = 5
"""Fewest parts of a curve that can be compared."""

OPENING_MS = 5000
"""Time after the start of a chapter up to which a clip opens it, in milliseconds: a sentence that names its subject."""

ROUNDED_MS = 1000
"""Time by which a chapter may start too late or too early, in milliseconds: owners write whole seconds."""


class Replays:
    """The curve of replays, compared with itself.

    Args:
        points: Parts of the curve, in order of time, whose times count from the start of the used part of the source.
    """

    def __init__(self, points: Sequence[HeatPoint]) -> None:
        usual = median(point.value for point in points)
        falling = next(
            (at for at, (one, other) in enumerate(pairwise(points), 1) if other.value > one.value), len(points)
        )
        end = points[0].start + INTRO_SHARE * (points[-1].end - points[0].start)
        values = [
            min(point.value, usual) if at < falling and point.start < end else point.value
            for at, point in enumerate(points)
        ]
        highest = max(values)
        self._starts = [round(point.start * 1000) for point in points]
        self._ends = [round(point.end * 1000) for point in points]
        self._excess = [max(value - usual, 0.0) / (highest - usual) if highest > usual else 0.0 for value in values]

    def excess(self, window: Window) -> float:
        """Return how far the most replayed part of a window is above the usual, from 0 to 1 for the peak of the video.

        A part of the curve counts by the share of it that the window has.
        """
        first = bisect_right(self._ends, window.start_ms)
        last = bisect_left(self._starts, window.end_ms)
        return max((self._share(at, window) * self._excess[at] for at in range(first, last)), default=0.0)

    def _share(self, at: int, window: Window) -> float:
        start, end = self._starts[at], self._ends[at]
        inside = min(end, window.end_ms) - max(start, window.start_ms)
        return inside / min(end - start, window.length_ms) if end > start else 0.0


class ChapterStarts:
    """The places where chapters start.

    Args:
        chapters: Chapters, in order of time, whose times count from the start of the used part of the source.
        duration_ms: Length of that part, in milliseconds.
    """

    def __init__(self, chapters: Sequence[Chapter], duration_ms: int) -> None:
        starts = (round(chapter.start * 1000) for chapter in chapters)
        self._starts = [start for start in starts if 0 <= start < duration_ms]

    def favour(self, window: Window) -> float:
        """Return 1 for a window that opens a chapter, -1 for one with the start of another inside, 0 for others."""
        inside = bisect_right(self._starts, window.start_ms + ROUNDED_MS)
        if inside < bisect_left(self._starts, window.end_ms - ROUNDED_MS):
            return -1.0
        return float(inside > bisect_left(self._starts, window.start_ms - OPENING_MS))


def replays_of(heatmap: Sequence[HeatPoint], offset: float, duration: float) -> Replays | None:
    """Return the curve of replays of a part of a source, None if too little of it is known.

    Args:
        heatmap: Curve of the source.
        offset: Start of the part, in seconds.
        duration: Length of the part, in seconds.
    """
    points = [
        HeatPoint(start=max(point.start - offset, 0.0), end=min(point.end - offset, duration), value=point.value)
        for point in heatmap
        if point.start < offset + duration and point.end > offset
    ]
    return Replays(points) if len(points) >= FEWEST_POINTS else None


def chapters_in(chapters: Sequence[Chapter], offset: float, duration_ms: int) -> ChapterStarts | None:
    """Return where chapters start in a part of a source, None if it has no more than one.

    Args:
        chapters: Chapters of the source.
        offset: Start of the part, in seconds.
        duration_ms: Length of the part, in milliseconds.
    """
    moved = [Chapter(start=chapter.start - offset, end=chapter.end - offset) for chapter in chapters]
    inside = [chapter for chapter in moved if chapter.end > 0 and chapter.start * 1000 < duration_ms]
    return ChapterStarts(inside, duration_ms) if len(inside) > 1 else None
