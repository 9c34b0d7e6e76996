"""Marks that end, divide and enclose sentences, in the scripts of the languages that are transcribed most."""

OPENERS = "\"'(«[{\u2018\u201c"
"""What may stand before a sentence's first letter: quotes and brackets."""

CLOSERS = "\"')»]}\u2019\u201d"
"""What may stand after a sentence's last mark."""

QUESTION_MARKS = ("?", "\uff1f", "\u061f")
"""Latin, full-width, Arabic."""

FULL_STOPS = (".", "!", "\u2026", "\u3002", "\uff01", "\uff0e", "\u0964")
"""Latin, ellipsis, ideographic, full-width, Devanagari."""

COMMAS = (",", ";", ":", "\u2014", "\u2013", "\uff0c", "\u3001", "\uff1b", "\uff1a", "\u060c")
"""Latin, dashes, full-width, ideographic, Arabic."""


def asks(text: str) -> bool:
    """Tell whether `text` ends as a question."""
    return text.rstrip(CLOSERS).endswith(QUESTION_MARKS)


def finishes(text: str) -> bool:
    """Tell whether `text` ends as a sentence or a question."""
    return text.rstrip(CLOSERS).endswith(FULL_STOPS + QUESTION_MARKS)
