"""The chance that a passage is about what a request describes, and the passage that answers it best.

Words count twice. Literally, by BM25 over the stems of a passage (Robertson and Zaragoza 2009, "The probabilistic
relevance framework: BM25 and beyond"). And by meaning, because people seldom ask in the words that were said: the
directions of a passage and of the request, by all of their words and by those that carry a subject, and how surprising
it is that the passage has a word so near to each word of the request.

Whether a passage is about the subject and which one comes first are two questions with a model each. The first weighs
the evidence in words alone. The second compares the passages of one source, where interest counts too: people ask for
what is worth watching. `tools/subjects/fit.py` fits both on requests about the written talks. In languages without a
tables of words, words count literally.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

import numpy as np
from clipmill.analyzer.picking.local_moments import deviations_of
from clipmill.analyzer.searching import meanings, wordings
from clipmill.analyzer.searching.meanings import Meanings
from clipmill.analyzer.searching.quantised import Numbers, Vectors
from clipmill.analyzer.searching.stems import stems_in
from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES
from clipmill.analyzer.talk.moments import Moment
from msgspec import Struct

BM25_K1 = 1.2
"""Saturation of repeated words; Robertson and Zaragoza recommend 1.2 to 2."""

BM25_B = 0.75
"""Share by which long passages are discounted; Robertson and Zaragoza recommend 0.5 to 0.8."""

NEIGHBOUR_SHARE = 0.5
"""Share of a neighbouring sentence's surprise that counts for a sentence: a thought goes over a few of them."""

BEST_SENTENCES = 2
"""Number of sentences of a passage that count as the place where all words of the request meet."""

GOOD_INTEREST = 0.8
INTEREST_STEEPNESS = 2.0
"""Place and steepness of the step between the interest of ordinary and of good moments: the planted highlights of the
written talks are 1.9 deviations above the mean, in the median, and all else 0.2 below. Beyond the step, more interest
says no more about what somebody asks for."""

FOUND_CHANCE = 0.5
"""Chance from which a passage is about a subject: made-up clips cost more than a subject that is missed, whose job
keeps a reserve. On requests about the written talks, 0.79 of the present subjects reach it, 0.32 of those of other
voices, which are often related, and 0.08 of those that no voice has."""

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
        return cls(moment.window.first, moment.window.last, deviations_of(moment.score))


class Evidence(Struct, frozen=True, kw_only=True):
    """Weights of the evidence in words.

    Attributes:
        wording: Weight of the similarity between the directions of the passage and of the request as they are worded.
        direction: Weight of the similarity between their directions by the words alone that carry a subject.
        together: Weight of the surprise about near words that stand together, in the best sentences.
        covered: Weight of the share of the request's information that the nearest words of the passage carry.
        literal: Weight of the words of the request themselves.
    """

    wording: float = 0.0
    direction: float = 0.0
    together: float = 0.0
    covered: float = 0.0
    literal: float = 0.0

    @property
    def weights(self) -> Numbers:
        """The weights in the order of the evidence's columns."""
        return np.array([self.wording, self.direction, self.together, self.covered, self.literal])


class Presence(Struct, frozen=True, kw_only=True):
    """A logistic model of whether a passage is about a subject."""

    base: float
    evidence: Evidence


class Preference(Struct, frozen=True, kw_only=True):
    """A conditional logit of which passage of a source answers a request (McFadden 1974)."""

    evidence: Evidence
    interest: float


