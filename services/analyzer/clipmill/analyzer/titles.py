"""Titles, captions and hashtags for clips: taken from what is said, never invented."""

import re
from collections import Counter
from collections.abc import Sequence

from clipmill.analyzer.lexicon import STOP_WORDS
from clipmill.analyzer.punctuation import CLOSERS, COMMAS, FULL_STOPS, OPENERS
from clipmill.analyzer.terms import inverse_frequencies, stem, subject_stems, tokens

TITLE_LIMIT = 100
"""YouTube's limit for a title, characters; the others show less."""

CAPTION_LIMIT = 2200
"""TikTok's and Instagram's limit for a caption, characters."""

HASHTAG_LIMIT = 5
"""Instagram's limit; TikTok's feed shows no more either."""

_LEADING = re.compile(
    r"^(?:(?:and|so|but|well|okay|ok|now|yes|no|oh|uh|um|you know|i mean|like)\b[\s,]+)+", re.IGNORECASE
)
_BLANKS = re.compile(r"\s+")
_HASHTAG = re.compile(r"#\w+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_LOOSE_ENDS = "".join(mark for mark in (*COMMAS, *FULL_STOPS) if mark != "!") + "-"


def title_from(text: str, limit: int = TITLE_LIMIT) -> str:
    """Return `text` as a title of at most `limit` characters: one line, a capital first, no loose marks at its end."""
    line = _BLANKS.sub(" ", _CONTROL.sub(" ", text)).strip()
    line = _LEADING.sub("", line).strip(OPENERS + CLOSERS + " ") or line
    line = shortened(line, limit).rstrip(_LOOSE_ENDS + " ")
    return line[:1].upper() + line[1:]


def shortened(text: str, limit: int) -> str:
    """Return `text`, cut after a word if it is longer than `limit` characters."""
    if len(text) <= limit:
        return text
    cut = text[: limit + 1]
    at = cut.rfind(" ")
    return (cut[:at] if at > limit // 2 else cut[:limit]).rstrip()


def caption_of(text: str, hashtags: Sequence[str], limit: int = CAPTION_LIMIT) -> str:
    """Return `text` with `hashtags` after it, at most `limit` characters in all."""
    tags = " ".join(hashtags)
    return f"{shortened(clean(text), limit - len(tags) - 1)} {tags}".strip()


def clean(text: str) -> str:
    """Return `text` without control characters and without blanks around it; line breaks stay."""
    return _CONTROL.sub(" ", text).strip()


def limited_hashtags(text: str, most: int = HASHTAG_LIMIT) -> str:
    """Return `text` with no more than `most` hashtags: the first stay."""
    surplus = list(_HASHTAG.finditer(text))[most:]
    for match in reversed(surplus):
        text = text[: match.start()].rstrip() + text[match.end() :]
    return text


class Hashtags:
    """Finds the words that tell most about a part of a talk.

    Args:
        texts: the sentences of the talk.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._words = [tokens(text) for text in texts]
        self._weights = inverse_frequencies([subject_stems(words) for words in self._words])

    def of(self, first: int, last: int, most: int = HASHTAG_LIMIT) -> list[str]:
        """Return up to `most` hashtags for the sentences from `first` to `last`, the most telling first."""
        counts: Counter[str] = Counter()
        forms: dict[str, str] = {}
        for words in self._words[first : last + 1]:
            for word in words:
                if _taggable(word):
                    counts[stem(word)] += 1
                    forms.setdefault(stem(word), word)
        ranked = sorted(counts, key=lambda one: (-counts[one] * self._weights.get(one, 0.0), one))
        return [f"#{forms[one].replace(chr(39), '')}" for one in ranked[:most]]


def _taggable(word: str) -> bool:
    letters = word.replace("'", "")
    return word not in STOP_WORDS and letters.isalnum() and not letters.isdigit() and 3 < len(letters) <= 24
