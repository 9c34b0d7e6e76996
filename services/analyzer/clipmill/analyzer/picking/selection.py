"""The ranked list of a source's moments, which does not depend on how many clips a job asks for.

A plan of n clips is the first n moments of the list, so a larger plan contains every smaller one and its best score is
never lower (docs/decisions/0009-one-ranked-list-of-moments.md).
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from clipmill.analyzer.picking.repeats import Repeats
from clipmill.analyzer.picking.scheduling import Gap, Indices, Mask, Numbers, Room, best_total, gaps_between, times_of
from clipmill.analyzer.talk.material import FEWEST_CLIPS
from clipmill.analyzer.talk.windows import Window
from clipmill.contracts.options import CLIPS_LIMIT, JOB_CLIPS_LIMIT
from msgspec import Struct

GOOD_DEVIATIONS = 1.0
"""Value from which a moment is good, in standard deviations above the mean of all windows of its source. All planted
highlights of the development corpus exceed it by at least a quarter of a deviation, whatever is left out of sound,
shots or punctuation, and nothing else there exceeds even the mean."""

LEAD = 1.0
"""Value by which a window must beat its rivals, in standard deviations. Two moments side by side win over a window that
runs across both, if together they are worth less by no more than this. On the generated talks this finds most of the
planted highlights; without it, or with twice as much, a window across two takes the place of a twentieth of them."""

ROOM_KEPT = 1 / 3
"""Share of the largest possible number of clips that a list has at least, so clips may be three times as long as the
shortest. Without a limit, two long clips could use up a short source. With more, all clips would be short."""

COPY_DEVIATIONS = 1.0
"""Value that a copy of a passage in better surroundings may lack, in standard deviations: the words are the same, so
the rest is about its neighbours."""

COPY_SHARE = 0.8
"""Share of what is repeated that such a copy must have."""


def kept_room(room: int, room_of_longest: int) -> int:
    """Return the least number of moments in the list of a source.

    Args:
        room: Largest number of windows that fit side by side into the source.
        room_of_longest: Number of clips of the largest allowed length that fit.
    """
    return min(room, max(FEWEST_CLIPS, math.ceil(room * ROOM_KEPT), room_of_longest), CLIPS_LIMIT)


class Candidates(Struct, frozen=True, kw_only=True):
    """The windows of one source, with all that decides among them.

    Attributes:
        windows: Windows of the source.
        values: Value of each window, of which only order and distances have a meaning.
        complete: True for each window that can be understood alone; the others only fill what these leave free.
        longest_ms: Length of the longest clip that is allowed, in milliseconds.
        repeats: Finder of copies, None if nothing is said.
        longer: Function that returns the index of the window that should take the place of another, None for itself.
        surroundings: Function that returns the quality of a window's surroundings and edges, to choose among copies.
    """

    windows: Sequence[Window]
    values: Sequence[float]
    complete: Sequence[bool]
    longest_ms: int
    repeats: Repeats | None = None
    longer: Callable[[int], int | None] = lambda _: None
    surroundings: Callable[[int], float] = lambda _: 0.0


def deviations(values: Sequence[float]) -> Numbers:
    """Return each of `values` in standard deviations above their mean."""
    worth = np.asarray(values, dtype=np.float64)
    return (worth - worth.mean()) / (worth.std() or 1.0) if len(worth) else worth


def ranked(candidates: Candidates, taken: Sequence[Window] = ()) -> list[int]:
    """Return the indices of up to `JOB_CLIPS_LIMIT` windows, the best first, complete ones before the others.

    They neither overlap nor repeat each other or `taken`.
    """
    return _Choice(candidates, taken).made() if candidates.windows else []


class _Choice:
    """One choice among candidates, while it is made."""

    def __init__(self, candidates: Candidates, taken: Sequence[Window]) -> None:
        self._candidates = candidates
        self._starts, self._ends = times_of(candidates.windows)
        self._firsts = np.array([window.first for window in candidates.windows], dtype=np.int64)
        self._lasts = np.array([window.last for window in candidates.windows], dtype=np.int64)
        self._complete: Mask = np.array(candidates.complete, dtype=np.bool_)
        self._values = deviations(candidates.values)
        self._free: Mask = np.ones(len(self._values), dtype=np.bool_)
        self._end = int(self._ends.max())
        self._longest = int((self._ends - self._starts).max())
        self._blocked: list[Gap] = []
        self._chosen: list[int] = []
        for window in taken:
            self._exclude(window)
        self._room = Room(self._starts[self._free], self._ends[self._free])
        gaps = self._gaps()
        long = sum((end - start) // candidates.longest_ms for start, end in gaps)
        self._kept = kept_room(sum(map(self._room.within, gaps)), long)

    def made(self) -> list[int]:
        """Return the chosen windows, ranked."""
        for among in (self._complete, np.ones_like(self._complete)):
            while len(self._chosen) < JOB_CLIPS_LIMIT and self._added(among):
                pass
        return sorted(self._chosen, key=lambda one: (not self._complete[one], -self._values[one], self._starts[one]))

    def _added(self, among: Mask) -> bool:
        """Choose one more window `among` the free ones, and return whether there was any."""
        possible = np.flatnonzero(among & self._free)
        possible = possible[self._spares(possible)]
        if not len(possible):
            return False
        rivals = self._rivals(possible)
        best = max(rivals, key=lambda index: (self._values[index], -self._starts[index]))
        self._choose(best, [index for index in rivals if index != best])
        return True

    def _rivals(self, possible: Indices) -> list[int]:
        """Return the best set of windows at the place of the most valuable one, which may not be among them."""
        top = possible[np.argmax(self._values[possible])]
        floor = self._values[top] - LEAD
        earliest, latest = self._starts[top] - self._longest, self._ends[top] + self._longest
        near = (self._ends[possible] > earliest) & (self._starts[possible] < latest) & (self._values[possible] > floor)
        close = possible[near]
        chosen = best_total(self._starts[close], self._ends[close], self._values[close] - floor)
        return [int(close[place]) for place in chosen]

    def _choose(self, index: int, others: Sequence[int]) -> None:
        """Choose a window, or the better copy or longer version of it that overlaps none of `others`."""
        better = self._better_copy(index)
        longer = self._candidates.longer(better)
        if longer is not None and self._may_replace(longer, others):
            better = longer
        self._chosen.append(better)
        for one in {index, better}:
            self._exclude(self._candidates.windows[one], blocking=one == better)

    def _may_replace(self, index: int, others: Sequence[int]) -> bool:
        window = self._candidates.windows[index]
        clear = not any(window.overlaps(self._candidates.windows[other]) for other in others)
        return bool(clear and self._free[index] and self._complete[index] and self._spares(np.array([index]))[0])

    def _better_copy(self, index: int) -> int:
        """Return the copy of a window with the best surroundings, at each place its most valuable one."""
        repeats, window = self._candidates.repeats, self._candidates.windows[index]
        if repeats is None:
            return index
        common, repeated = repeats.shared(window, self._firsts, self._lasts)
        rivals = repeated & self._free & self._apart(window) & (self._complete >= self._complete[index])
        rivals &= self._values >= self._values[index] - COPY_DEVIATIONS
        if not rivals.any():
            return index
        left = np.flatnonzero(rivals & (common >= COPY_SHARE * common[rivals].max()))
        left = left[self._spares(left)]
        places = [index]
        while len(left):
            places.append(int(left[np.argmax(self._values[left])]))
            left = left[self._apart(self._candidates.windows[places[-1]])[left]]
        return max(places, key=self._candidates.surroundings)

    def _exclude(self, window: Window, *, blocking: bool = True) -> None:
        """Exclude what repeats `window` and, if it is `blocking`, what overlaps it."""
        if blocking:
            self._blocked.append((window.start_ms, window.end_ms))
            self._free &= self._apart(window)
        if self._candidates.repeats is not None:
            self._free &= ~self._candidates.repeats.shared(window, self._firsts, self._lasts)[1]

    def _apart(self, window: Window) -> Mask:
        """Return which windows do not overlap `window`."""
        return (self._starts >= window.end_ms) | (self._ends <= window.start_ms)

    def _gaps(self) -> list[Gap]:
        return gaps_between(self._blocked, self._end)

    def _spares(self, indices: Indices) -> Mask:
        """Return which free windows leave room for the least number of moments."""
        spared: Mask = np.ones(len(indices), dtype=np.bool_)
        if len(self._chosen) + 1 >= self._kept:
            return spared
        gaps = self._gaps()
        counts = [self._room.within(gap) for gap in gaps]
        starts, ends = self._starts[indices], self._ends[indices]
        for gap, count in zip(gaps, counts, strict=True):
            inside = (starts >= gap[0]) & (ends <= gap[1])
            beside = self._room.beside(gap, starts[inside], ends[inside])
            spared[inside] = len(self._chosen) + 1 + sum(counts) - count + beside >= self._kept
        return spared
