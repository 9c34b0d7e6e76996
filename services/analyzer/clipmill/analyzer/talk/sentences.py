"""Sentences, the units of a clip: it starts where a sentence starts and ends where one ends."""

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from clipmill.analyzer.talk.continuations import SENTENCE_OPENERS, continues
from clipmill.analyzer.talk.punctuation import CLOSERS, COMMAS, OPENERS, finishes
from clipmill.analyzer.talk.terms import UNSPACED
from clipmill.contracts.documents import Segment, Transcript, Word
from msgspec import Struct

PAUSE_SECONDS = 0.7
"""Silence that ends a sentence unless punctuation contradicts; pauses inside fluent sentences, read or spoken, rarely
reach half a second."""

LONG_PAUSE_SECONDS = 2.0
"""Silence that ends a sentence even if the next word continues it in lower case."""

SENTENCE_SECONDS = 25.0
"""Length of the longest sentence. A longer one comes from speech without full stops and is divided."""

UNPUNCTUATED_SECONDS = 6.0
"""Length of the longest sentence in a transcript without punctuation. Spoken sentences last three to six seconds, so a
longer one is probably two, most likely divided by its longest pause."""

PUNCTUATED_SHARE = 1 / 40
"""Share of words with a full stop from which a transcript counts as punctuated."""

HELD_SECONDS = 1.0
"""Time beyond the last picture in which the last clause may end, in seconds."""

SHORTEST_WORD_SECONDS = 0.001

_NEVER_LAST = frozenset(
    {
        "mr",
        "mrs",
        "ms",
        "dr",
        "prof",
        "st",
        "gen",
        "col",
        "sgt",
        "capt",
        "lt",
        "rev",
        "hon",
        "v",
        "vs",
        "e.g",
        "i.e",
        "cf",
    }
    | {"fig", "vol", "approx", "dept", "est"}
)
"""Abbreviations that never end a sentence."""

_SELDOM_LAST = frozenset(
    {"etc", "inc", "ltd", "co", "corp", "jr", "sr", "u.s", "u.k", "u.n", "a.m", "p.m", "ph.d", "b.c", "a.d"}
)
"""Abbreviations that end a sentence only if the next word starts with a capital."""

_NAMES_FOLLOW = frozenset({"u.s", "u.k", "u.n", "d.c"})
"""Abbreviations that names follow, as in `U.S. Senator`: they end a sentence only before a word that often does."""

_INITIAL = re.compile(r"^[A-Z]$")
_UNSPACED = re.compile(f"[{UNSPACED}\u3001-\u303f\uff00-\uffef]")
"""Letters and marks that need no blank before the next word."""

_UNITS = re.compile(r"\s+|(?<=[\u3002\uff01\uff1f\uff61])(?=[^\s\u3002\uff01\uff1f\uff61\u300d\u300f\uff09])")
"""Separators of words in a segment without word times: blanks, and full stops that no blank follows."""


class Sentence(Struct, frozen=True, kw_only=True):
    """Consecutive words that belong together.

    Attributes:
        number: Number from 1, in order of time.
        text: Text of the sentence.
        start: Start of the first word, in seconds.
        end: End of the last word, in seconds.
    """

    number: int
    text: str
    start: float
    end: float

    @property
    def seconds(self) -> float:
        """Length of the sentence, in seconds."""
        return self.end - self.start


def words_of(transcript: Transcript, duration: float) -> list[Word]:
    """Return the words said while there is a picture, in order, without overlap.

    The words of a segment without word times are spread over it by their number of letters.

    Args:
        transcript: Transcript of the source.
        duration: Length of the picture, in seconds; the sound may be longer.
    """
    words: list[Word] = []
    reached = 0.0
    for segment in transcript.segments:
        for word in segment.words or _interpolated(segment):
            start, end = max(word.start, reached), min(word.end, duration)
            if word.text and end - start >= SHORTEST_WORD_SECONDS:
                words.append(Word(text=word.text, start=start, end=end, score=word.score))
                reached = end
    return words


def reach_of(transcript: Transcript, duration: float) -> float:
    """Return the time up to which clips may reach, in seconds: a little beyond the last picture for a last clause.

    The sound is often a little longer than the picture, and the renderer holds the last picture meanwhile.

    Args:
        transcript: Transcript of the source.
        duration: Length of the picture, in seconds.
    """
    words = [word for segment in transcript.segments for word in segment.words]
    late = [
        word.end
        for index, word in enumerate(words)
        if duration < word.end <= duration + HELD_SECONDS and (finishes(word.text) or index == len(words) - 1)
    ]
    return max(late, default=duration)


