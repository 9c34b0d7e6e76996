"""Sets of windows that do not overlap: the most valuable one, and the number that fits."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from clipmill.analyzer.talk.windows import Window

Times = np.ndarray[tuple[int], np.dtype[np.int64]]
"""Times, in milliseconds."""

Indices = np.ndarray[tuple[int], np.dtype[np.int64]]
Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]
Mask = np.ndarray[tuple[int], np.dtype[np.bool_]]

Gap = tuple[int, int]
"""Start and end of a part of the source that is still free, in milliseconds."""


def times_of(windows: Sequence[Window]) -> tuple[Times, Times]:
    """Return the starts and the ends of `windows`."""
    starts = np.array([window.start_ms for window in windows], dtype=np.int64)
    return starts, np.array([window.end_ms for window in windows], dtype=np.int64)


def best_total(starts: Times, ends: Times, worth: Numbers) -> list[int]:
    """Return the indices of the windows without overlap whose worth has the highest total, in order of time.

    This is weighted interval scheduling (Kleinberg and Tardos 2005, section 6.1). It goes through the windows by their
    end; the best total up to a window either leaves it out, or is its worth and the best total of those that end before
    it starts. It takes O(n · log n).

    Args:
        starts: Starts of the windows.
        ends: Ends of the windows.
        worth: Worth of each window; a window whose worth is not positive is never chosen.
    """
    order = np.lexsort((starts, ends))
    before = np.searchsorted(ends[order], starts[order], side="right").tolist()
    totals = [0.0]
    for place, one in enumerate(worth[order].tolist()):
        totals.append(max(totals[place], totals[before[place]] + one))
    chosen: list[int] = []
    place = len(order)
    while place:
        if totals[place] > totals[place - 1]:
            chosen.append(int(order[place - 1]))
            place = before[place - 1]
        else:
            place -= 1
    return chosen[::-1]


class Room:
    """Counts how many windows fit side by side into free parts of a source.

    Args:
        starts: Starts of all windows.
        ends: Ends of all windows.
    """

    def __init__(self, starts: Times, ends: Times) -> None:
        by_start, by_end = np.argsort(starts, kind="stable"), np.argsort(ends, kind="stable")
        self._starts, self._ends = starts[by_start], ends[by_end]
        # The earliest end of the windows that start here or later, and the latest start of those that end by here.
        self._earliest = np.minimum.accumulate(ends[by_start][::-1])[::-1]
        self._latest = np.maximum.accumulate(starts[by_end])

    def within(self, gap: Gap) -> int:
        """Return the largest number of windows that fit into `gap` without overlap."""
        return len(self._forward(gap))

    def beside(self, gap: Gap, starts: Times, ends: Times) -> Times:
        """Return how many windows fit into `gap` before and after each of the given ones, which are inside it."""
        before = np.searchsorted(np.array(self._forward(gap), dtype=np.int64), starts, side="right")
        backward = np.array(self._backward(gap)[::-1], dtype=np.int64)
        return before + len(backward) - np.searchsorted(backward, ends, side="left")

    def _forward(self, gap: Gap) -> list[int]:
        """Return the ends of the windows that are packed from the start of `gap`, each as early as possible."""
        found: list[int] = []
        reached, limit = gap
        while (at := int(np.searchsorted(self._starts, reached))) < len(self._starts):
            reached = int(self._earliest[at])
            if reached > limit:
                break
            found.append(reached)
        return found

    def _backward(self, gap: Gap) -> list[int]:
        """Return the starts of the windows that are packed from the end of `gap`, each as late as possible."""
        found: list[int] = []
        limit, reached = gap
        while at := int(np.searchsorted(self._ends, reached, side="right")):
            reached = int(self._latest[at - 1])
            if reached < limit:
                break
            found.append(reached)
        return found


def gaps_between(blocked: Sequence[Gap], end: int) -> list[Gap]:
    """Return the gaps from 0 to `end` between the intervals of `blocked`, which do not overlap."""
    edges = [0, *(edge for interval in sorted(blocked) for edge in interval), end]
    return [(start, until) for start, until in list(pairwise(edges))[::2] if start < until]
