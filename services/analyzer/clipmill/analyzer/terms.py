"""Terms: the words that carry a text's subject, and how much each weighs."""

import math
import re
from collections import Counter
from collections.abc import Sequence

from clipmill.analyzer.lexicon import STOP_WORDS

_TOKEN = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
_SUFFIXES = (("ies", "y"), ("sses", "ss"), ("ing", ""), ("ed", ""), ("ly", ""), ("es", "e"), ("s", ""))
_SHORTEST_STEM = 3


def tokens(text: str) -> list[str]:
    """Return the words of `text` in lower case, without punctuation, apostrophes straight."""
    return [token.lower().replace("\u2019", "'") for token in _TOKEN.findall(text)]


def stem(token: str) -> str:
    """Return `token` without its inflection, roughly: two forms of a word should meet, nothing more is needed."""
    token = token.removesuffix("'s")
    for suffix, instead in _SUFFIXES:
        bare = token.removesuffix(suffix)
        if bare != token and len(bare) >= _SHORTEST_STEM and not token.endswith("ss"):
            return (bare + instead).removesuffix("e")
    return token.removesuffix("e") if len(token) > _SHORTEST_STEM else token


def subject_stems(words: Sequence[str]) -> list[str]:
    """Return the stems of those tokens that carry a subject."""
    return [stem(word) for word in words if word not in STOP_WORDS and (len(word) > 2 or not word.isascii())]


def inverse_frequencies(texts: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return how much each stem tells about the text it stands in.

    ln((1 + N) / df), so that a stem in every text weighs next to nothing (Spärck Jones 1972, smoothed).

    Args:
        texts: stems of each text.
    """
    frequencies = Counter(one for text in texts for one in set(text))
    return {one: math.log((1 + len(texts)) / frequency) for one, frequency in frequencies.items()}
