"""The evidence: everything that the local picker knows about a talk before it weighs anything."""

from collections.abc import Sequence

from clipmill.analyzer.picking.features import SentenceFeatures, features_of
from clipmill.analyzer.picking.sentence_boundaries import SentenceBoundary, boundaries_of
from clipmill.analyzer.talk.audience import LEAST_CONTRAST, Audience, contrast, understands
from clipmill.analyzer.talk.material import Material
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.analyzer.talk.site_marks import ChapterStarts, Replays
from clipmill.analyzer.talk.sound.delivery import Sounding, soundings
from clipmill.analyzer.talk.sound.reactions import Heard, Reaction, heard_in
from clipmill.analyzer.talk.terms import inverse_frequencies
from msgspec import Struct
from msgspec.structs import replace


class Evidence(Struct, frozen=True):
    """The knowledge of the local picker about a talk, before it weighs anything.

    Attributes:
        sentences: Sentences of the talk.
        features: Features of each sentence's words.
        soundings: Loudness and pace of each sentence.
        boundaries: Boundaries before each sentence and after the last.
        weights: Weight of each stem, by how rare it is.
        chances: Learned chance of a reaction of the audience after each sentence; empty if the model does not know.
        heard: Reactions to each sentence, None if nobody is heard to react.
        replays: Curve of replays, None if it is not known.
        chapters: Places where chapters start, None if they are not known.
    """

    sentences: Sequence[Sentence]
    features: Sequence[SentenceFeatures]
    soundings: Sequence[Sounding]
    boundaries: Sequence[SentenceBoundary]
    weights: dict[str, float]
    chances: Sequence[float] = ()
    heard: Heard | None = None
    replays: Replays | None = None
    chapters: ChapterStarts | None = None


def evidence_of(
    sentences: Sequence[Sentence],
    *,
    language: str = "en",
    cuts: Sequence[float] = (),
    levels: Sequence[int] = (),
    speakers: Sequence[str] = (),
    audience: Audience | None = None,
    reactions: Sequence[Reaction] = (),
) -> Evidence:
    """Return the evidence about a talk.

    Args:
        sentences: Sentences of the talk.
        language: ISO 639-1 code; empty if unknown.
        cuts: Times of the first frames of shots, in seconds, ascending.
        levels: Mean power of each second from second 0 on, in dBFS; empty if unknown.
        speakers: Speaker of each sentence; empty if unknown.
        audience: Learned model of what audiences react to, None to do without.
        reactions: Reactions that are heard, in order of time.
    """
    features = features_of(sentences, language)
    return Evidence(
        sentences,
        features,
        soundings(sentences, levels, speakers),
        boundaries_of(sentences, features, cuts),
        inverse_frequencies([each.stems for each in features]),
        _chances(sentences, language, audience) if audience is not None else (),
        heard_in(sentences, reactions, [each.housekeeping for each in features]),
    )


def _chances(sentences: Sequence[Sentence], language: str, audience: Audience) -> Sequence[float]:
    """Return the learned chance of a reaction after each sentence, nothing if the model does not know."""
    texts = [sentence.text for sentence in sentences]
    if not understands(texts, language):
        return ()
    chances = audience.chances(texts)
    known = contrast(chances, [sentence.seconds for sentence in sentences]) >= LEAST_CONTRAST
    return chances.tolist() if known else ()


def evidence_for(material: Material) -> Evidence:
    """Return the evidence about `material`."""
    evidence = evidence_of(
        material.sentences,
        language=material.language,
        cuts=material.cuts,
        levels=material.levels,
        speakers=material.speakers,
        audience=material.audience,
        reactions=material.reactions,
    )
    return replace(evidence, replays=material.replays, chapters=material.chapters)
