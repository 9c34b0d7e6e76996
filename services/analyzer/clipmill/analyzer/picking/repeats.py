"""Passages that are said twice: a teaser before the titles, an answer that is given again.

Two windows repeat each other if much of what the shorter one says also stands in the other, word for word, or several
seconds of it. Words are compared in runs of three, which survive a misheard word. A run weighs the more the fewer
sentences have it, because what every sentence has in common is a manner of speaking and no passage.
"""

import math
from collections.abc import Sequence

import numpy as np
from clipmill.analyzer.picking.scheduling import Indices, Mask, Numbers
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.terms import inverse_frequencies, stem, tokens
from clipmill.analyzer.talk.windows import Window

RUN_WORDS = 3
"""Number of words in a run: shingles of three tell copies from other texts on one subject (Broder 1997, "On the
resemblance and containment of documents", uses up to ten on long texts with few errors)."""

REPEATED_SHARE = 0.3
"""Share of the shorter window that must stand in the other. A teaser of ten seconds is a third of a clip of thirty."""

REPEATED_QUOTE = 10
"""Number of runs that must stand in the other at most, however long both windows are: twelve words, four seconds, which
a viewer of both clips notices. It counts runs that two sentences have; more are needed of what is said oftener. In real
talks and conversations this excludes less than a thousandth of the windows."""

REPEATED_RUNS = 8
"""Least number of runs in common, however short both windows are: ten words in a row. What is shorter may be an
idiom."""


class Repeats:
    """Finds windows of a talk that say what others say.

    Args:
        sentences: Sentences of the talk.
    """

    def __init__(self, sentences: Sequence[Sentence]) -> None:
        said = [[stem(word) for word in tokens(sentence.text)] for sentence in sentences]
        flat = [word for words in said for word in words]
        self._offsets = np.concatenate(([0], np.cumsum([len(words) for words in said], dtype=np.int64)))
        runs = [" ".join(flat[at : at + RUN_WORDS]) for at in range(len(flat) - RUN_WORDS + 1)]
        numbers = {run: number for number, run in enumerate(dict.fromkeys(runs))}
        self._ids = np.array([numbers[run] for run in runs], dtype=np.int64)
        self._count = len(numbers)
        starting = [runs[first:last] for first, last in zip(self._offsets, self._offsets[1:], strict=False)]
        weights = inverse_frequencies(starting)
        self._quote = REPEATED_QUOTE * math.log((1 + len(starting)) / 2)
        self._weights = np.array([weights[run] for run in runs])
        self._totals = np.concatenate(([0.0], np.cumsum(self._weights)))

    def shared(self, window: Window, firsts: Indices, lasts: Indices) -> tuple[Numbers, Mask]:
        """Return the weight of the runs that windows have in common with `window`, and whether they repeat it.

        A window repeats itself.

        Args:
            window: Window to compare with.
            firsts: Index of the first sentence of each window.
            lasts: Index of the last sentence of each window.
        """
        start, end = (int(edge) for edge in self._edges(np.array([window.first]), np.array([window.last]))[:, 0])
        known = np.zeros(self._count, dtype=np.bool_)
        known[self._ids[start:end]] = True
        inside = known[self._ids]
        starts, ends = self._edges(firsts, lasts)
        counts = np.concatenate(([0], np.cumsum(inside)))
        sums = np.concatenate(([0.0], np.cumsum(inside * self._weights)))
        common = sums[ends] - sums[starts]
        shorter = np.minimum(self._totals[ends] - self._totals[starts], self._totals[end] - self._totals[start])
        enough = (counts[ends] - counts[starts] >= REPEATED_RUNS) & (common > 0)
        return common, enough & (common >= np.minimum(REPEATED_SHARE * shorter, self._quote))

    def same(self, one: Window, other: Window) -> bool:
        """Return whether two windows repeat each other."""
        _, repeated = self.shared(one, np.array([other.first]), np.array([other.last]))
        return bool(repeated[0])

    def _edges(self, firsts: Indices, lasts: Indices) -> np.ndarray[tuple[int, int], np.dtype[np.int64]]:
        """Return the first run of each window and the one after its last; no run reaches beyond its window."""
        starts = np.minimum(self._offsets[firsts], len(self._ids))
        ends = np.maximum(self._offsets[lasts + 1] - RUN_WORDS + 1, starts)
        return np.stack((starts, np.minimum(ends, len(self._ids))))
