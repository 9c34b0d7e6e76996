"""What a model says, read as JSON: small ones put it into fences, into prose, behind their thoughts, or stop early."""

import json
import re
from collections.abc import Iterator

ANSWER_CHARACTERS = 500_000
"""As much of an answer is read; the longest output limit allows less."""

RECORDS_LIMIT = 200
"""As many records are read: ten times as many as any request asks for."""

FALSE_STARTS = 100
"""So many braces may open nothing before reading stops: prose and broken answers have a few, nonsense has thousands."""

NUMBERS = ("first_sentence", "last_sentence", "passage", "score")
"""The fields that hold numbers; models write `"12"`, `"sentence 12"` and `"87/100"` as well."""

_NUMBER = re.compile(r"-?\d{1,9}(?:\.\d{1,9})?")
_THOUGHTS = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.IGNORECASE)
_DECODER = json.JSONDecoder()  # of the standard library, because it can start in the middle of a text


def records_in(text: str, key: str, sign: str) -> list[dict[str, object]] | None:
    """Return the records that `text` holds, in its order; None if it holds nothing of the kind, not even none of them.

    They are looked for as `{key: [record, …]}`, as a list in an object under whatever other name, as a bare list, one
    after another, and, in an answer that was cut off, as those that are complete.

    Args:
        text: what the model said.
        key: under which the list of records was asked for.
        sign: the field by which a record is known.
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
    """Return a record with texts in the place of numbers read as numbers, and without the fields that are null."""
    read: dict[str, object] = {}
    for name, value in record.items():
        number = _NUMBER.search(value) if name in NUMBERS and isinstance(value, str) else None
        if value is not None:
            read[name] = float(number[0]) if number else value
    return read


def _objects(text: str) -> Iterator[dict[str, object]]:
    """Yield the outermost JSON objects in `text`; of one that is broken, those inside it that are whole."""
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
