"""Picks segments where nobody speaks, by the sound and by the shots."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate

import numpy as np
from clipmill.analyzer.picking.scheduling import Numbers
from clipmill.analyzer.picking.selection import Candidates, ranked
from clipmill.analyzer.talk.boundaries import CUT_REACH_MS
from clipmill.analyzer.talk.site_marks import Replays
from clipmill.analyzer.talk.sound.reactions import QUIET_SECONDS, Reaction
from clipmill.analyzer.talk.windows import Lengths, Window
from msgspec import Struct

PREFERRED_MS = 30_000
"""Preferred length: long enough to show something, short enough to be watched to the end."""

STEP_MS = 1000
"""Distance of possible starts, because levels are known by the second. Segments may also start at each cut."""

LIVELY_DB = 6.0
"""Decibels above the median of the video that count as clearly loud: double the amplitude."""

LOUDNESS = 1.0
"""Weight of loudness, because cheers, crashes and music mark events. Loudness alone finds most highlights of sports
(Rui, Gupta and Acero 2000, "Automatically extracting highlights for TV baseball programs")."""

CHANGE = 0.5
"""Weight of changing sound: steady noise is an engine or the wind, while a sound that rises and falls is an event."""

CUTTING = 0.3
"""Weight of each doubling of the number of cuts, up to three, because editors cut fast where much happens."""

START_ON_CUT = 0.3
"""Weight of a start on a cut, which shows a shot from its first frame."""

REACTIONS = 0.5
"""Weight of each laugh, applause or cheer inside, up to `MOST_REACTIONS`: two weigh as much as sound that is clearly
loud throughout, which may be the crowd itself."""

MOST_REACTIONS = 2.0

REPLAYS = 1.0
"""Weight of the most replayed part of the video, as much as of clear loudness: viewers have chosen it."""

SHORTNESS = 0.3
"""Weight against short segments, because one of the preferred length shows more."""

EVENNESS = 0.2
"""Weight of an even spread; small, so it decides only where nothing else does."""

FINENESS = 4
"""Number of even spreads, of 1, 3, 9 and 27 places: the middles of three times as many equal parts are among these, so
one list of places serves any number of clips."""


class WordlessSegment(Struct, frozen=True):
    """A segment without speech.

    Attributes:
        window: Part of the source.
        parts: Value of each kind of evidence, by its name.
        reason: Reason for the choice, for people.
    """

    window: Window
    parts: dict[str, float]
    reason: str

    @property
    def value(self) -> float:
        """Value of the segment, about -3 to 3."""
        return sum(self.parts.values())


class Wordless:
    """Values the segments of one source in which nobody speaks.

    Args:
        levels: Mean power of each second from second 0 on, in dBFS; empty if unknown.
        cuts_ms: Times of the first frames of shots, in milliseconds, ascending.
        duration_ms: Length of the source, in milliseconds.
        reactions: Reactions of the audience, in order of time.
        replays: Curve of replays, None if it is not known.
        unknown: True if somebody may speak in the segments, whose words are not known.
    """

    def __init__(
        self,
        levels: Sequence[int],
        cuts_ms: Sequence[int],
        duration_ms: int,
        reactions: Sequence[Reaction] = (),
        replays: Replays | None = None,
        *,
        unknown: bool = False,
    ) -> None:
        self._silence = "its words are not known" if unknown else "nobody speaks here"
        self._cuts = cuts_ms
        self._reactions = reactions
        self._onsets = [one.onset for one in reactions]
        self._latest_offsets = list(accumulate((one.offset for one in reactions), max))
        self._replays = replays
        self._duration_ms = duration_ms
        heard = np.asarray(levels[: duration_ms // 1000 + 1], dtype=np.float64)
        self._usual = float(np.median(heard)) if heard.size else 0.0
        louder = np.clip((heard - self._usual) / LIVELY_DB, -1.0, 1.0)
        changes = np.abs(np.diff(heard, prepend=heard[:1]))
        usual_change = float(np.mean(changes)) if heard.size else 0.0
        lively = np.clip(changes / usual_change - 1, -1.0, 1.0) if usual_change else np.zeros_like(heard)
        self._heard, self._louder, self._lively = _sums(heard), _sums(louder), _sums(lively)

    def ranked(self, free: Sequence[tuple[int, int]], lengths: Lengths) -> list[WordlessSegment]:
        """Return segments that do not overlap, the best first.

        Args:
            free: Free intervals, in milliseconds, ascending.
            lengths: Allowed lengths of clips.
        """
        windows = [window for start, end in free for window in self._candidates(start, end, lengths)]
        unevenness = _unevenness(windows, free)
        parts = [
            {**self._parts(window, lengths), "spread": -EVENNESS * uneven}
            for window, uneven in zip(windows, unevenness.tolist(), strict=True)
        ]
        candidates = Candidates(
            windows=windows,
            values=[sum(each.values()) for each in parts],
            complete=[window.length_ms >= _preferred(lengths) - CUT_REACH_MS for window in windows],
            longest_ms=lengths.longest_ms,
        )
        return [
            WordlessSegment(windows[index], parts[index], self._reason(windows[index])) for index in ranked(candidates)
        ]

    def _candidates(self, start: int, end: int, lengths: Lengths) -> list[Window]:
        """Return windows between `start` and `end`: of the preferred length, of the shortest, or of all there is."""
        room = end - start
        found: set[tuple[int, int]] = set()
        for length in sorted({min(_preferred(lengths), room), lengths.shortest_ms}):
            starts = {*range(start, end - length + 1, STEP_MS), end - length}
            # With these starts the windows follow one another without a gap, so as many as possible fit.
            starts.update(range(start, end - length + 1, length))
            starts.update(cut for cut in self._between(start, end - length))
            found.update((begin, self._ending(begin + length, begin, end, lengths)) for begin in starts)
            if length == lengths.shortest_ms:
                found.update((begin, begin + length) for begin in starts)
        return [Window(first=0, last=-1, start_ms=begin, end_ms=until) for begin, until in sorted(found)]

    def _ending(self, time: int, begin: int, limit: int, lengths: Lengths) -> int:
        """Return the cut nearest to `time` if it is near, because else a few frames of another shot would flash up."""
        lowest, highest = begin + lengths.shortest_ms, min(limit, begin + lengths.longest_ms)
        near = [cut for cut in self._between(time - CUT_REACH_MS, time + CUT_REACH_MS) if lowest <= cut <= highest]
        return min(near, key=lambda cut: (abs(cut - time), cut), default=time)

    def _between(self, lowest: int, highest: int) -> Sequence[int]:
        return self._cuts[bisect_left(self._cuts, lowest) : bisect_right(self._cuts, highest)]

    def _parts(self, window: Window, lengths: Lengths) -> dict[str, float]:
        """Return the value of each kind of evidence for `window`, by its name in a plan."""
        return {
            "loudness": LOUDNESS * self._mean(self._louder, window),
            "change": CHANGE * self._mean(self._lively, window),
            "cuts": CUTTING * self._cutting(window),
            "boundary": START_ON_CUT * bool(self._between(window.start_ms, window.start_ms)),
            "reactions": REACTIONS * (self._reacted(window) - self._starts_in_reaction(window)),
            "replays": REPLAYS * (self._replays.excess(window) if self._replays is not None else 0.0),
            "length": -SHORTNESS * max(1 - window.length_ms / _preferred(lengths), 0.0),
        }

    def _reacted(self, window: Window) -> float:
        """Return the weight of the reactions to what a window shows, up to `MOST_REACTIONS`."""
        first = bisect_right(self._onsets, window.start_ms / 1000 + QUIET_SECONDS)
        last = bisect_left(self._onsets, window.end_ms / 1000)
        return min(sum(one.weight for one in self._reactions[first:last]), MOST_REACTIONS)

    def _starts_in_reaction(self, window: Window) -> bool:
        """Return whether a window starts while people react to what was before it."""
        start = window.start_ms / 1000
        before = bisect_left(self._onsets, start)
        return before > 0 and start < self._latest_offsets[before - 1]

    def _cutting(self, window: Window) -> float:
        """Return the rate of cuts compared with that of the source, in doublings, -3 to 3."""
        inside = len(self._between(window.start_ms, window.end_ms - 1))
        expected = len(self._cuts) * window.length_ms / self._duration_ms
        return float(np.clip(np.log2((inside + 1) / (expected + 1)), -3.0, 3.0))

    @staticmethod
    def _mean(sums: np.ndarray[tuple[int], np.dtype[np.float64]], window: Window) -> float:
        """Return the mean over the seconds of `window` from the running sums; 0 if there are no levels."""
        first = min(window.start_ms // 1000, len(sums) - 1)
        last = min(-(-window.end_ms // 1000), len(sums) - 1)
        return float(sums[last] - sums[first]) / (last - first) if last > first else 0.0

    def _reason(self, window: Window) -> str:
        said: list[str] = []
        if self._reacted(window):
            said.append("people are heard to react")
        louder = self._mean(self._heard, window) - self._usual
        if len(self._heard) > 1 and louder >= 1:
            said.append(f"it is {louder:.0f} dB louder than usual")
        if len(self._heard) > 1 and self._mean(self._lively, window) > 0:
            said.append("its sound changes a lot")
        inside = len(self._between(window.start_ms, window.end_ms - 1))
        starts_on_cut = bool(self._between(window.start_ms, window.start_ms))
        inside -= starts_on_cut
        if inside:
            said.append(f"it has {inside} cut{'s' * (inside > 1)}")
        if starts_on_cut:
            said.append("it starts on a cut")
        return f"Picked locally: {self._silence}; {', '.join(said) or 'it is spaced evenly between the other clips'}."


def _preferred(lengths: Lengths) -> int:
    """Return the allowed length nearest to the preferred one, in milliseconds."""
    return max(lengths.shortest_ms, min(PREFERRED_MS, lengths.longest_ms))


def _sums(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.concatenate(([0.0], np.cumsum(values)))


def _unevenness(windows: Sequence[Window], free: Sequence[tuple[int, int]]) -> Numbers:
    """Return how far each window is from an even spread, 0 to 1.

    It is the distance of its middle from a place of a spread, as a share of the window, and a quarter more for each
    finer spread.
    """
    if not windows:
        return np.zeros(0)
    places = [(place, spread) for spread in range(FINENESS) for place in _even_places(free, 3**spread)]
    middles = np.array([(window.start_ms + window.end_ms) / 2 for window in windows])
    lengths = np.array([window.length_ms for window in windows], dtype=np.float64)
    least = np.ones(len(windows))
    for place, spread in places:
        least = np.minimum(least, np.abs(middles - place) / lengths + spread / FINENESS)
    return least


def _even_places(free: Sequence[tuple[int, int]], count: int) -> list[float]:
    """Return the middles of `count` equal parts of the free time, in milliseconds."""
    total = sum(end - start for start, end in free)
    places: list[float] = []
    for part in range(count):
        left = total * (part + 0.5) / count
        for start, end in free:
            if left <= end - start:
                places.append(start + left)
                break
            left -= end - start
    return places
