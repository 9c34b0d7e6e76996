"""The evidence: all that the local picker knows about a talk, before anything is weighed."""

from collections.abc import Sequence

from clipmill.analyzer.picking.features import SentenceFeatures, features_of
from clipmill.analyzer.picking.sentence_boundaries import SentenceBoundary, boundaries_of
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.sound_features import Sounding, soundings
from clipmill.analyzer.talk.terms import inverse_frequencies
from msgspec import Struct


class Evidence(Struct, frozen=True):
    """All that the local picker knows about a talk, before anything is weighed.

    Attributes:
        sentences: the talk.
        features: what is read in each sentence.
        soundings: how each is said.
        boundaries: the places before each, and after the last.
        weights: how much each stem tells.
    """

    sentences: Sequence[Sentence]
    features: Sequence[SentenceFeatures]
    soundings: Sequence[Sounding]
    boundaries: Sequence[SentenceBoundary]
    weights: dict[str, float]


def evidence_of(
    sentences: Sequence[Sentence],
    *,
    language: str = "en",
    cuts: Sequence[float] = (),
    levels: Sequence[int] = (),
    speakers: Sequence[str] = (),
) -> Evidence:
    """Return what there is to know about a talk.

    Args:
        sentences: the talk.
        language: ISO 639-1 code; empty where it is unknown.
        cuts: times of the first frames of shots, seconds, ascending.
        levels: mean power of each second from second 0 on, dBFS; empty where unknown.
        speakers: who says each sentence; empty where nobody knows.
    """
    features = features_of(sentences, language)
    return Evidence(
        sentences,
        features,
        soundings(sentences, levels, speakers),
        boundaries_of(sentences, features, cuts),
        inverse_frequencies([each.stems for each in features]),
    )


def evidence_for(material: Material) -> Evidence:
    """Return what the local picker can know about `material`."""
    return evidence_of(
        material.sentences,
        language=material.language,
        cuts=material.cuts,
        levels=material.levels,
        speakers=material.speakers,
    )
