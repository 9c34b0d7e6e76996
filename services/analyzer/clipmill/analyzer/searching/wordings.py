"""The directions of English texts as they are worded: texts that say similar things point in similar directions.

`meanings` compares the words that carry a subject, by their stems. Here all words count, in the forms in which they
were said: who, how, not and had say what a sentence is about, too. Rare words are read in pieces. The table in
`word_directions.npz` is made by `tools/subjects/wordings.py`, and the README there names the data and the licences.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

import numpy as np
from clipmill.analyzer.searching.quantised import Numbers, Vectors, restored
from clipmill.analyzer.talk.terms import tokens

TABLE = Path(__file__).with_name("word_directions.npz")

CONTINUED = "##"
"""Beginning of a piece that continues a word."""


class Wordings:
    """The vectors of words and of pieces of words.

    Args:
        pieces: Words and pieces, in lower case.
        vectors: Vector of each piece, one row each.
    """

    def __init__(self, pieces: Sequence[str], vectors: Vectors) -> None:
        self._places = {piece: place for place, piece in enumerate(pieces)}
        self._longest = max(map(len, pieces), default=0)
        self._vectors = vectors

    def vector(self, text: str) -> Numbers:
        """Return the sum of the vectors of the pieces of `text`, zero if none is known."""
        words = (part for word in tokens(text) for part in word.split("'"))
        total: Numbers = self._vectors[[place for word in words for place in self._pieces(word)]].sum(axis=0)
        return total

    def _pieces(self, word: str) -> Iterator[int]:
        """Yield the place of the longest known piece again and again; what no piece begins with is left out.

        This is WordPiece (Wu and others 2016, "Google's neural machine translation system").
        """
        start = 0
        while start < len(word):
            prefix = CONTINUED if start else ""
            for end in range(min(len(word), start + self._longest), start, -1):
                place = self._places.get(prefix + word[start:end])
                if place is not None:
                    yield place
                    break
            else:
                return
            start = end


@cache
def english() -> Wordings:
    """Return the table of English words, read once."""
    with np.load(TABLE) as table:
        pieces = bytes(table["pieces"]).decode().split("\n")
        weights = table["weights"].astype(np.float32)
        return Wordings(pieces, restored(table["codes"], table["parts"]) * weights[:, None])
