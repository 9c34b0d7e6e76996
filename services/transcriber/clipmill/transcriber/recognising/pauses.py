"""Silences between words, and word times snapped to their edges.

Whisper's attention places a word to about 0.1 s, and a word after a silence often too early or too late. The edges of
the silence itself are exact. Noise and music have no silence, so nothing is changed there.
"""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from clipmill.transcriber.hearing.audio import RATE, Samples
from clipmill.transcriber.recognising.words import RawWord

FRAME_SECONDS = 0.01
"""Resolution of the level."""

BLOCK_SECONDS = 30.0
"""Length of a block, which has its own threshold of silence because speakers and rooms change."""

LEAST_RANGE_DB = 25.0
"""Least range between the quiet and the loud parts of a block; below it, silence and speech cannot be distinguished."""

SILENT_SHARE = 0.3
"""Lowest part of that range that counts as silent: above room tone, below the softest consonants."""

FLOOR_DB = -75.0
"""Level of digital silence, which would otherwise widen the range without end."""

SHORTEST_PAUSE_SECONDS = 0.1
"""Shortest pause between words: a closed mouth inside a word (before p, t, k) is shorter."""

REACH_SECONDS = 0.8
"""Longest move of a word's edge: a longer one would not correct attention but reach another word."""

SLACK_SECONDS = 0.05
"""Longest overlap of a pause and a word beside it; a pause that overlaps more is inside the word."""

MARGIN_SECONDS = 0.02
"""Time by which words begin before, and end after, they can be heard."""


class Pause(NamedTuple):
    """A silence from `start` to `end`, in seconds."""

    start: float
    end: float


def find_pauses(samples: Samples) -> list[Pause]:
    """Return the silences of at least `SHORTEST_PAUSE_SECONDS`, in order.

    Args:
        samples: Mono sound at `RATE`.
    """
    frame = int(FRAME_SECONDS * RATE)
    count = len(samples) // frame
    if not count:
        return []
    power = np.square(samples[: count * frame]).reshape(count, frame).mean(axis=1)
    level = np.maximum(10 * np.log10(power + 1e-12), FLOOR_DB)
    block = int(BLOCK_SECONDS / FRAME_SECONDS)
    silent = np.concatenate([_silent(level[start : start + block]) for start in range(0, count, block)])
    edges = np.flatnonzero(np.diff(np.concatenate(([False], silent, [False]))))
    spans = (edges * FRAME_SECONDS).reshape(-1, 2).tolist()
    return [Pause(start, end) for start, end in spans if end - start >= SHORTEST_PAUSE_SECONDS - FRAME_SECONDS / 2]


def _silent(level: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    low, high = np.percentile(level, (5, 95))
    if high - low < LEAST_RANGE_DB:
        return np.zeros(len(level), np.bool_)
    return np.asarray(level < low + SILENT_SHARE * (high - low), np.bool_)


def snap_to_pauses(words: Sequence[RawWord], pauses: Sequence[Pause]) -> list[RawWord]:
    """Return the words, those beside a pause snapped to its edges; words without times stay as they are.

    Args:
        words: Words in order.
        pauses: Pauses in order.
    """
    snapped = list(words)
    timed = [number for number, word in enumerate(snapped) if word.start is not None and word.end is not None]
    middles = [((snapped[number].start or 0.0) + (snapped[number].end or 0.0)) / 2 for number in timed]
    for pause in pauses:
        place = bisect_right(middles, (pause.start + pause.end) / 2)
        before = timed[place - 1] if place else None
        after = timed[place] if place < len(timed) else None
        if before is not None and pause.end < (snapped[before].end or 0.0) - SLACK_SECONDS:
            continue
        if after is not None and pause.start > (snapped[after].start or 0.0) + SLACK_SECONDS:
            continue
        if before is not None:
            snapped[before] = _end_at(snapped[before], min(pause.end, pause.start + MARGIN_SECONDS))
        if after is not None:
            snapped[after] = _begin_at(snapped[after], max(pause.start, pause.end - MARGIN_SECONDS))
    return snapped


def _begin_at(word: RawWord, begin: float) -> RawWord:
    start, end = word.start or 0.0, word.end or 0.0
    fits = abs(begin - start) <= REACH_SECONDS and begin < end - MARGIN_SECONDS
    return word._replace(start=begin) if fits else word


def _end_at(word: RawWord, finish: float) -> RawWord:
    start, end = word.start or 0.0, word.end or 0.0
    fits = abs(finish - end) <= REACH_SECONDS and finish > start + MARGIN_SECONDS
    return word._replace(end=finish) if fits else word
