"""The options that a client sends with its video, checked one by one; a refusal names the option."""

import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec
from clipmill.artifacts.spoken_words import JOINERS, speaks
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.contracts.identifiers import Priority
from clipmill.contracts.options import (
    CLIP_SECONDS_FLOOR,
    CLIP_SECONDS_LIMIT,
    CLIPS_LIMIT,
    RANGE_FLOOR,
    SPOKEN_LANGUAGES,
    SUBJECT_LIMIT,
    TERM_LIMIT,
    VOCABULARY_LIMIT,
    CaptionStyle,
    JobOptions,
)
from clipmill.contracts.source_range import plain_seconds
from clipmill.gateway.api.forms import NAME_LETTERS

Choice = TypeVar("Choice", bound=StrEnum)

KNOWN = frozenset(
    {
        "target_clips",
        "clip_min_seconds",
        "clip_max_seconds",
        "about",
        "exclude",
        "start",
        "end",
        "language",
        "captions",
        "output_format",
        "layout",
        "background",
        "profanity",
        "vocabulary",
        "model",
        "hook",
        "priority",
    }
)
LATER = frozenset({"webhook_url", "webhook_secret"})
"""Options of the API that this version does not support yet; it refuses them, since ignoring them would surprise."""

SOURCES = frozenset({"url", "file", "transcript"})
URL_LIMIT = 2048
BREAKS = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that a subject does not keep, because it stands in lines of logs and prompts: a blank replaces
control characters, lone surrogates and line ends. Format characters (Cf) other than joiners could turn the direction of
a line around, and are dropped."""

SEPARATORS = re.compile("[\n,\uff0c\u3001\u060c]")
"""The marks between the terms of a vocabulary in one text: a new line, or a comma of any script."""

ON_OFF = {"on": True, "true": True, "off": False, "false": False}


def parse_options(fields: Mapping[str, object], models: Collection[str] = ()) -> tuple[JobOptions, tuple[str, ...]]:
    """Return the options among `fields` and the unknown names, each up to `NAME_LETTERS`.

    Args:
        fields: Fields as sent: JSON values, or texts from a form. An empty text or null counts as not sent.
        models: Names of the Whisper models that a job may choose.

    Raises:
        Permanent: `bad_option` for a bad value, `not_yet_supported` for an option of a later version.
    """
    sent = {name: value for name, value in fields.items() if value not in (None, "")}
    for name in sorted(LATER & sent.keys()):
        sentence = f"The option {name} is not yet supported by this version of clipmill; leave it out."
        raise Permanent(ErrorCode.NOT_YET_SUPPORTED, sentence)
    defaults = JobOptions()
    shortest, longest = _lengths(sent, defaults)
    start, end = _part(sent)
    options = JobOptions(
        target_clips=_whole(sent, "target_clips", defaults.target_clips, 1, CLIPS_LIMIT),
        clip_min_seconds=shortest,
        clip_max_seconds=longest,
        language=_language(sent.get("language")),
        captions=_captions(sent, defaults.captions),
        output_format=_choice(sent, "output_format", defaults.output_format),
        layout=_choice(sent, "layout", defaults.layout),
        background=_choice(sent, "background", defaults.background),
        hook=_on_off(sent, "hook", default=defaults.hook),
        about=_subject(sent, "about"),
        exclude=_subject(sent, "exclude"),
        start=start,
        end=end,
        profanity=_choice(sent, "profanity", defaults.profanity),
        vocabulary=_vocabulary(sent.get("vocabulary", ())),
        model=_model(sent.get("model"), models),
    )
    unknown = sent.keys() - KNOWN - SOURCES
    return options, tuple(sorted({name[:NAME_LETTERS] for name in unknown}))


def parse_priority(fields: Mapping[str, object]) -> Priority:
    """Return the priority among `fields`, the normal one if there is none.

    Raises:
        Permanent: `bad_option`.
    """
    value = fields.get("priority")
    if value in (None, ""):
        return Priority.NORMAL
    if not isinstance(value, str) or value.lower() not in tuple(Priority):
        raise _bad("priority", "must be high or normal")
    return Priority(value.lower())


def parse_url(url: object) -> str:
    """Return `url` without the blanks and new lines around it if a downloader may try it.

    Raises:
        Permanent: `bad_url`. The address itself is checked later, when it is connected to.
    """
    url = url.strip() if isinstance(url, str) else url
    if not isinstance(url, str) or not url.isprintable() or len(url) > URL_LIMIT:
        raise Permanent(ErrorCode.BAD_URL, f"The url must be text of at most {URL_LIMIT} printable characters.")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        usable = False
    if not usable or " " in url:
        raise Permanent(ErrorCode.BAD_URL, "The url must be the http or https address of a video.")
    return url


def _lengths(sent: Mapping[str, object], defaults: JobOptions) -> tuple[float, float]:
    """Return the shortest and longest duration; if only one is sent, the default of the other adapts to it."""
    shortest = _seconds(sent, "clip_min_seconds")
    longest = _seconds(sent, "clip_max_seconds")
    if shortest is not None and longest is not None and shortest > longest:
        raise _bad("clip_min_seconds", f"must not be more than clip_max_seconds ({longest:g})")
    if longest is None:
        longest = max(defaults.clip_max_seconds, shortest or 0.0)
    if shortest is None:
        shortest = min(defaults.clip_min_seconds, longest)
    return shortest, longest


def _seconds(sent: Mapping[str, object], name: str) -> float | None:
    if name not in sent:
        return None
    value = _number(sent[name])
    if value is None or not CLIP_SECONDS_FLOOR <= value <= CLIP_SECONDS_LIMIT:
        raise _bad(name, f"must be a number of seconds from {CLIP_SECONDS_FLOOR:g} to {CLIP_SECONDS_LIMIT:g}")
    return value


def _part(sent: Mapping[str, object]) -> tuple[float | None, float | None]:
    """Return the start and the end of the part of the source to use, each None if it was not sent."""
    start, end = _position(sent, "start"), _position(sent, "end")
    begun = start or 0.0
    if end is not None and round(end - begun, 6) < RANGE_FLOOR:  # to the microsecond, below which floats are not exact
        raise _bad("end", f"must be at least {RANGE_FLOOR:g} seconds after the start ({plain_seconds(begun)})")
    return start, end


def _position(sent: Mapping[str, object], name: str) -> float | None:
    if name not in sent:
        return None
    value = _number(sent[name])
    if value is None or value < 0:
        raise _bad(name, "must be a number of seconds from 0")
    return value


def _subject(sent: Mapping[str, object], name: str) -> str:
    """Return the subject that was sent as one line without control characters, empty if there is none."""
    value = sent.get(name, "")
    if not isinstance(value, str):
        raise _bad(name, f"must be text of at most {SUBJECT_LIMIT} characters")
    line = " ".join("".join(map(_plain, value)).split())
    if len(line) > SUBJECT_LIMIT:
        raise _bad(name, f"must be text of at most {SUBJECT_LIMIT} characters")
    return line


def _vocabulary(value: object) -> tuple[str, ...]:
    """Return the terms that were sent, each once and as one line, in their order."""
    if isinstance(value, str):
        listed = _list_in(value)
        value = SEPARATORS.split(value.replace("\r", "\n")) if listed is None else listed
    if not isinstance(value, list | tuple) or not all(isinstance(term, str) for term in value):
        raise _bad("vocabulary", "must be a list of names and terms, or text that separates them by commas")
    terms = {" ".join("".join(map(_marked, term)).split()): None for term in value}
    terms.pop("", None)
    for term in terms:
        if not all(mark.isprintable() or mark in JOINERS for mark in term):
            raise _bad("vocabulary", "must not contain control characters")
        if not speaks(term):
            raise _bad("vocabulary", f'has a term without a letter or digit, "{term[:TERM_LIMIT]}"; leave it out')
        if len(term) > TERM_LIMIT:
            shown = f"{term[:TERM_LIMIT]}…"
            raise _bad(
                "vocabulary", f'has a term of more than {TERM_LIMIT} characters, "{shown}"; send names, not text'
            )
    if len(terms) > VOCABULARY_LIMIT:
        raise _bad(
            "vocabulary",
            f"has {len(terms)} terms, but Whisper can keep only about {VOCABULARY_LIMIT} in mind; send those that it "
            "would misspell",
        )
    return tuple(terms)


def _list_in(text: str) -> list[str] | None:
    """Return the list of texts that a field of a form has as JSON, None if it has anything else."""
    try:
        return msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def _marked(character: str) -> str:
    """Return a character of a term: blanks of any kind as a blank, invisible marks left out, all others unchanged."""
    if character.isspace():
        return " "
    return "" if unicodedata.category(character) == "Cf" and character not in JOINERS else character


def _model(value: object, models: Collection[str]) -> str | None:
    if value is None:
        return None
    if not models:
        raise _bad("model", "is not open to jobs on this server; leave it out, or ask its operator to allow models")
    if not isinstance(value, str) or value not in models:
        raise _bad("model", f"must be one of: {', '.join(models)}")
    return value


def _plain(character: str) -> str:
    category = unicodedata.category(character)
    if category in BREAKS:
        return " "
    return "" if category == "Cf" and character not in JOINERS else character


def _whole(sent: Mapping[str, object], name: str, default: int | None, least: int, most: int) -> int | None:
    if name not in sent:
        return default
    value = _number(sent[name])
    if value is None or value != int(value) or not least <= value <= most:
        raise _bad(name, f"must be a whole number from {least} to {most}")
    return int(value)


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _language(value: object) -> str | None:
    if value is None or (isinstance(value, str) and value.lower() == "auto"):
        return None
    if not isinstance(value, str) or value.lower() not in SPOKEN_LANGUAGES:
        raise _bad("language", "must be auto or the code of a language that Whisper knows, such as en, de or ar")
    return value.lower()


def _captions(sent: Mapping[str, object], default: CaptionStyle) -> CaptionStyle:
    """Return the style of the captions; `on` or true stands for `bold`, which is always drawn."""
    if "captions" not in sent:
        return default
    value = sent["captions"]
    switched = _switch(value)
    if switched is not None:
        return CaptionStyle.BOLD if switched else CaptionStyle.OFF
    style = _chosen(value, CaptionStyle)
    if style is None:
        raise _bad("captions", f"must be one of: on, {', '.join(CaptionStyle)}")
    return style


def _choice(sent: Mapping[str, object], name: str, default: Choice) -> Choice:
    if name not in sent:
        return default
    choice = _chosen(sent[name], type(default))
    if choice is None:
        raise _bad(name, f"must be one of: {', '.join(type(default))}")
    return choice


def _chosen(value: object, choices: type[Choice]) -> Choice | None:
    return next((choice for choice in choices if isinstance(value, str) and value.lower() == choice), None)


def _on_off(sent: Mapping[str, object], name: str, *, default: bool) -> bool:
    if name not in sent:
        return default
    switched = _switch(sent[name])
    if switched is None:
        raise _bad(name, "must be on or off")
    return switched


def _switch(value: object) -> bool | None:
    """Return the boolean that `value` is or names, None for anything else."""
    if isinstance(value, bool):
        return value
    return ON_OFF.get(value.lower()) if isinstance(value, str) else None


def _bad(name: str, demand: str) -> Permanent:
    return Permanent(ErrorCode.BAD_OPTION, f"The option {name} {demand}.")
