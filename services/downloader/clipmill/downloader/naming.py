"""The names of a video: a title for people, a stem for file names, and its origin."""

import re
import unicodedata
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from clipmill.contracts.documents import Origin

STEM_LIMIT = 80
"""Longest stem, in characters: with `_clip_15.mp4` far below the 255 bytes that file systems allow."""

TITLE_LIMIT = 300
"""Longest title, in characters."""

EMPTY_STEM = "video"

_YOUTUBE = ("youtube.com", "youtu.be", "youtube-nocookie.com")
_UNWANTED = re.compile(r"[^A-Za-z0-9_-]+")
_APOSTROPHES = str.maketrans("", "", "'’‘`´")  # noqa: RUF001 - the ones that people type
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")


def origin_of(url: str | None) -> Origin:
    """Return the origin of a source by its URL; None stands for an upload."""
    if url is None:
        return Origin.UPLOAD
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    youtube = any(host == domain or host.endswith(f".{domain}") for domain in _YOUTUBE)
    return Origin.YOUTUBE if youtube else Origin.URL


def title_of(text: str) -> str:
    """Return `text` on one line, without control characters, not longer than `TITLE_LIMIT`."""
    shown = "".join(" " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character for character in text)
    shown = "".join(character for character in shown if unicodedata.category(character) != "Cs")
    return " ".join(shown.split())[:TITLE_LIMIT].strip()


def file_title(name: str) -> str:
    """Return the title that a file name gives: its last part without directories and extension."""
    last = PurePosixPath(name.replace("\\", "/")).name
    return title_of(_EXTENSION.sub("", last))


def url_title(url: str) -> str:
    """Return the title that a URL gives: the last part of its path, or its host."""
    parts = urlsplit(url)
    return file_title(unquote(parts.path)) or title_of(parts.hostname or "")


def stem_of(title: str) -> str:
    """Return `title` reduced to ASCII letters, digits, `-` and `_`: safe in a URL, a path and a header.

    Letters lose their accents, apostrophes vanish, and anything else becomes `_`. The stem is never empty, never longer
    than `STEM_LIMIT`, and neither starts nor ends with `-` or `_`.
    """
    plain = unicodedata.normalize("NFKD", title.translate(_APOSTROPHES))
    plain = "".join(character for character in plain if not unicodedata.combining(character))
    return _UNWANTED.sub("_", plain).strip("_-")[:STEM_LIMIT].strip("_-") or EMPTY_STEM
