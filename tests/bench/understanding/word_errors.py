"""Word error rates, and character error rates for languages that are written without blanks."""

import unicodedata

from understanding.speech import aligned

WITHOUT_BLANKS = frozenset({"ja", "zh"})
"""Languages whose errors are counted by characters."""

_COMBINING_DOT = "\u0307"
"""Remains when Turkish \u0130 becomes small."""


def error_rate(truth: str, heard: str, language: str) -> float:
    """Return the errors per word (Chinese and Japanese: per character), without marks, capitals and widths.

    Args:
        truth: Text that was said.
        heard: Text that was recognised.
        language: ISO 639-1 code of the language.
    """
    said = units(truth, language)
    errors, _ = aligned(said, units(heard, language))
    return errors / len(said)


def units(text: str, language: str) -> list[str]:
    """Return the words of a text, or its characters, in the form in which they are compared."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace(_COMBINING_DOT, "").replace("\u2019", "'")
    kept = "".join(" " if _is_mark(char) else char for char in plain)
    return [char for char in kept if not char.isspace()] if language in WITHOUT_BLANKS else kept.split()


def _is_mark(char: str) -> bool:
    """Return whether a character parts words; vowel signs and apostrophes do not."""
    return char != "'" and unicodedata.category(char)[0] in "PSZC"
