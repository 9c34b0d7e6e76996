"""The meanings of English words as vectors: words of one subject point in similar directions.

`learn.py` and `retrofit.py` of `tools/subjects` made the table in `word_meanings.npz`. It holds numbers only: stems
with a direction and a weight each, in order of their frequency, the most frequent first. `tools/subjects/README.md`
names the data and the licences.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from clipmill.analyzer.searching.quantised import Numbers, Vectors, restored

TABLE = Path(__file__).with_name("word_meanings.npz")

RANK_OFFSET = 2.7
"""Offset in Mandelbrot's law, by which the share of the word of rank r is about 1 / (r + 2.7) (Mandelbrot 1953)."""


class Meanings:
    """The directions and weights of stems.

    Args:
        stems: Stems, the most frequent first.
        ranks: Rank of each stem's most frequent word among all words of English, from 0.
        directions: Unit vector of each stem, one row each.
        weights: Weight of each stem in a text.
    """

    def __init__(self, stems: Sequence[str], ranks: Numbers, directions: Vectors, weights: Vectors) -> None:
        self._places = {stem: place for place, stem in enumerate(stems)}
        self._directions = directions
        self._weights = weights
        shares = 1 / (ranks + RANK_OFFSET)
        self._shares: Numbers = shares / shares.sum()

    def knows(self, stem: str) -> bool:
        """Return whether the table has `stem`."""
        return stem in self._places

    def direction(self, stem: str) -> Vectors:
        """Return the unit vector of a known stem."""
        direction: Vectors = self._directions[self._places[stem]]
        return direction

    def information(self, stem: str) -> float:
        """Return -ln of the share of `stem` among words that carry a subject.

        An unknown stem counts as rarer than all known ones.
        """
        place = self._places.get(stem)
        return float(-np.log(self._shares[place] if place is not None else self._shares[-1] / 2))

    def vector(self, stems: Sequence[str]) -> Vectors:
        """Return the sum of the vectors of `stems`, zero if none is known."""
        places = [self._places[stem] for stem in stems if stem in self._places]
        vectors = self._directions[places] * self._weights[places, None]
        total: Vectors = vectors.sum(axis=0)
        return total

    def surprise(self, stem: str, others: Sequence[str]) -> Numbers:
        """Return -ln of the chance that a word of running English is as near to `stem` as each of `others`.

        This is the information of a match between words (as Spärck Jones's weight is of an equal word), so it needs no
        bound for similarity. It is 0 for unknown words, except for `stem` itself.
        """
        place = self._places.get(stem)
        found = np.zeros(len(others))
        if place is not None:
            nearness = self._directions @ self._directions[place]
            order = np.argsort(-nearness, kind="stable")
            sums = np.cumsum(self._shares[order])
            known = [(at, self._places[other]) for at, other in enumerate(others) if other in self._places]
            if known:
                ats, places = (list(each) for each in zip(*known, strict=True))
                ends = np.searchsorted(-nearness[order], -nearness[places], side="right") - 1
                found[ats] = -np.log(sums[ends])
        for at, other in enumerate(others):
            if other == stem:
                found[at] = self.information(stem)
        return found


@cache
def english() -> Meanings:
    """Return the table of English words, read once."""
    with np.load(TABLE) as table:
        stems = bytes(table["stems"]).decode().split("\n")
        ranks = table["ranks"].astype(np.float64)
        directions = restored(table["codes"], table["parts"])
        weights = table["weights"].astype(np.float32)
    return Meanings(stems, ranks, directions, weights)
