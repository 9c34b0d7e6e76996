"""The operator's file of cookies, as yt-dlp gets it: a copy without lines that yt-dlp would quote in its warnings."""

import re
from pathlib import Path

FIELDS = 7
"""Fields of a cookie, separated by tabs, in the Netscape format."""

_HTTP_ONLY = "#HttpOnly_"
_EXPIRY = re.compile(r"([0-9]+(\.[0-9]+)?)?")


def copy_cookies(source: Path, target: Path) -> list[int]:
    """Copy a file of cookies and return the numbers of the lines that were left out because they are malformed.

    yt-dlp writes to the file and prints malformed lines whole, so their cookies would come into the service's log.

    Raises:
        OSError: if a file cannot be read or written.
        ValueError: if the file has no cookie in Netscape format.
    """
    kept, dropped, cookies = [], [], 0
    for number, line in enumerate(source.read_text(encoding="utf-8", errors="replace").split("\n"), 1):
        cookie = line.removeprefix(_HTTP_ONLY)
        if not cookie.strip() or cookie.startswith("#"):
            kept.append(line)
        elif _is_cookie(cookie):
            kept.append(line)
            cookies += 1
        else:
            dropped.append(number)
    if dropped and not cookies:
        raise ValueError("no line is a cookie in Netscape format")
    target.write_text("\n".join(kept), encoding="utf-8")
    return dropped


def _is_cookie(line: str) -> bool:
    fields = line.split("\t")
    return len(fields) == FIELDS and _EXPIRY.fullmatch(fields[4]) is not None
