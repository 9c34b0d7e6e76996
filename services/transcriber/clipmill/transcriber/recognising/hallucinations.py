"""Guards against words that nobody said.

Whisper invents words where it hears nothing. Six guards work against that, in this order:

1. Whisper gets only regions in which a voice detector hears somebody, with no silence longer than three seconds
   (`speech_regions`).
2. `is_silent` drops a segment that is probably silent and whose words are improbable: Whisper's own rule (Radford et
   al. 2022, section 4.5).
3. `is_doubtful` finds text that repeats itself or whose words are improbable; it is recognised a second time with more
   randomness, as Whisper does (ibid.), and where most words are unsure, with the text before as context (`sequences`).
4. `is_echo` finds text that recites the vocabulary of the request; it is recognised again without the vocabulary.
5. `without_loops` keeps one copy of a phrase that still repeats itself.
6. `near_speech` drops a word where the voice detector hears nobody.
"""

import unicodedata
import zlib
from collections.abc import Sequence
from typing import NamedTuple

from clipmill.artifacts.spoken_words import has_no_blanks
from clipmill.transcriber.hearing.speech_regions import SpeechRegion
from clipmill.transcriber.recognising.words import RawWord

SILENT_PROBABILITY, UNLIKELY_LOGPROB = 0.6, -1.0
"""Whisper's thresholds: a probability of no speech above the first, and a mean log probability below the second."""

REPETITIVE_RATIO = 2.4
"""Whisper's threshold for text that repeats itself: its length divided by its length after zlib (`repetition`)."""

_ASCII, _BYTES = 128, 256
"""Numbers of values of a byte: those that ASCII uses, and all."""

_FIRST_KANA, _LAST_IDEOGRAPH = "\u3041", "\u9fff"
"""First and last letters of Unicode's blocks from hiragana to the unified ideographs."""

LONGEST_LOOP_WORDS = 12
"""Longest phrase of a loop: a longer phrase that repeats is a refrain that somebody really says."""

MOST_TIMES_WORD, MOST_TIMES_PHRASE = 7, 4
"""Most times that people say a word, or a phrase, in a row ("no, no, no"); even a chant stays below."""

FAR_SECONDS = 1.0
"""A word this far from every voice was never said: attention misplaces words by half a second at most."""

NEAR_SECONDS, UNSURE = 0.4, 0.5
"""A word this far from every voice was never said if the recogniser gives it a probability below `UNSURE`."""

ECHO_NAMES = 3
"""Neighbouring names of a vocabulary that nobody says in a row, in the order of the list, without a word between them.
Two may be a first and a last name."""

_IN_WORDS = "LMN"
"""First letters of Unicode's categories of the characters that words consist of: letters, their marks, and numbers."""

_MARKS = ".,!?;:\u2026\"'()[]-\u2013\u2014\u3002\uff0c\u3001\uff01\uff1f"


class RecognisedPiece(NamedTuple):
    """A recogniser's result for a piece of sound.

    Attributes:
        words: Words in order.
        no_speech_probability: Probability that nobody speaks, 0 to 1.
        mean_logprob: Mean log probability of the tokens.
        compression_ratio: Length of the text divided by its length after zlib, as `repetition` returns it.
    """

    words: tuple[RawWord, ...]
    no_speech_probability: float
    mean_logprob: float
    compression_ratio: float


def is_silent(piece: RecognisedPiece) -> bool:
    """Return whether the sound is probably silent."""
    return piece.no_speech_probability > SILENT_PROBABILITY and piece.mean_logprob < UNLIKELY_LOGPROB


def is_doubtful(piece: RecognisedPiece) -> bool:
    """Return whether the sound should be recognised again."""
    return piece.compression_ratio > REPETITIVE_RATIO or piece.mean_logprob < UNLIKELY_LOGPROB


