"""The marks that a site sets on its video: the most replayed parts, and chapters.

Sites decide what is in them, so everything is checked: an entry that makes no sense is left out, and the rest is kept.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from clipmill.contracts.documents import Chapter, HeatPoint
from clipmill.downloader.naming import title_of

HEAT_LIMIT = 200
"""Most parts of a curve of replays that are kept: YouTube has 100."""

CHAPTERS_LIMIT = 500
"""Most chapters that are kept: one every minute in a video of eight hours."""

CHAPTER_TITLE_LIMIT = 200
"""Longest title of a chapter, in characters: twice as many as YouTube allows for a video."""

OVERLAP_SECONDS = 0.05
"""Time by which an entry may begin before the end of the one before it, in seconds: sites round their times."""

Entry = Mapping[str, object]


def heatmap_of(info: Entry, duration: float) -> tuple[HeatPoint, ...]:
    """Return the curve of replays in yt-dlp's facts about a video; empty if the site has none.

    Args:
        info: Facts that yt-dlp found.
        duration: Time up to which the marks may reach, in seconds.
    """
    points = [
        HeatPoint(start=start, end=end, value=value)
        for start, end, entry in _entries(info.get("heatmap"), duration)
        if (value := _finite(entry.get("value"))) is not None and 0.0 <= value <= 1.0
    ]
    return tuple(points[:HEAT_LIMIT])


def chapters_of(info: Entry, duration: float) -> tuple[Chapter, ...]:
    """Return the chapters in yt-dlp's facts about a video; empty if it has none.

    Args:
        info: Facts that yt-dlp found.
        duration: Time up to which the marks may reach, in seconds.
    """
    chapters = [
        Chapter(start=start, end=end, title=title_of(str(entry.get("title") or ""))[:CHAPTER_TITLE_LIMIT].strip())
        for start, end, entry in _entries(info.get("chapters"), duration)
    ]
    return tuple(chapters[:CHAPTERS_LIMIT])


def heat_within(points: Sequence[HeatPoint], duration: float) -> tuple[HeatPoint, ...]:
    """Return the parts of a curve that a video of `duration` seconds has."""
    return tuple(
        HeatPoint(start=point.start, end=min(point.end, duration), value=point.value)
        for point in points
        if point.start < duration
    )


def chapters_within(chapters: Sequence[Chapter], duration: float) -> tuple[Chapter, ...]:
    """Return the chapters that a video of `duration` seconds has."""
    return tuple(
        Chapter(start=chapter.start, end=min(chapter.end, duration), title=chapter.title)
        for chapter in chapters
        if chapter.start < duration
    )


def _entries(found: object, duration: float) -> Iterator[tuple[float, float, Entry]]:
    """Yield start, end and content of the entries that follow one another, in seconds."""
    reached = 0.0
    for entry in found if isinstance(found, list) else []:
        if not isinstance(entry, dict):
            continue
        start, end = _finite(entry.get("start_time")), _finite(entry.get("end_time"))
        if start is None or end is None or start < reached - OVERLAP_SECONDS:
            continue
        start, end = max(start, reached), min(end, duration)
        if start < end:
            yield start, end, entry
            reached = end


def _finite(value: object) -> float | None:
    """Return a number as a float, None for anything that is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
