"""The cleaning of a recogniser's raw words into the words that a transcript promises."""

import math
import unicodedata
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from clipmill.artifacts.spoken_words import JOINERS, speaks
from clipmill.contracts.documents import Word
from clipmill.contracts.source_range import SourceRange
from msgspec.structs import replace

SHORTEST_WORD_MS = 20
"""Shortest word if there is room for it: Whisper's own time step."""

LANGUAGES_WITHOUT_SPACES = frozenset({"ja", "zh", "yue", "th", "lo", "my"})
"""Languages for which Whisper gives a word for each character."""


class RawWord(NamedTuple):
    """A word, or a piece of one, as a recogniser gives it.

    Attributes:
        text: Text, with a blank before it if a new word begins.
        start: Start, in seconds; None or not a number if unknown.
        end: End, in seconds; None or not a number if unknown.
        score: Probability, 0 to 1; None or not a number if unknown.
    """

    text: str
    start: float | None = None
    end: float | None = None
    score: float | None = None

    def later(self, seconds: float) -> "RawWord":
        """Return the word, moved `seconds` later."""
        start, end = (None if time is None else time + seconds for time in (self.start, self.end))
        return self._replace(start=start, end=end)


class TimedWord(NamedTuple):
    """A word with its times; `glued` is true if no blank precedes it."""

    word: Word
    glued: bool

    def later(self, seconds: float) -> "TimedWord":
        """Return the word, moved `seconds` later, in whole milliseconds."""
        start, end = (round(time + seconds, 3) for time in (self.word.start, self.word.end))
        return self._replace(word=replace(self.word, start=start, end=end))

    def middle_in(self, part: SourceRange) -> bool:
        """Return whether most of the word is in `part`."""
        return part.start <= (self.word.start + self.word.end) / 2 < part.end

    def within(self, part: SourceRange) -> "TimedWord":
        """Return the word without what is outside `part`."""
        start, end = max(self.word.start, part.start), min(self.word.end, part.end)
        return self._replace(word=replace(self.word, start=start, end=end))


def tidy(raw: Iterable[RawWord], duration: float, language: str) -> list[TimedWord]:
    """Return the words in order, without overlap, each of some length, none outside the sound.

    Pieces of a word are joined, and marks that stand alone go to the word before. Missing times (an alignment gives
    digits none) are filled in between the neighbours' times, by the length of the words.

    Args:
        raw: Raw words in the order in which they were said.
        duration: Duration of the sound, in seconds.
        language: ISO 639-1 code of the language.
    """
    whole = _joined(raw, glue=language not in LANGUAGES_WITHOUT_SPACES)
    spans = _ordered([(_milliseconds(word.start), _milliseconds(word.end)) for word in whole], whole, duration)
    return [
        TimedWord(
            Word(text=word.text.strip(), start=start / 1000, end=end / 1000, score=_score(word.score)),
            glued=not word.text[:1].isspace(),
        )
        for word, (start, end) in zip(whole, spans, strict=True)
    ]


def _joined(raw: Iterable[RawWord], *, glue: bool) -> list[RawWord]:
    """Return the words with their pieces joined and without blank ones."""
    words: list[RawWord] = []
    for piece in raw:
        text = _printable(piece.text)
        if not text.strip():
            continue
        continues = glue and not text[0].isspace()
        if words and (continues or not speaks(text) or not speaks(words[-1].text)):
            last = words[-1]
            words[-1] = RawWord(
                last.text + text, last.start, piece.end if speaks(text) else last.end, _lower(last.score, piece.score)
            )
        else:
            words.append(piece._replace(text=text))
    return words


def _printable(text: str) -> str:
    """Return `text` without control characters and halves of characters, with one blank for each run of blanks."""
    kept = "".join(
        " " if char.isspace() else char
        for char in text
        if unicodedata.category(char)[0] != "C" or char.isspace() or char in JOINERS
    )
    lead = " " if kept[:1] == " " else ""
    return lead + " ".join(kept.split())


def _known(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _milliseconds(seconds: float | None) -> int | None:
    known = _known(seconds)
    return None if known is None else round(min(max(known, 0.0), 1e9) * 1000)


def _score(score: float | None) -> float:
    known = _known(score)
    return 1.0 if known is None else round(min(max(known, 0.0), 1.0), 3)


def _lower(one: float | None, other: float | None) -> float | None:
    known = [value for value in (_known(one), _known(other)) if value is not None]
    return min(known, default=None)


def _ordered(
    times: Sequence[tuple[int | None, int | None]], words: Sequence[RawWord], duration: float
) -> list[tuple[int, int]]:
    """Return whole milliseconds for every word: in order, without overlap, within [0, duration]."""
    if not times:
        return []
    limit = max(int(duration * 1000), len(times))
    shortest = min(SHORTEST_WORD_MS, limit // len(times))
    spans, cursor = [], 0
    for start, end in _filled(times, words, limit):
        begin = max(start, cursor)
        cursor = max(end, begin + shortest)
        spans.append((begin, cursor))
    for position in range(len(spans) - 1, -1, -1):  # moves words after the end back before it
        start, end = spans[position]
        end = min(end, limit)
        start = min(start, end - shortest)
        spans[position] = (start, end)
        limit = start
    return spans


def _filled(
    times: Sequence[tuple[int | None, int | None]], words: Sequence[RawWord], limit: int
) -> list[tuple[int, int]]:
    """Return the times with missing ones filled in; a word gets a share of the gap by its share of the letters."""
    filled: list[tuple[int, int]] = []
    position = 0
    while position < len(times):
        start, end = times[position]
        if start is not None and end is not None:
            filled.append((start, end))
            position += 1
            continue
        after = position + 1
        while after < len(times) and None in times[after]:
            after += 1
        left = start if start is not None else filled[-1][1] if filled else 0
        known_end = times[after - 1][1]
        right = known_end if known_end is not None else next(iter(times[after : after + 1]), (limit, limit))[0] or limit
        letters = [len(word.text.strip()) for word in words[position:after]]
        total, said = sum(letters), 0
        for count in letters:
            begin = left + (max(right, left) - left) * said // total
            said += count
            filled.append((begin, left + (max(right, left) - left) * said // total))
        position = after
    return filled