def sentences_of(words: Sequence[Word], longest: float = SENTENCE_SECONDS, language: str = "") -> list[Sentence]:
    """Return the sentences that `words` form.

    Args:
        words: Words in order, without overlap.
        longest: Length of the longest sentence, in seconds; longer ones are divided at the best comma or pause.
        language: ISO 639-1 code of the speech; empty if unknown.
    """
    punctuated = sum(finishes(word.text) for word in words) >= len(words) * PUNCTUATED_SHARE
    longest = longest if punctuated else min(longest, UNPUNCTUATED_SECONDS)
    groups: list[Sequence[Word]] = []
    found = list(_grouped(words, punctuated=punctuated))
    for group in _rejoined(found, longest, language) if punctuated else found:
        groups.extend(_divided(group, longest))
    return _numbered(groups)


def single_words(words: Sequence[Word]) -> list[Sentence]:
    """Return each word as a sentence, for ranges of lengths that no run of whole sentences meets."""
    return _numbered([[word] for word in words])


def joined(texts: Sequence[str]) -> str:
    """Return words as running text, with blanks except in scripts that are written without.

    If the text has letters of such a script, blanks separate only words that are written in others. Recognisers give
    such texts letter by letter, and figures digit by digit.
    """
    if not any(_UNSPACED.search(text) for text in texts):
        return " ".join(texts)
    parts: list[str] = []
    for text in texts:
        spaced = bool(parts) and all(_is_spaced(letter) for letter in (parts[-1][-1], text[0]))
        parts.append(f" {text}" if spaced else text)
    return "".join(parts)


def _is_spaced(letter: str) -> bool:
    return letter.isalpha() and not _UNSPACED.match(letter)


def _numbered(groups: Sequence[Sequence[Word]]) -> list[Sentence]:
    return [
        Sentence(number=number, text=joined([word.text for word in group]), start=group[0].start, end=group[-1].end)
        for number, group in enumerate(groups, 1)
    ]


def _interpolated(segment: Segment) -> Iterator[Word]:
    texts = [text for text in _UNITS.split(segment.text) if text]
    letters = sum(len(text) for text in texts)
    start = segment.start
    for text in texts:
        end = start + (segment.end - segment.start) * len(text) / letters
        yield Word(text=text, start=start, end=end, score=0.0)
        start = end


def _grouped(words: Sequence[Word], *, punctuated: bool) -> Iterator[list[Word]]:
    group: list[Word] = []
    for word, following in pairwise([*words, None]):
        if word is None:  # only the last element is
            break
        group.append(word)
        if following is None or _ends(word, following, punctuated=punctuated):
            yield group
            group = []


def _rejoined(groups: Sequence[list[Word]], longest: float, language: str) -> list[list[Word]]:
    """Return `groups`, those joined that a false full stop has divided, if they are short enough together."""
    texts = [joined([word.text for word in group]) for group in groups]
    starts = [text.lstrip(OPENERS)[:1] for text in texts]
    cased = sum(letter.isupper() for letter in starts) >= sum(letter.islower() for letter in starts)
    made: list[list[Word]] = []
    before = ""
    for group, text in zip(groups, texts, strict=True):
        fits = bool(made) and group[-1].end - made[-1][0].start <= longest
        close = fits and group[0].start - made[-1][-1].end < LONG_PAUSE_SECONDS
        if close and continues(before, text, language, cased=cased):
            made[-1] = [*made[-1], *group]
        else:
            made.append(group)
        before = text
    return made


def _ends(word: Word, following: Word, *, punctuated: bool) -> bool:
    if finishes(word.text) and not _abbreviates(word.text, following.text):
        return True
    continues = punctuated and following.text[0].islower()
    return following.start - word.end >= (LONG_PAUSE_SECONDS if continues else PAUSE_SECONDS)


def _abbreviates(text: str, following: str) -> bool:
    """Return whether the full stop of `text` belongs to an abbreviation, an initial or a number."""
    bare = text.rstrip(CLOSERS).lstrip(OPENERS)
    if not bare.endswith(".") or bare.endswith(".."):
        return False
    stem = bare[:-1]
    if stem.lower() in _NEVER_LAST or (_INITIAL.match(stem) and stem != "I"):
        return True
    if stem and stem[-1].isdigit() and following[0].isdigit():
        return True
    if stem.lower() == "no":
        return following[0].isdigit()
    if stem.lower() in _NAMES_FOLLOW:
        return following.strip(OPENERS + CLOSERS).lower() not in SENTENCE_OPENERS
    return stem.lower() in _SELDOM_LAST and not following[0].isupper()


def _divided(group: Sequence[Word], longest: float) -> list[Sequence[Word]]:
    """Halve `group` at its best boundary until each half is short enough or a single word."""
    seconds = group[-1].end - group[0].start
    if seconds <= longest or len(group) == 1:
        return [group]

    def merit(boundary: int) -> float:
        before, after = group[boundary - 1], group[boundary]
        middle = 1 - abs((before.end + after.start) / 2 - group[0].start - seconds / 2) / (seconds / 2)
        comma = 0.5 if before.text.endswith(COMMAS) else 0.0
        return middle + comma + min((after.start - before.end) / PAUSE_SECONDS, 1.5)

    boundary = max(range(1, len(group)), key=merit)
    return [*_divided(group[:boundary], longest), *_divided(group[boundary:], longest)]
