"""Marks that end, divide and enclose sentences, in the scripts of the most frequent languages."""

import re

OPENERS = "\"'(«»[{\u2018\u201a\u201c\u201e\u300c\u300e\uff08\u3010\u300a"
"""Marks before the first letter of a sentence: quotes, brackets, East Asian corners."""

CLOSERS = "\"')«»]}\u2018\u2019\u201c\u201d\u300d\u300f\uff09\u3011\u300b"
"""Marks after the last mark of a sentence; some languages close with quotes that others open with."""

QUESTION_MARKS = ("?", "\uff1f", "\u061f", "\u037e", "\u055e", "\u1367")
"""Latin, full-width, Arabic, Greek, Armenian, Ethiopic."""

FULL_STOPS = tuple(".!\u2026\u3002\uff01\uff0e\uff61\u0964\u06d4\u0589\u1362\u104b\u17d4")
"""Latin, ellipsis, ideographic, full-width and half-width, Devanagari, Urdu, Armenian, Ethiopic, Burmese, Khmer."""

COMMAS = (",", ";", ":", "\u2014", "\u2013", "\uff0c", "\u3001", "\uff1b", "\uff1a", "\u060c", "\u061b")
"""Latin, dashes, full-width, ideographic, Arabic."""

EXCLAMATION_MARKS = ("!", "\uff01")

QUOTES = re.compile('["\u201c\u201d\u201e\u00ab\u00bb]')
"""Quotation marks that cannot be apostrophes."""


def asks(text: str) -> bool:
    """Return whether `text` ends as a question."""
    return text.rstrip(CLOSERS).endswith(QUESTION_MARKS)


def exclaims(text: str) -> bool:
    """Return whether `text` ends as an exclamation."""
    return text.rstrip(CLOSERS).endswith(EXCLAMATION_MARKS)


def finishes(text: str) -> bool:
    """Return whether `text` ends as a sentence or a question."""
    return text.rstrip(CLOSERS).endswith(FULL_STOPS + QUESTION_MARKS)
