"""Guards against words that nobody said.

Whisper must say something, and makes it up where it hears nothing. What guards against that, in order:

1. Only stretches in which a voice detector hears somebody are recognised, and no silence beyond three seconds is given
   to Whisper along with them (`speech_regions`).
2. A segment that is probably silent and whose words are improbable is dropped: Whisper's own rule
   (Radford et al. 2022, section 4.5), `silent`.
3. Text that says the same again and again, or whose words are improbable, is heard a second time with more randomness,
   as Whisper does it (ibid.): `doubtful` tells which.
4. What goes on in circles even then is said once: `without_loops`.
5. A word where the voice detector hears nobody is dropped: `voiced`.
"""

from collections.abc import Sequence
from typing import NamedTuple

from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from clipmill.transcriber.recognising.words import RawWord

SILENT_PROBABILITY, UNLIKELY_LOGPROB = 0.6, -1.0
"""Whisper's thresholds for a window without speech and for improbable words, mean log probability of its tokens."""

REPETITIVE_RATIO = 2.4
"""Whisper's threshold for text in circles: how many times shorter zlib makes it."""

LONGEST_LOOP_WORDS = 12
"""Loops are of a few words; longer ones are a refrain that somebody really says."""

MOST_TIMES_WORD, MOST_TIMES_PHRASE = 7, 4
"""How often people say a word, and a phrase, one right after the other ("no, no, no"): a choir's chant stays below."""

FAR_SECONDS = 1.0
"""A word this far from every voice was never said: attention misplaces words by half a second at the very most."""

NEAR_SECONDS, UNSURE = 0.4, 0.5
"""Likewise one this far if the recogniser itself gives it a smaller probability."""

_MARKS = ".,!?;:\u2026\"'()[]-\u2013\u2014\u3002\uff0c\u3001\uff01\uff1f"


class Heard(NamedTuple):
    """What a recogniser says of a piece of sound.

    Attributes:
        words: in order.
        no_speech_probability: 0 to 1.
        mean_logprob: of its tokens.
        compression_ratio: how many times shorter zlib makes its text.
    """

    words: tuple[RawWord, ...]
    no_speech_probability: float
    mean_logprob: float
    compression_ratio: float


def silent(heard: Heard) -> bool:
    """Whether there was nothing to hear."""
    return heard.no_speech_probability > SILENT_PROBABILITY and heard.mean_logprob < UNLIKELY_LOGPROB


def doubtful(heard: Heard) -> bool:
    """Whether it should be heard again."""
    return heard.compression_ratio > REPETITIVE_RATIO or heard.mean_logprob < UNLIKELY_LOGPROB


def without_loops(words: Sequence[RawWord]) -> list[RawWord]:
    """Return the words; those of a phrase that follows itself more often than people repeat themselves only once.

    Args:
        words: in order.
    """
    kept = list(words)
    for length in range(1, LONGEST_LOOP_WORDS + 1):
        kept = _unlooped(kept, length)
    return kept


def _unlooped(words: list[RawWord], length: int) -> list[RawWord]:
    """The words without loops of phrases of `length` words."""
    texts = [word.text.strip().strip(_MARKS).casefold() for word in words]
    most = MOST_TIMES_WORD if length == 1 else MOST_TIMES_PHRASE
    kept: list[RawWord] = []
    position = 0
    while position < len(words):
        end = position + length
        while end < len(words) and texts[end] == texts[end - length]:
            end += 1
        loops = (end - position) // length > most and any(texts[position : position + length])
        through = position + length if loops else position + 1
        kept += words[position:through]
        position = end if loops else through
    return kept


def voiced(words: Sequence[RawWord], regions: Sequence[SpeechRegion]) -> list[RawWord]:
    """Return those words near which somebody speaks, and those without times.

    Args:
        words: seconds on the same clock as `regions`.
        regions: where the voice detector hears somebody, in order.
    """
    return [word for word in words if not _unvoiced(word, regions)]


def _unvoiced(word: RawWord, regions: Sequence[SpeechRegion]) -> bool:
    start, end = word.start, word.end
    if start is None or end is None:
        return False
    distance = min((max(each.start - end, start - each.end, 0.0) for each in regions), default=0.0)
    unsure = word.score is not None and word.score < UNSURE
    return distance > FAR_SECONDS or (unsure and distance > NEAR_SECONDS)
