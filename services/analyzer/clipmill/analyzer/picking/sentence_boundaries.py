"""The boundaries between sentences, with the evidence that a passage begins or ends there."""

from bisect import bisect_left
from collections.abc import Sequence

from clipmill.analyzer.picking.features import SentenceFeatures
from clipmill.analyzer.picking.topics import topic_changes
from clipmill.analyzer.talk.boundaries import CUT_REACH_MS
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.sound.delivery import pauses
from clipmill.analyzer.talk.windows import milliseconds
from msgspec import Struct


class SentenceBoundary(Struct, frozen=True, kw_only=True):
    """The boundary before a sentence, or after the last one. Each number is from 0 to 1.

    Attributes:
        topic: Evidence that the words change.
        pause: Evidence that the speaker pauses longer than usual.
        cut: Evidence that a shot starts here, worth less if many boundaries have a cut.
        leaves: Evidence that the next sentence leaves the subject.
        holds: Strength of the ties between both sides.
    """

    topic: float
    pause: float
    cut: float
    leaves: float
    holds: float

    @property
    def strength(self) -> float:
        """Evidence for a new passage, 0 to 1. All kinds of evidence add up, because each may be missing."""
        return min((self.topic + self.pause + self.cut + self.leaves) / 2, 1.0) * (1 - self.holds)


def boundaries_of(
    sentences: Sequence[Sentence], features: Sequence[SentenceFeatures], cuts: Sequence[float]
) -> list[SentenceBoundary]:
    """Return the boundaries of a talk, one more than sentences. Boundary `i` is the one before sentence `i`.

    Args:
        sentences: Sentences of the talk.
        features: Features of each sentence.
        cuts: Times of the first frames of shots, in seconds, ascending.
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
    """Return whether a shot starts so near to `boundary` that a clip could start or end with it."""
    lowest = milliseconds(sentences[boundary - 1].end) if boundary else 0
    highest = milliseconds(sentences[boundary].start) if boundary < len(sentences) else lowest + CUT_REACH_MS
    at = bisect_left(cuts, max(lowest, highest - 2 * CUT_REACH_MS) / 1000)
    return at < len(cuts) and milliseconds(cuts[at]) <= highest


def _holds(features: Sequence[SentenceFeatures], boundary: int) -> float:
    """Return the strength of the ties between both sides, 0 to 1: a reference back, or a question before its answer."""
    if not 0 < boundary < len(features):
        return 0.0
    before, after = features[boundary - 1], features[boundary]
    if before.unfinished:
        return 1.0
    return max(after.dangling, before.question * (1 - after.leaves), 0.0)
