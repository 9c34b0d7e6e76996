"""Reads JSON from answers: small models put it in fences, in prose or after their thoughts, or break off."""

import json
import re
from collections.abc import Iterator

ANSWER_CHARACTERS = 500_000
"""Characters of an answer that are read; the longest output limit allows fewer."""

RECORDS_LIMIT = 200
"""Records that are read: ten times as many as any request asks for."""

FALSE_STARTS = 100
"""Braces that may open no object before reading stops: prose and broken answers have a few, nonsense has thousands."""

NUMBERS = ("first_sentence", "last_sentence", "passage", "score")
"""Fields that hold numbers; models also write `"12"`, `"sentence 12"` and `"87/100"`."""

_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?")
_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_DECODER = json.JSONDecoder()  # this one can start in the middle of a text


def records_in(text: str, key: str, sign: str) -> list[dict[str, object]] | None:
    """Return the records in `text`, in their order; None if it has neither a record nor an empty list for them.

    The search accepts `{key: [record, …]}`, a list under any other name, a bare list, and records one after another.
    An answer that breaks off gives its complete records.

    Args:
        text: Answer of the model.
        key: Name of the list that the model was asked for.
        sign: Field that identifies a record.
    """
    found: list[dict[str, object]] = []
    listed = False
    for value in _objects(_THOUGHTS.sub("", text[:ANSWER_CHARACTERS])):
        if sign in value:
            found.append(value)
            continue
        asked_for = value.get(key)
        listed = listed or isinstance(asked_for, list)
        for each in [asked_for] if isinstance(asked_for, list) else value.values():
            if isinstance(each, list):
                found += [record for record in each if isinstance(record, dict)]
    return found[:RECORDS_LIMIT] if found or listed else None


def with_numbers(record: dict[str, object]) -> dict[str, object]:
    """Return a record without its null fields, and with numbers instead of texts that should be numbers."""
    read: dict[str, object] = {}
    for name, value in record.items():
        number = _NUMBER.search(value) if name in NUMBERS and isinstance(value, str) else None
        if value is not None:
            read[name] = float(number[0]) if number else value
    return read


def _objects(text: str) -> Iterator[dict[str, object]]:
    """Yield the outermost JSON objects in `text`, and the complete objects inside a broken one."""
    at, misses = text.find("{"), 0
    while at >= 0 and misses < FALSE_STARTS:
        try:
            value, end = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):  # a number too long for Python is a ValueError as well
            misses += 1
            end = at + 1
        else:
            yield value
        at = text.find("{", end)
