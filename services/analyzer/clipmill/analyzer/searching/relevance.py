"""The chance that a passage of a transcript is about what a request describes.

Words count twice. Literally, by BM25 over the stems of a passage (Robertson and Zaragoza 2009, "The probabilistic
relevance framework: BM25 and beyond"). And by meaning, because people seldom ask in the words that were said: the
directions of a passage and of the request, and how surprising it is that the passage has a word so near to each word of
the request. A logistic model weighs the evidence; `tools/subjects/fit.py` fits it on requests about the written
talks. In languages without a table of meanings, words count literally.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np
from clipmill.analyzer.picking.local_moments import MIDDLE_SCORE, SCORE_PER_DEVIATION
from clipmill.analyzer.searching.meanings import Meanings, Numbers, Vectors, english
from clipmill.analyzer.searching.stems import stems_in
from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES
from clipmill.analyzer.talk.moments import Moment
from msgspec import Struct

BM25_K1 = 1.2
"""Saturation of repeated words; Robertson and Zaragoza recommend 1.2 to 2."""

BM25_B = 0.75
"""Share by which long passages are discounted; Robertson and Zaragoza recommend 0.5 to 0.8."""

NEAREST_SENTENCES = 3
"""Number of sentences of a passage whose nearness to the request counts by itself: a subject is named in a few."""

FOUND_CHANCE = 0.1
"""Chance from which a passage is about a subject. On requests about the written talks, 0.73 of the present subjects and
0.18 of the absent ones reach it, the largest difference (Youden 1950, "Index for rating diagnostic tests")."""

LITERAL_CHANCE = 0.5
"""Literal evidence from which a passage is about a subject, whatever the meanings say: it has half of the request's
words, by their information."""


class Passage(Struct, frozen=True):
    """Sentences that may be about a subject.

    Attributes:
        first: Index of the first sentence.
        last: Index of the last sentence.
        interest: Interest of the passage, in standard deviations above the mean of its source.
    """

    first: int
    last: int
    interest: float = 0.0

    @classmethod
    def of(cls, moment: Moment) -> "Passage":
        """Return the sentences of a moment, and the interest that its score stands for."""
        interest = (moment.score - MIDDLE_SCORE) / SCORE_PER_DEVIATION
        return cls(moment.window.first, moment.window.last, interest)


class Model(Struct, frozen=True, kw_only=True):
    """The weights of the evidence in the logistic model."""

    base: float
    direction: float
    nearest: float
    surprise: float
    literal: float
    interest: float


MODEL = Model(base=-6.47, direction=3.08, nearest=6.08, surprise=0.52, literal=0.69, interest=0.46)
"""Weights that `tools/subjects/fit.py` fitted."""


class Relevance:
    """Compares requests with the sentences of one transcript.

    Args:
        texts: Text of each sentence.
        language: ISO 639-1 code; an empty one counts as English.
    """

    def __init__(self, texts: Sequence[str], language: str) -> None:
        self._language = language
        self._stems = [stems_in(text, language) for text in texts]
        self._frequencies = Counter(stem for stems in self._stems for stem in set(stems))
        self._usual = max(sum(map(len, self._stems)) / max(len(self._stems), 1), 1.0)
        self._meanings = english() if language in LEXICON_LANGUAGES else None

    def literal(self, request: str, passages: Sequence[Passage]) -> Numbers:
        """Return the literal evidence of each passage: 0 without a word of the request, 1 with each once.

        Args:
            request: Description of a subject.
            passages: Passages of the transcript.
        """
        wanted = Counter(stems_in(request, self._language))
        total = sum(self._information(stem) for stem in wanted)
        if not total:
            return np.zeros(len(passages))
        usual = sum(one.last + 1 - one.first for one in passages) / max(len(passages), 1) * self._usual
        found: list[float] = []
        for one in passages:
            said = Counter(stem for stems in self._stems[one.first : one.last + 1] for stem in stems)
            length = 1 - BM25_B + BM25_B * said.total() / usual
            found.append(
                sum(
                    self._information(stem) * said[stem] * (BM25_K1 + 1) / (said[stem] + BM25_K1 * length)
                    for stem in wanted
                    if said[stem]
                )
                / total
            )
        return np.array(found)

    def chances(self, request: str, passages: Sequence[Passage], model: Model = MODEL) -> Numbers:
        """Return the chance of each passage to be about what `request` describes.

        Args:
            request: Description of a subject.
            passages: Passages of the transcript.
            model: Weights of the evidence.
        """
        literal = self.literal(request, passages)
        certain = np.where(literal >= LITERAL_CHANCE, np.maximum(FOUND_CHANCE, np.minimum(literal, 1.0)), 0.0)
        if self._meanings is None:
            return np.minimum(literal, 1.0) * FOUND_CHANCE / LITERAL_CHANCE
        evidence = self.evidence(request, passages)
        weights = np.array([model.direction, model.nearest, model.surprise, model.literal, model.interest])
        chances: Numbers = 1 / (1 + np.exp(-(model.base + evidence @ weights)))
        return np.maximum(chances, certain)

    def evidence(self, request: str, passages: Sequence[Passage]) -> Numbers:
        """Return the evidence of each passage, one row each, in the order of `Model`'s weights."""
        wanted = list(dict.fromkeys(stems_in(request, self._language)))
        rows = np.zeros((len(passages), 5))
        rows[:, 3] = self.literal(request, passages)
        rows[:, 4] = [one.interest for one in passages]
        meanings = self._meanings
        if meanings is None or not wanted or not passages:
            return rows
        asked = _unit(meanings.vector(wanted))
        sentences = np.array([meanings.vector(stems) for stems in self._stems])
        nearness = _unit(sentences) @ asked
        surprises = self._surprises(meanings, wanted)
        for row, one in zip(rows, passages, strict=True):
            inside = slice(one.first, one.last + 1)
            row[0] = _unit(sentences[inside].sum(axis=0)) @ asked
            row[1] = np.sort(nearness[inside])[-NEAREST_SENTENCES:].mean()
            row[2] = _unexpected(surprises[:, inside].max(axis=1), sum(map(len, self._stems[inside]))).mean()
        return rows

    def _surprises(self, meanings: Meanings, wanted: Sequence[str]) -> Numbers:
        """Return the surprise of the word of each sentence that is nearest to each word of a request."""
        stems = list(self._frequencies)
        places = {stem: place for place, stem in enumerate(stems)}
        inside = [[places[stem] for stem in said] for said in self._stems]
        found = np.zeros((len(wanted), len(self._stems)))
        for row, stem in zip(found, wanted, strict=True):
            surprise = meanings.surprise(stem, stems)
            row[:] = [surprise[said].max() if said else 0.0 for said in inside]
        return found

    def _information(self, stem: str) -> float:
        """Return the information of a stem: in English by its share of the language, elsewhere of the transcript."""
        if self._meanings is not None:
            return self._meanings.information(stem)
        return float(np.log((1 + len(self._stems)) / (0.5 + self._frequencies[stem])))


def _unexpected(surprises: Numbers, words: int) -> Numbers:
    """Return -ln of the chance that any of so many words would be as near as one with each of `surprises`."""
    chances = -np.expm1(max(words, 1) * np.log1p(-np.minimum(np.exp(-surprises), 1 - 1e-9)))
    found: Numbers = -np.log(np.maximum(chances, 1e-12))
    return found


def _unit(vectors: Vectors) -> Numbers:
    """Return vectors of length 1; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Numbers = vectors / np.where(lengths > 0, lengths, 1.0)
    return unit
