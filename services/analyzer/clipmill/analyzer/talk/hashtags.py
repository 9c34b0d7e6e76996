"""Hashtags: the words that name the subject of a passage."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from clipmill.analyzer.talk import grammar
from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES, STOP_WORDS
from clipmill.analyzer.talk.terms import MARKS, UNSPACED, inverse_frequencies, stem
from clipmill.contracts.swear_words import is_swear_word

HASHTAG_LIMIT = 5
"""Instagram's limit for hashtags; TikTok's feed shows no more."""

FEWEST = 3
"""Number of hashtags up to which words count that only seem to name a subject."""

SEEMING = 0.25
"""Weight of an English word that is never used as a noun or a name in the talk."""

NAMED = 1.5
"""Weight of an English word that is written with a capital inside sentences."""

COMMON_WORDS = Path(__file__).with_name("common_words.txt")
"""English words that are frequent whatever the subject; `tools/moments/common_words.py` writes the list."""

_TAG_WORDS = re.compile(
    rf"[\u4e00-\u9fff\u3400-\u4dbf]{{2,6}}|[\u30a0-\u30ff]{{2,12}}|(?:[^\W_{UNSPACED}]|[{MARKS}'\u2019])+"
)
"""Possible hashtags: ideographs in a row, katakana in a row, words of scripts with blanks."""

_ENGLISH_WORDS = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*|[.,;:!?\u2014-]")
_DENSE = re.compile(r"[\u3040-\u9fff\uac00-\ud7a3]")
"""Letters that stand for syllables or words."""

_ENDS_OF_PHRASES = (
    grammar.PREPOSITIONS
    | grammar.COORDINATORS
    | grammar.SUBORDINATORS
    | grammar.PART_TIME_SUBORDINATORS
    | grammar.FINITE_AUXILIARIES
    | grammar.SUBJECT_PRONOUNS
    | frozenset(".,;:!?\u2014")
)
_BEFORE_NOUNS = (grammar.DETERMINERS | grammar.PREPOSITIONS | grammar.NUMERALS) - {"to", "about", "by", "than"}
_PARTICIPLE = re.compile(r"[a-z]{3,}[^e]ed")
_ADVERB = re.compile(r"[a-z]{3,}ly")
_NOUNS_IN_LY = frozenset(
    "family assembly anomaly monopoly butterfly fly ally italy bully belly jelly supply reply july lily".split()
)


class Hashtags:
    """Finds the words that say most about a passage of a talk.

    Args:
        texts: Sentences of the talk.
        language: ISO 639-1 code; empty if unknown, which counts as English.
    """

    def __init__(self, texts: Sequence[str], language: str = "") -> None:
        self._language = language
        self._english = language in LEXICON_LANGUAGES
        self._words = [[word for word in _tag_words(text) if self._taggable(word)] for text in texts]
        self._weights = inverse_frequencies([[stem(word) for word in words] for words in self._words])
        if self._english:
            nouns, names = _nouns(texts)
            for one in self._weights:
                self._weights[one] *= NAMED if one in names else 1.0 if one in nouns else SEEMING

    def of(self, first: int, last: int, most: int = HASHTAG_LIMIT) -> list[str]:
        """Return up to `most` hashtags for the sentences from `first` to `last`, the most specific first."""
        counts: Counter[str] = Counter()
        forms: dict[str, Counter[str]] = {}
        for words in self._words[first : last + 1]:
            for word in words:
                counts[stem(word)] += 1
                forms.setdefault(stem(word), Counter())[word] += 1
        merits = {one: count * self._weights.get(one, 0.0) for one, count in counts.items()}
        ranked = sorted(merits, key=lambda one: (-merits[one], one))
        highest = merits[ranked[0]] if ranked else 0.0
        kept = [one for place, one in enumerate(ranked) if place < FEWEST or merits[one] > SEEMING * highest]
        return [f"#{_form(forms[one])}" for one in kept[:most]]

    def subjects(self, first: int, last: int) -> dict[str, float]:
        """Return the stems of the subject of a passage with their weights, 1 for the one that says most."""
        return {stem(tag[1:]): 1.0 - 0.1 * place for place, tag in enumerate(self.of(first, last))}

    def _taggable(self, word: str) -> bool:
        letters = word.replace("'", "")
        shortest = 2 if _DENSE.match(letters) else 4
        if not shortest <= len(letters) <= 24 or any(letter.isdigit() for letter in letters):
            return False
        if word in STOP_WORDS or is_swear_word(word, self._language):
            return False
        return not self._english or not _is_common(word)


def _is_common(word: str) -> bool:
    """Return whether an English word names no subject: it is frequent everywhere, an adverb, or a common verb."""
    bare = word.removesuffix("'s")
    if bare in common_words() or stem(bare) in _common_stems() or "'" in bare:
        return True
    if _ADVERB.fullmatch(bare) and bare not in _NOUNS_IN_LY and not bare.endswith("ily"):
        return True
    if _PARTICIPLE.fullmatch(bare):
        return True
    return bare in grammar.ANY_VERB and bare not in grammar.ALSO_NOUNS


@cache
def common_words() -> frozenset[str]:
    """Return the English words that are frequent whatever the subject."""
    return frozenset(COMMON_WORDS.read_text(encoding="utf-8").split())


@cache
def _common_stems() -> frozenset[str]:
    return frozenset(stem(word) for word in common_words() if len(word) > 3)


def _form(forms: Counter[str]) -> str:
    """Return the most frequent form of a word, the shortest of equal ones, without apostrophes."""
    best = min(forms, key=lambda form: (-forms[form], len(form), form))
    return best.removesuffix("'s").replace("'", "")


def _nouns(texts: Iterable[str]) -> tuple[set[str], set[str]]:
    """Return the stems of words that are used as nouns in English texts, and of those that are names.

    A noun is the last word before the end of a phrase, after a word that begins one, such as `the printer is`.
    """
    nouns: set[str] = set()
    names: set[str] = set()
    for text in texts:
        found = _ENGLISH_WORDS.findall(text)
        words = [word.lower().replace("\u2019", "'") for word in found]
        for index, word in enumerate(words):
            if index and found[index][0].isupper() and words[index - 1] not in (".", "!", "?", ":"):
                names.add(stem(word))
            following = words[index + 1] if index + 1 < len(words) else "."
            before = words[max(index - 3, 0) : index]
            if following in _ENDS_OF_PHRASES and any(one in _BEFORE_NOUNS for one in before):
                nouns.add(stem(word))
    return nouns, names


def _tag_words(text: str) -> list[str]:
    return [word.lower().replace("\u2019", "'").strip("'") for word in _TAG_WORDS.findall(text)]
