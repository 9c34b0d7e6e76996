"""Names of files, made from titles in any script, that every system takes."""

import unicodedata
from urllib.parse import quote

from clipmill.artifacts.spoken_words import JOINERS

REPLACED = str.maketrans(
    {'"': "'", ":": "-", "/": "-", "\\": "-", "|": "-", "?": None, "*": None, "<": None, ">": None}
)
"""The characters that Windows takes in no name
(https://learn.microsoft.com/windows/win32/fileio/naming-a-file), and what stands for them."""

RESERVED = frozenset(
    {"con", "prn", "aux", "nul", "conin$", "conout$"}
    | {f"{device}{number}" for device in ("com", "lpt") for number in (*range(10), "¹", "²", "³")}
)
"""The names that mean a device on Windows, whatever the extension."""

NAME_BYTES = 200
"""Longest name without its extension, in bytes of UTF-8. File systems take 255, and some programs add to a name."""

SEPARATE = frozenset({"Cc", "Cs", "Zl", "Zp", "Zs"})
"""The Unicode categories that become a blank: control characters, lone surrogates, line ends and blanks."""

PLAIN = frozenset("!#$&'()+,-.;=@[]^_`{}~ ")
"""The marks that the ASCII name keeps beside letters and digits; browsers decode a percent sign."""


def file_name(title: str, fallback: str) -> str:
    """Return a name without an extension for a file with this title, `fallback` if nothing of the title is left."""
    kept = unicodedata.normalize("NFC", "".join(map(_kept, title))).translate(REPLACED)
    name = _cut(" ".join(kept.split()).strip(" ."))
    if not any(character.isprintable() and not character.isspace() for character in name):
        return fallback
    first = name.partition(".")[0].rstrip().casefold()
    return f"_{name}" if first in RESERVED else name


def disposition(name: str, fallback: str, *, download: bool) -> str:
    """Return the `Content-Disposition` of a file with this name (RFC 6266).

    Args:
        name: Name with its extension, in any script.
        fallback: ASCII name for clients that know only that, if no letter of `name` is ASCII.
        download: True to have a browser save the file and not show it.
    """
    kind = "attachment" if download else "inline"
    stem, _, extension = name.rpartition(".")
    decomposed = unicodedata.normalize("NFKD", stem)
    plain = "".join(mark for mark in decomposed if mark.isascii() and (mark.isalnum() or mark in PLAIN))
    plain = " ".join(plain.split()).strip(" .")
    shown = f"{plain}.{extension}" if any(map(str.isalnum, plain)) else fallback
    return f"{kind}; filename=\"{shown}\"; filename*=UTF-8''{quote(name, safe='')}"


def _kept(character: str) -> str:
    category = unicodedata.category(character)
    if category in SEPARATE:
        return " "
    return "" if category in ("Cf", "Co", "Cn") and character not in JOINERS else character


def _cut(name: str) -> str:
    """Return `name` cut to `NAME_BYTES`, without half a character or a mark that joins nothing at the end."""
    data = name.encode()
    if len(data) <= NAME_BYTES:
        return name
    return data[:NAME_BYTES].decode(errors="ignore").rstrip(f" .{JOINERS}\ufe0f")
