"""The loudness and the pace of sentences, always compared with the rest of the talk.

Speakers, rooms and microphones differ more than moods do, so no absolute number has a meaning.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from clipmill.analyzer.talk.sentences import Sentence
from clipmill.contracts.documents import Transcript
from msgspec import Struct

RAISED_DB = 6.0
"""Decibels above the speaker's median at which a voice is clearly raised: double the amplitude."""

SILENCE_DBFS = -60.0
"""Level below which a second holds no speech, whatever the word times say."""

LEAST_SHARE = 0.3
"""Share of speech in a second from which its level describes the speech."""

LEAST_SECONDS = 1.0
"""Length of the shortest sentence with a meaningful pace."""

PAUSE_SECONDS = 1.0
"""A pause that is this many seconds longer than the talk's usual pause is a clear break. In fluent speech, sentences
are at most half as far apart."""


class Sounding(Struct, frozen=True):
    """The loudness and the pace of one sentence.

    Attributes:
        energy: Loudness from -1 (half of the speaker's usual amplitude or less) to 1 (double or more); 0 if unknown.
        pace: Speed from -1 (half of the usual speed of the talk or less) to 1 (double or more).
    """

    energy: float = 0.0
    pace: float = 0.0


def soundings(
    sentences: Sequence[Sentence], levels: Sequence[int] = (), speakers: Sequence[str] = ()
) -> list[Sounding]:
    """Return the loudness and the pace of each sentence.

    Args:
        sentences: Sentences of the talk.
        levels: Mean power of each second from second 0 on, in dBFS; empty if unknown.
        speakers: Speaker of each sentence, whose usual loudness is compared; empty if unknown.
    """
    loud = _loudness(sentences, levels) if levels else [None] * len(sentences)
    who = speakers or [""] * len(sentences)
    usual = {
        name: median(heard)
        for name in set(who)
        if (heard := [level for level, one in zip(loud, who, strict=True) if one == name and level is not None])
    }
    rates = [_letters_a_second(sentence) for sentence in sentences]
    usual_rate = median([rate for rate in rates if rate] or [1.0])
    return [
        Sounding(
            energy=0.0 if level is None else _within((level - usual[one]) / RAISED_DB),
            pace=_within(math.log2(rate / usual_rate)) if rate else 0.0,
        )
        for level, one, rate in zip(loud, who, rates, strict=True)
    ]


def speakers_of(transcript: Transcript, sentences: Sequence[Sentence]) -> list[str]:
    """Return the speaker of each sentence: that of the last segment which begins before its middle."""
    names: list[str] = []
    at = 0
    for sentence in sentences:
        middle = (sentence.start + sentence.end) / 2
        while at + 1 < len(transcript.segments) and transcript.segments[at + 1].start <= middle:
            at += 1
        names.append(transcript.segments[at].speaker)
    return names


def pauses(sentences: Sequence[Sentence]) -> list[float]:
    """Return how much longer than usual each pause before a sentence is, 0 to 1, and 1 for both ends of the talk."""
    gaps = [after.start - before.end for before, after in pairwise(sentences)]
    usual = median(gaps) if gaps else 0.0
    return [1.0, *(min(max(gap - usual, 0.0) / PAUSE_SECONDS, 1.0) for gap in gaps), 1.0]


def _loudness(sentences: Sequence[Sentence], levels: Sequence[int]) -> list[float | None]:
    """Return the level of each sentence, in dBFS, None if no second describes it.

    The power of a second is attributed to the speech in it, so a pause does not make a sentence quieter.
    """
    spoken = [0.0] * len(levels)
    for sentence in sentences:
        for second, shared in _seconds(sentence, len(levels)):
            spoken[second] += shared
    heard: list[float | None] = []
    for sentence in sentences:
        total = weight = 0.0
        for second, shared in _seconds(sentence, len(levels)):
            if spoken[second] >= LEAST_SHARE and levels[second] > SILENCE_DBFS:
                total += shared * (levels[second] - 10 * math.log10(min(spoken[second], 1.0)))
                weight += shared
        heard.append(total / weight if weight else None)
    return heard


def _seconds(sentence: Sentence, count: int) -> list[tuple[int, float]]:
    """Return the seconds that `sentence` touches, and the share that it has of each."""
    return [
        (second, shared)
        for second in range(int(sentence.start), min(int(sentence.end) + 1, count))
        if (shared := min(sentence.end, second + 1) - max(sentence.start, second)) > 0
    ]


def _letters_a_second(sentence: Sentence) -> float:
    letters = sum(letter.isalnum() for letter in sentence.text)
    return letters / sentence.seconds if sentence.seconds >= LEAST_SECONDS else 0.0


def _within(value: float) -> float:
    return max(-1.0, min(value, 1.0))