def repetition(text: str) -> float:
    """Return the length of a text divided by its length after zlib, in any script.

    Whisper measures the bytes of UTF-8, of which other scripts take two or three for a letter, most of them equal: half
    a minute of ordinary Hindi has a ratio of 2.4 to 2.8 and would pass for a loop. With a byte for each character
    ordinary talk has 1.4 to 1.8 in ten alphabets and in Devanagari, and 0.9 to 1.2 in Chinese and Japanese; a phrase of
    thirty letters said six times has 4.2 to 5.4 in all. English has the ratio that Whisper gives it.

    Japanese and Chinese keep their bytes, because Whisper's measure suits them: ordinary Japanese talk has 1.6. The
    sounds that a model writes in hiragana because it hears no words have 2.6, but only 1.4 with a byte for each.
    """
    if _is_ideographic(text):
        return len(text.encode()) / len(zlib.compress(text.encode()))
    others: dict[str, int] = {}
    coded = bytes(
        ord(char) if ord(char) < _ASCII else _ASCII + others.setdefault(char, len(others)) % (_BYTES - _ASCII)
        for char in text
    )
    return len(coded) / len(zlib.compress(coded))


def whispers_ratio(text: str) -> float:
    """Return the ratio that faster-whisper finds for texts like `text` where `repetition` has `REPETITIVE_RATIO`."""
    bytes_per_letter = 1.0 if _is_ideographic(text) or not text else len(text.encode()) / len(text)
    return REPETITIVE_RATIO * bytes_per_letter


def _is_ideographic(text: str) -> bool:
    """Return whether most letters are kana or ideographs, as in Japanese and Chinese."""
    letters = [char for char in text if char.isalpha()]
    return 2 * sum(_FIRST_KANA <= char <= _LAST_IDEOGRAPH for char in letters) > len(letters)


def is_echo(words: Sequence[RawWord], vocabulary: Sequence[str]) -> bool:
    """Return whether the words recite the vocabulary instead of the speech, as Whisper does where it hears little.

    Args:
        words: Words in order.
        vocabulary: Names and terms that the recogniser was given.
    """
    said = f" {_bare(''.join(word.text for word in words))} "
    names = [bare for name in vocabulary if (bare := _bare(name))]
    runs = (" ".join(names[start : start + ECHO_NAMES]) for start in range(len(names) - ECHO_NAMES + 1))
    return any(f" {run} " in said for run in runs)


def _bare(text: str) -> str:
    """Return the words of `text`, with a blank between them, without marks and capitals.

    A list may be written with no blank after its commas, and in scripts without blanks with no mark either, so there
    each letter is a word.
    """
    spaced = (
        f" {char} " if has_no_blanks(char) else char if unicodedata.category(char)[0] in _IN_WORDS else " "
        for char in text.casefold()
    )
    return " ".join("".join(spaced).split())


def without_loops(words: Sequence[RawWord]) -> list[RawWord]:
    """Return the words with one copy of each phrase that is repeated more often than people repeat themselves.

    Args:
        words: Words in order.
    """
    kept = list(words)
    for length in range(1, LONGEST_LOOP_WORDS + 1):
        kept = _unlooped(kept, length)
    return kept


def _unlooped(words: list[RawWord], length: int) -> list[RawWord]:
    """Return the words without loops of phrases of `length` words."""
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


def near_speech(words: Sequence[RawWord], regions: Sequence[SpeechRegion]) -> list[RawWord]:
    """Return those words near which somebody speaks, and those without times.

    Args:
        words: Words on the same clock as `regions`.
        regions: Regions in which the voice detector hears somebody, in order.
    """
    return [word for word in words if not _unvoiced(word, regions)]


def _unvoiced(word: RawWord, regions: Sequence[SpeechRegion]) -> bool:
    start, end = word.start, word.end
    if start is None or end is None:
        return False
    distance = min((max(each.start - end, start - each.end, 0.0) for each in regions), default=0.0)
    unsure = word.score is not None and word.score < UNSURE
    return distance > FAR_SECONDS or (unsure and distance > NEAR_SECONDS)
