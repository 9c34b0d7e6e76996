"""Titles, captions and hashtags for clips, taken from the words that are said and never invented."""

import re
from collections import Counter
from collections.abc import Sequence

from clipmill.analyzer.talk.lexicon import LEXICON_LANGUAGES, STOP_WORDS
from clipmill.analyzer.talk.punctuation import CLOSERS, COMMAS, FULL_STOPS, OPENERS
from clipmill.analyzer.talk.terms import MARKS, UNSPACED, inverse_frequencies, stem

TITLE_LIMIT = 100
"""YouTube's limit for a title, in characters; other platforms show fewer."""

CAPTION_LIMIT = 2200
"""TikTok's and Instagram's limit for a caption, in characters."""

HASHTAG_LIMIT = 5
"""Instagram's limit for hashtags; TikTok's feed shows no more."""

_LEADING = re.compile(
    r"^(?:(?:(?:and|so|but|uh|um)\b[\s,]+)|(?:(?:well|okay|ok|now|yes|no|oh|you know|i mean|like),\s+))+", re.IGNORECASE
)
"""Words of English speakers before they begin; `no` and others count only before a comma, as in `No, I did.`"""

_BLANKS = re.compile(r"\s+")
_HASHTAG = re.compile(rf"#[\w{MARKS}]+")
_TAG_WORDS = re.compile(
    rf"[\u4e00-\u9fff\u3400-\u4dbf]{{2,6}}|[\u30a0-\u30ff]{{2,12}}|(?:[^\W_{UNSPACED}]|[{MARKS}'\u2019])+"
)
"""Possible hashtags: ideographs in a row, katakana in a row, words of scripts with blanks."""

_DENSE = re.compile(r"[\u3040-\u9fff\uac00-\ud7a3]")
"""Letters that stand for syllables or words."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
_LOOSE_ENDS = "".join(mark for mark in (*COMMAS, *FULL_STOPS) if mark != "!") + "-"


def title_from(text: str, limit: int = TITLE_LIMIT, spoken_in: str | None = None) -> str:
    """Return `text` as a title: one line that begins with a capital and has no loose marks at its end.

    Args:
        text: Words that somebody said, or a name.
        limit: Largest number of characters.
        spoken_in: ISO 639-1 code if somebody said the text, to leave out the words of English speakers before they
            begin; an empty code counts as English. None if nobody said it.
    """
    line = _BLANKS.sub(" ", _CONTROL.sub(" ", text)).strip()
    begun = _LEADING.sub("", line) if spoken_in in LEXICON_LANGUAGES else line
    line = begun.strip(OPENERS + CLOSERS + " ") or line
    line = shortened(line, limit).rstrip(_LOOSE_ENDS + " ")
    return line[:1].upper() + line[1:]


def shortened(text: str, limit: int) -> str:
    """Return `text`, cut between words if it is longer than `limit` characters."""
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
    """Return `text` without control characters and surrounding blanks; line breaks stay."""
    return _CONTROL.sub(" ", text).strip()


def limited_hashtags(text: str, most: int = HASHTAG_LIMIT) -> str:
    """Return `text` with only its first `most` hashtags."""
    surplus = list(_HASHTAG.finditer(text))[most:]
    for match in reversed(surplus):
        text = text[: match.start()].rstrip() + text[match.end() :]
    return text


class Hashtags:
    """Finds the words that say most about a passage of a talk.

    Args:
        texts: Sentences of the talk.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self._words = [[word for word in _tag_words(text) if _taggable(word)] for text in texts]
        self._weights = inverse_frequencies([[stem(word) for word in words] for words in self._words])

    def of(self, first: int, last: int, most: int = HASHTAG_LIMIT) -> list[str]:
        """Return up to `most` hashtags for the sentences from `first` to `last`, the most specific first."""
        counts: Counter[str] = Counter()
        forms: dict[str, str] = {}
        for words in self._words[first : last + 1]:
            for word in words:
                counts[stem(word)] += 1
                forms.setdefault(stem(word), word)
        ranked = sorted(counts, key=lambda one: (-counts[one] * self._weights.get(one, 0.0), one))
        return [f"#{forms[one].replace(chr(39), '')}" for one in ranked[:most]]


def _tag_words(text: str) -> list[str]:
    return [word.lower().replace("\u2019", "'").strip("'") for word in _TAG_WORDS.findall(text)]


def _taggable(word: str) -> bool:
    letters = word.replace("'", "")
    shortest = 2 if _DENSE.match(letters) else 4
    return word not in STOP_WORDS and not letters.isdigit() and shortest <= len(letters) <= 24
