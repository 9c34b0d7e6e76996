"""Terms: the words that carry the subject of a text, and their weights."""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from clipmill.analyzer.talk.lexicon import STOP_WORDS

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f"
    "\U00020000-\U0003ffff"
)
"""Letters of scripts that put no blanks between words (Thai, Lao, Burmese, Khmer, kana, ideographs), for the brackets
of a regular expression."""

MARKS = (
    "\u0300-\u036f\u0591-\u05bd\u064b-\u065f\u0670\u06d6-\u06dc\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"
    "\u0981-\u0983\u09bc-\u09cd\u0a01-\u0a4d\u0a81-\u0acd\u0b01-\u0b4d\u0b82-\u0bcd\u0c00-\u0c4d\u0c81-\u0ccd"
    "\u0d00-\u0d4d\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u102b-\u103e\u17b4-\u17d3\u200c\u200d"
)
"""Signs that belong to the letter before but are not in `\\w` (accents, vowel signs, joiners), for brackets too."""

DENSE = re.compile(r"[\u3040-\u9fff\uac00-\ud7a3]")
"""Letters that stand for syllables or words."""

_LETTER = rf"(?:[^\W_]|[{MARKS}])"
_TOKEN = re.compile(rf"{_LETTER}+(?:['\u2019]{_LETTER}+)*")
_RUN = re.compile(rf"[{UNSPACED}{MARKS}]+|[^{UNSPACED}]+")
_UNSPACED_START = re.compile(rf"[{UNSPACED}]")
_KANA_ONLY = re.compile(r"[\u3040-\u309f]+")
_SUFFIXES = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("ly", ""), ("es", "e"), ("s", ""))
_SHORTEST_STEM = 3


def tokens(text: str) -> list[str]:
    """Return the words of `text` in lower case, without punctuation, apostrophes straight.

    Scripts without blanks give overlapping pairs of letters, which identify subjects about as well as words do (Nie,
    Gao, Zhang and Zhou 2000, "On the use of words and n-grams for Chinese information retrieval").
    """
    found: list[str] = []
    for token in _TOKEN.findall(text):
        word = token.lower().replace("\u2019", "'")
        if word.isascii():
            found.append(word)
        else:
            found.extend(_parts(word))
    return found


def _parts(word: str) -> Iterator[str]:
    for run in _RUN.findall(word):
        if len(run) > 2 and _UNSPACED_START.match(run):
            yield from (run[at : at + 2] for at in range(len(run) - 1))
        else:
            yield run


def stem(token: str) -> str:
    """Return an approximate stem of `token`. It need not be a word, but all forms of a word should share one stem."""
    token = token.removesuffix("'s")
    for suffix, instead in _SUFFIXES:
        bare = token.removesuffix(suffix)
        if bare != token and len(bare) >= _SHORTEST_STEM and not token.endswith("ss"):
            return (bare + instead).removesuffix("e")
    return token.removesuffix("e") if len(token) > _SHORTEST_STEM else token


def subject_stems(words: Sequence[str]) -> list[str]:
    """Return the stems of the tokens that carry a subject, which Japanese endings and particles (hiragana) do not."""
    return [stem(word) for word in words if word not in STOP_WORDS and _has_subject(word)]


def _has_subject(word: str) -> bool:
    return len(word) > 2 if word.isascii() else not _KANA_ONLY.fullmatch(word)


def inverse_frequencies(texts: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return the weight of each stem: the rarer it is, the more it says about a text that has it.

    The weight is ln((1 + N) / df), so a stem in every text weighs almost nothing (Spärck Jones 1972, smoothed).

    Args:
        texts: Stems of each text.
    """
    frequencies = Counter(one for text in texts for one in set(text))
    return {one: math.log((1 + len(texts)) / frequency) for one, frequency in frequencies.items()}