PRESENCE = Presence(
    base=-4.54, evidence=Evidence(wording=5.61, direction=5.93, together=-0.05, covered=2.91, literal=0.20)
)
PREFERENCE = Preference(
    evidence=Evidence(wording=4.76, direction=2.54, together=0.47, covered=5.79, literal=-1.16), interest=3.59
)
LITERAL_PREFERENCE = Preference(evidence=Evidence(literal=5.51), interest=3.52)
"""Weights that `tools/subjects/fit.py` fitted, the last ones for languages without a table of meanings."""


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
        self._texts = texts
        self._meanings = meanings.english() if language in LEXICON_LANGUAGES else None

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

    def chances(self, request: str, passages: Sequence[Passage], model: Presence = PRESENCE) -> Numbers:
        """Return the chance of each passage to be about what `request` describes, whatever its interest.

        Args:
            request: Description of a subject.
            passages: Passages of the transcript.
            model: Weights of the evidence.
        """
        literal = self.literal(request, passages)
        certain = np.where(literal >= LITERAL_CHANCE, np.maximum(FOUND_CHANCE, np.minimum(literal, 1.0)), 0.0)
        if self._meanings is None:
            return np.minimum(literal, 1.0) * FOUND_CHANCE / LITERAL_CHANCE
        likely = self.evidence(request, passages) @ model.evidence.weights
        chances: Numbers = 1 / (1 + np.exp(-(model.base + likely)))
        return np.maximum(chances, certain)

    def found(self, request: str, passages: Sequence[Passage]) -> list[int]:
        """Return the indices of the passages about what `request` describes, the best answer first.

        If the best of all answers is unlikely to be about it, only passages that have the words of the request are.

        Args:
            request: Description of a subject.
            passages: Passages of the transcript.
        """
        if not passages:
            return []
        chances, preferences = self.chances(request, passages), self.preferences(request, passages)
        order = sorted(range(len(passages)), key=lambda place: -preferences[place])
        if chances[order[0]] >= FOUND_CHANCE:
            return [place for place in order if chances[place] >= FOUND_CHANCE]
        literal = self.literal(request, passages)
        return [place for place in order if literal[place] >= LITERAL_CHANCE]

    def preferences(self, request: str, passages: Sequence[Passage], model: Preference | None = None) -> Numbers:
        """Return how well each passage answers `request` in comparison with the others; the best has the most.

        Args:
            request: Description of a subject.
            passages: Passages of the transcript.
            model: Weights of the evidence; None for those of the transcript's language.
        """
        if model is None:
            model = LITERAL_PREFERENCE if self._meanings is None else PREFERENCE
        return self.evidence(request, passages) @ model.evidence.weights + model.interest * goodness(passages)

    def evidence(self, request: str, passages: Sequence[Passage]) -> Numbers:
        """Return the evidence of each passage, one row each, in the order of `Evidence.weights`."""
        wanted = list(dict.fromkeys(stems_in(request, self._language)))
        rows = np.zeros((len(passages), 5))
        rows[:, 4] = self.literal(request, passages)
        table = self._meanings
        if table is None or not wanted or not passages:
            return rows
        as_worded, sentences_as_worded = _unit(wordings.english().vector(request)), self._wordings
        asked = _unit(table.vector(wanted))
        sentences = _unit(np.array([table.vector(stems) for stems in self._stems]))
        surprises = self._surprises(table, wanted)
        information = np.array([table.information(stem) for stem in wanted])
        together = _with_neighbours(surprises.mean(axis=0))
        for row, one in zip(rows, passages, strict=True):
            inside = slice(one.first, one.last + 1)
            row[0] = _unit(sentences_as_worded[inside].sum(axis=0)) @ as_worded
            row[1] = _unit(sentences[inside].sum(axis=0)) @ asked
            row[2] = np.sort(together[inside])[-BEST_SENTENCES:].mean()
            row[3] = np.minimum(surprises[:, inside].max(axis=1) / information, 1.0).mean()
        return rows

    @cached_property
    def _wordings(self) -> Numbers:
        """The direction of each sentence as it is worded."""
        return _unit(np.array([wordings.english().vector(text) for text in self._texts]))

    def _surprises(self, table: Meanings, wanted: Sequence[str]) -> Numbers:
        """Return the surprise of the word of each sentence that is nearest to each word of a request."""
        stems = list(self._frequencies)
        places = {stem: place for place, stem in enumerate(stems)}
        inside = [[places[stem] for stem in said] for said in self._stems]
        found = np.zeros((len(wanted), len(self._stems)))
        for row, stem in zip(found, wanted, strict=True):
            surprise = table.surprise(stem, stems)
            row[:] = [surprise[said].max() if said else 0.0 for said in inside]
        return found

    def _information(self, stem: str) -> float:
        """Return the information of a stem: in English by its share of the language, elsewhere of the transcript."""
        if self._meanings is not None:
            return self._meanings.information(stem)
        return float(np.log((1 + len(self._stems)) / (0.5 + self._frequencies[stem])))


def goodness(passages: Sequence[Passage]) -> Numbers:
    """Return the interest of each passage, from 0 for dull to 1 for good ones."""
    interest = np.array([one.interest for one in passages])
    good: Numbers = 1 / (1 + np.exp(-INTEREST_STEEPNESS * (interest - GOOD_INTEREST)))
    return good


def _with_neighbours(surprises: Numbers) -> Numbers:
    """Return the surprise of each sentence with a share of the neighbour's that is more surprising."""
    padded = np.pad(surprises, 1)
    return surprises + NEIGHBOUR_SHARE * np.maximum(padded[:-2], padded[2:])


def _unit(vectors: Vectors | Numbers) -> Numbers:
    """Return vectors of length 1; zero stays zero."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    unit: Numbers = vectors / np.where(lengths > 0, lengths, 1.0)
    return unit
