"""A part of a source as if it were the whole: times count from its start, and nothing is known of the rest.

So the code that picks moments cannot leave the part, and compares it with nothing but itself. Only a plan has the times
of the source.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

from clipmill.analyzer.talk.punctuation import CLOSERS, COMMAS, finishes
from clipmill.analyzer.talk.sentences import Sentence
from clipmill.contracts.documents import Scenes, Segment, Transcript
from clipmill.contracts.sounds import SOUND_SECONDS, Sounds
from clipmill.contracts.source_range import SourceRange
from msgspec.structs import asdict, replace

EDGE_SECONDS = 0.5
"""Time between an edge of a part and a word up to which the edge may have cut the word's sentence, in seconds; longer
than the usual pause within one."""


PAUSE_SECONDS = 3.0
"""Longest pause within a sentence, in seconds; after a longer silence, a comma at the end is a slip of the
transcript."""

_OPEN_ENDS = (*COMMAS, "-", "\u2026", "..")
"""Ends of a sentence that goes on; an ellipsis also counts as a full stop elsewhere."""


def transcript_part(transcript: Transcript, part: SourceRange) -> Transcript:
    """Return what is said and heard in a part of a source; a word across its edge belongs to where its middle is.

    Args:
        transcript: Transcript of the source, or of the part alone.
        part: Part of the source.
    """
    start, end = part.start_ms / 1000, part.end_ms / 1000
    segments = (_segment(segment, start, end) for segment in transcript.segments)
    return replace(
        transcript,
        duration=end - start,
        segments=tuple(segment for segment in segments if segment is not None),
        levels=tuple(_levels(transcript.levels, start, end)),
        sounds=_sounds(transcript.sounds, start, end),
    )


def cuts_in(scenes: Scenes, part: SourceRange) -> list[float]:
    """Return the times of the first frames of the shots that begin inside a part, in seconds, ascending."""
    start, end = part.start_ms / 1000, part.end_ms / 1000
    return [shot.start - start for shot in scenes.shots[1:] if start < shot.start < end]


def whole_sentences(
    sentences: Sequence[Sentence], duration: float, *, begun: bool, goes_on: bool
) -> Sequence[Sentence]:
    """Return the sentences of a part without those that its edges have cut, but at least one if there are any.

    Punctuation shows them, so transcripts without it keep all sentences.

    Args:
        sentences: Sentences with times that count from the start of the part.
        duration: Length of the part, in seconds.
        begun: True if the source begins before the part.
        goes_on: True if the source ends after the part.
    """
    if sum(finishes(sentence.text) for sentence in sentences) * 2 < len(sentences):
        return sentences
    kept = list(sentences)
    if goes_on and len(kept) > 1 and _is_cut(kept[-1], duration):
        kept.pop()
    if begun and len(kept) > 1 and kept[0].text[0].islower() and kept[0].start < EDGE_SECONDS:
        kept.pop(0)
    return kept


def _is_cut(last: Sentence, duration: float) -> bool:
    """Return whether the end of a part, after `duration` seconds, has cut its last sentence.

    A comma, a dash or an ellipsis shows it although the speaker pauses there, before going on beyond the end.
    """
    left = duration - last.end
    if last.text.rstrip(CLOSERS).endswith(_OPEN_ENDS):
        return left < PAUSE_SECONDS
    return left < EDGE_SECONDS and not finishes(last.text)


def _segment(segment: Segment, start: float, end: float) -> Segment | None:
    """Return what the part has of a segment, None if it has nothing."""
    words = tuple(
        replace(word, start=word.start - start, end=word.end - start)
        for word in segment.words
        if start <= (word.start + word.end) / 2 < end
    )
    if segment.start >= end or segment.end <= start or (segment.words and not words):
        return None
    return replace(segment, start=segment.start - start, end=segment.end - start, words=words)


def _levels(levels: Sequence[int], start: float, end: float) -> Iterable[int]:
    """Return the level of each second after `start`, which has a share of two seconds of the source."""
    first, later = int(start), start % 1
    known = levels[first : math.ceil(end)]
    if not later:
        return known
    powers = [10 ** (level / 10) for level in [*known, *known[-1:]]]
    mixed = [(1 - later) * one + later * other for one, other in pairwise(powers)]
    return [round(10 * math.log10(power)) for power in mixed[: math.ceil(end - start)]]


def _sounds(sounds: Sounds | None, start: float, end: float) -> Sounds | None:
    """Return the scores of each half second after `start`, from the nearest half second of the source."""
    if sounds is None:
        return None
    first = round(start / SOUND_SECONDS)
    last = first + math.ceil((end - start) / SOUND_SECONDS)
    return Sounds(**{kind: scores[first:last] for kind, scores in asdict(sounds).items()})
