"""What can be heard of a sentence besides its words: how loud and how fast it is said, always against the same talk.

Speakers, rooms and microphones differ by more than moods do: nothing here is absolute.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from clipmill.analyzer.talk.sentences import Sentence
from clipmill.contracts.documents import Transcript
from msgspec import Struct

RAISED_DB = 6.0
"""So much above the speaker's own median is a voice that is clearly raised: its amplitude doubles."""

SILENCE_DBFS = -60.0
"""Quieter seconds hold no speech, whatever the word times say."""

LEAST_SHARE = 0.3
"""From this share of speech on, a second's level tells about the speech in it."""

LEAST_SECONDS = 1.0
"""Shorter sentences have no pace to speak of."""

PAUSE_SECONDS = 1.0
"""A pause by so much longer than the talk's usual one is a clear break: twice the longest that fluent speech makes
between sentences."""


class Sounding(Struct, frozen=True):
    """How one sentence is said.

    Attributes:
        energy: -1 (half the speaker's usual amplitude or less) to 1 (double or more); 0 where levels are unknown.
        pace: -1 (half as fast as the talk usually is) to 1 (double).
    """

    energy: float = 0.0
    pace: float = 0.0


def soundings(
    sentences: Sequence[Sentence], levels: Sequence[int] = (), speakers: Sequence[str] = ()
) -> list[Sounding]:
    """Return how each sentence is said.

    Args:
        sentences: the talk.
        levels: mean power of each second from second 0 on, dBFS; empty where unknown.
        speakers: who says each sentence; empty where nobody knows. Loudness is compared with the same speaker's.
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
    """Return who says each sentence: whose segment its middle lies in, or the last before it."""
    names: list[str] = []
    at = 0
    for sentence in sentences:
        middle = (sentence.start + sentence.end) / 2
        while at + 1 < len(transcript.segments) and transcript.segments[at + 1].start <= middle:
            at += 1
        names.append(transcript.segments[at].speaker)
    return names


def pauses(sentences: Sequence[Sentence]) -> list[float]:
    """Return how much longer than usual the pause before each sentence is, 0 to 1, and 1 for the end of the talk."""
    gaps = [after.start - before.end for before, after in pairwise(sentences)]
    usual = median(gaps) if gaps else 0.0
    return [1.0, *(min(max(gap - usual, 0.0) / PAUSE_SECONDS, 1.0) for gap in gaps), 1.0]


def _loudness(sentences: Sequence[Sentence], levels: Sequence[int]) -> list[float | None]:
    """Return the level of each sentence, dBFS, None where no second tells.

    A second's power is spread over the speech in it: a pause makes it no quieter.
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
    """Return the whole seconds that `sentence` touches, and how much of each."""
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
