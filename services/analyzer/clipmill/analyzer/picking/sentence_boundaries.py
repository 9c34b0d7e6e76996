"""Boundaries: the places between sentences, and how much speaks for a passage to begin or end there."""

from bisect import bisect_left
from collections.abc import Sequence

from clipmill.analyzer.picking.features import SentenceFeatures
from clipmill.analyzer.picking.topics import topic_changes
from clipmill.analyzer.talk.boundaries import CUT_REACH_MS
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.sound_features import pauses
from clipmill.analyzer.talk.windows import milliseconds
from msgspec import Struct


class SentenceBoundary(Struct, frozen=True, kw_only=True):
    """The place before a sentence, or after the last one; each number from 0 to 1.

    Attributes:
        topic: how clearly the words change.
        pause: how much longer than usual the speaker pauses.
        cut: that a shot starts here, worth the less the more boundaries have a cut.
        leaves: that the next sentence leaves the matter.
        holds: how much keeps both sides together.
    """

    topic: float
    pause: float
    cut: float
    leaves: float
    holds: float

    @property
    def strength(self) -> float:
        """How much speaks for a new passage, 0 to 1: each kind of evidence may fail, so they add up."""
        return min((self.topic + self.pause + self.cut + self.leaves) / 2, 1.0) * (1 - self.holds)


def boundaries_of(
    sentences: Sequence[Sentence], features: Sequence[SentenceFeatures], cuts: Sequence[float]
) -> list[SentenceBoundary]:
    """Return the boundaries of a talk, one more than sentences: boundary `i` is that before sentence `i`.

    Args:
        sentences: the talk.
        features: of each sentence.
        cuts: times of the first frames of shots, seconds, ascending.
    """
    topics = topic_changes([each.stems for each in features])
    silences = pauses(sentences)
    cut = [_has_cut(sentences, boundary, cuts) for boundary in range(len(sentences) + 1)]
    rarity = 1 - sum(cut) / len(cut)
    return [
        SentenceBoundary(
            topic=topics[boundary],
            pause=silences[boundary],
            cut=rarity * cut[boundary],
            leaves=features[boundary].leaves if boundary < len(sentences) else 1.0,
            holds=_holds(features, boundary),
        )
        for boundary in range(len(sentences) + 1)
    ]


def _has_cut(sentences: Sequence[Sentence], boundary: int, cuts: Sequence[float]) -> bool:
    """Tell whether a shot starts where a clip that starts or ends at `boundary` could be moved to it."""
    lowest = milliseconds(sentences[boundary - 1].end) if boundary else 0
    highest = milliseconds(sentences[boundary].start) if boundary < len(sentences) else lowest + CUT_REACH_MS
    at = bisect_left(cuts, max(lowest, highest - 2 * CUT_REACH_MS) / 1000)
    return at < len(cuts) and milliseconds(cuts[at]) <= highest


def _holds(features: Sequence[SentenceFeatures], boundary: int) -> float:
    """Return how much keeps the two sides together, 0 to 1: a reference back, or a question that wants its answer."""
    if not 0 < boundary < len(features):
        return 0.0
    before, after = features[boundary - 1], features[boundary]
    if before.unfinished:
        return 1.0
    return max(after.dangling, before.question * (1 - after.leaves), 0.0)
