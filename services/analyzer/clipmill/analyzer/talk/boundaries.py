"""The exact start and end of a clip: at sentences, with a little room tone, and on a cut if one is near."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from math import ceil
from statistics import median

from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.sound.reactions import LATE_SECONDS, Reaction, pauses_between
from clipmill.analyzer.talk.windows import Lengths, Window, milliseconds

ROOM_BEFORE_MS = 150
"""Room tone before the first word, which covers its onset: recognisers often place it late."""

ROOM_AFTER_MS = 250
"""Room tone after the last word; longer, because a voice fades more slowly than it starts."""

SHARE_BEFORE = ROOM_BEFORE_MS / (ROOM_BEFORE_MS + ROOM_AFTER_MS)
"""Share of a pause that belongs to the sentence after it."""

CUT_REACH_MS = 350
"""Distance within which the start or end of a clip moves to a cut, so no few frames of another shot flash up."""


UNHEARD_SECONDS = 2
"""Whole seconds of sound before the first recognised word that may be its beginning: a word or two."""

UNHEARD_BELOW_DB = 6
"""Decibels below the usual level of speech down to which a second is about as loud: half the amplitude."""

ADDED_SILENCE_MS = 3000
"""Largest silence that is added to make a clip long enough; more is dead air."""

FADE_IN_MS = 100
"""Time over which the sound comes up where people still laugh or applaud under the first word: a syllable lasts twice
as long, so the word is understood."""


WINDOWS_LIMIT = 60_000
"""Number of windows from which only every other end is tried, or fewer, to limit time and memory. An hour of ordinary
sentences has fewer windows."""


class Boundaries:
    """Fits windows of whole sentences into a source.

    Args:
        sentences: Sentences in order, without overlap.
        cuts: Times of the first frames of shots, in seconds, ascending.
        duration: Length of the source, in seconds.
        lengths: Allowed lengths of clips.
        added_silence_ms: Largest silence that is added to make a clip long enough, None for no limit.
        levels: Mean power of each second from second 0 on, in dBFS; empty if unknown.
        reactions: Reactions of the audience, in order of time.
        songs: Starts and ends of songs, in seconds, none of whose words are in `sentences`; no clip has one inside.
    """

    def __init__(
        self,
        sentences: Sequence[Sentence],
        cuts: Sequence[float],
        duration: float,
        lengths: Lengths,
        added_silence_ms: int | None = ADDED_SILENCE_MS,
        *,
        levels: Sequence[int] = (),
        reactions: Sequence[Reaction] = (),
        songs: Sequence[tuple[float, float]] = (),
    ) -> None:
        self._starts = [milliseconds(sentence.start) for sentence in sentences]
        self._ends = [milliseconds(sentence.end) for sentence in sentences]
        self._cuts = [milliseconds(cut) for cut in cuts]
        self._duration_ms = int(duration * 1000)
        self._lengths = lengths
        self._rooms = _rooms_before(sentences, levels)
        self._pauses = pauses_between(sentences, reactions, self._duration_ms)
        self._songs = [milliseconds(start) for start, _ in songs]
        self._added_silence_ms = self._duration_ms if added_silence_ms is None else added_silence_ms

    def windows(self, most: int | None = None) -> list[Window]:
        """Return the windows of consecutive sentences with an allowed length, ordered by first and last sentence.

        Args:
            most: Number of windows for each first sentence, the shortest first; None for all.
        """
        ranges = [
            range(self._first_long_enough(first), self._first_too_long(first)) for first in range(len(self._starts))
        ]
        stride = 1 if most is not None else -(-sum(map(len, ranges)) // WINDOWS_LIMIT) or 1
        found: list[Window] = []
        for first, lasts in enumerate(ranges):
            mine = 0
            for last in lasts[::stride]:
                if mine == most:
                    break
                window = self.fit(first, last)
                if window is not None:
                    found.append(window)
                    mine += 1
        return found

    def _first_long_enough(self, first: int) -> int:
        floor = self._ends[first - 1] if first else 0
        return max(first, bisect_left(self._starts, floor + self._lengths.shortest_ms) - 1)

    def _first_too_long(self, first: int) -> int:
        return bisect_right(self._ends, self._starts[first] + self._lengths.longest_ms)

    def fit(self, first: int, last: int) -> Window | None:
        """Return the window from sentence `first` to sentence `last`, None if it cannot get an allowed length.

        The window never reaches into a neighbouring word or beyond the source. Two sentences share the pause between
        them, so clips of adjacent sentences do not overlap. A cut in the pause divides it where the cut is. A reaction
        in the pause belongs to what was said before it, up to `LATE_SECONDS`.
        """
        before, after, longest_kept = self._pauses[first], self._pauses[last + 1], milliseconds(LATE_SECONDS)
        speech_start, speech_end = self._starts[first], min(self._ends[last], self._duration_ms)
        if bisect_left(self._songs, speech_start) < bisect_left(self._songs, speech_end):
            return None
        floor = max(self._ends[first - 1] if first else 0, before.kept_ms, before.quiet_ms)
        ceiling = min(self._starts[last + 1], self._duration_ms) if last + 1 < len(self._starts) else self._duration_ms
        earliest = max(self._division(first), before.quiet_ms) if first else before.quiet_ms
        latest = max(speech_end, self._division(last + 1)) if ceiling < self._duration_ms else self._duration_ms
        start = self._nearest_cut(max(speech_start - self._rooms[first], earliest), floor, speech_start)
        end = min(max(speech_end + ROOM_AFTER_MS, after.kept_ms), latest)
        if after.kept_ms:
            ceiling = min(ceiling, max(end, speech_end + longest_kept))
        end = self._nearest_cut(end, speech_end, ceiling)
        lengths, natural = self._lengths, (start, end)
        # Too long a window gives up room tone. Too short a window takes more silence, first after the speech.
        end = max(speech_end, min(end, start + lengths.longest_ms))
        start = min(speech_start, max(start, end - lengths.longest_ms))
        before_silence = end - start
        end = max(end, min(latest, start + lengths.shortest_ms))
        start = min(start, max(earliest, end - lengths.shortest_ms))
        added = end - start - before_silence
        if (start, end) != natural:
            # An end that moved for the length may have come near a cut.
            lowest, highest = max(speech_end, start + lengths.shortest_ms), min(ceiling, start + lengths.longest_ms)
            end = self._nearest_cut(end, lowest, highest)
            lowest, highest = max(floor, end - lengths.longest_ms), min(speech_start, end - lengths.shortest_ms)
            start = self._nearest_cut(start, lowest, highest)
        if added > self._added_silence_ms or not lengths.shortest_ms <= end - start <= lengths.longest_ms:
            return None
        kept = bool(after.kept_ms) and end <= after.kept_ms + CUT_REACH_MS
        return Window(
            first=first,
            last=last,
            start_ms=start,
            end_ms=end,
            fade_in_ms=FADE_IN_MS if before.interrupts else 0,
            fade_out_ms=min(end - speech_end, longest_kept) if kept else 0,
        )

    def _division(self, index: int) -> int:
        """Return the time that divides the pause before sentence `index` between it and the one before."""
        start, floor = self._starts[index], self._ends[index - 1]
        shared = start - int((start - floor) * SHARE_BEFORE)
        if self._rooms[index] > ROOM_BEFORE_MS:
            shared = max(floor, min(shared, start - self._rooms[index]))
        return max(shared, self._pauses[index].kept_ms)

    def _nearest_cut(self, time: int, lowest: int, highest: int) -> int:
        at = bisect_left(self._cuts, time)
        near = [cut for cut in self._cuts[max(at - 1, 0) : at + 1] if lowest <= cut <= highest]
        best = min(near, key=lambda cut: (abs(cut - time), cut), default=time)
        return best if abs(best - time) <= CUT_REACH_MS else time


def _rooms_before(sentences: Sequence[Sentence], levels: Sequence[int]) -> list[int]:
    """Return the room before each sentence, in milliseconds: more where sound without a recognised word leads to it.

    A whole second before the first word that is about as loud as speech, and holds no recognised word, is probably its
    beginning: recognisers lose first words, and place some late. Loud sound that lasts longer is applause or music, and
    what goes on from the sentence before is probably laughter at that.
    """
    speech = [level for sentence in sentences for level in _inside(sentence, levels)]
    loud = median(speech) - UNHEARD_BELOW_DB if speech else 0.0
    rooms: list[int] = []
    reached = 0.0
    for sentence in sentences:
        second = earliest = int(sentence.start)
        while earliest - 1 >= reached and earliest <= len(levels) and levels[earliest - 1] >= loud:
            earliest -= 1
        found = second - earliest
        quiet_before = earliest == 0 or earliest - 1 >= reached
        heard = bool(speech) and quiet_before and 0 < found <= UNHEARD_SECONDS
        rooms.append(milliseconds(sentence.start) - earliest * 1000 if heard else ROOM_BEFORE_MS)
        reached = sentence.end
    return rooms


def _inside(sentence: Sentence, levels: Sequence[int]) -> Sequence[int]:
    """Return the levels of the seconds that lie within a sentence."""
    return levels[ceil(sentence.start) : int(sentence.end)]
