"""Credentials within addresses: no sentence and no log line may show them."""

import re
from urllib.parse import SplitResult, urlsplit

HIDDEN = "***"

_NEXT_ADDRESS = re.compile(r",(?=\s*[a-z][a-z0-9+.-]*://)", re.IGNORECASE)
_USER = re.compile(r"^(?!\s*file:)(\s*(?:[a-z][a-z0-9+.-]*:(?=//))?/*).*@", re.IGNORECASE | re.DOTALL)
_WITHIN_TEXT = re.compile(r"(?<=://)[^\s/\"'<>]*@")


def without_credentials(addresses: str) -> str:
    """Return addresses, separated by commas, with stars for the user and password of each.

    Everything before an address's last `@` is hidden, because a password with a `/` or an `@` that nobody escaped is
    still a password. A `file:` address stays as it is, because it has no user.
    """
    return ",".join(_USER.sub(rf"\1{HIDDEN}@", part) for part in _NEXT_ADDRESS.split(addresses))


def conceal_credentials(text: str) -> str:
    """Return `text`, such as a message of a library, with stars for the user and password of each address in it."""
    return _WITHIN_TEXT.sub(f"{HIDDEN}@", text)


def split_address(address: str) -> SplitResult:
    """Return the parts of an address whose host and port can be read.

    Raises:
        ValueError: if it is malformed or has no host; neither message nor traceback repeats a part of it.
    """
    try:
        parts = urlsplit(address)
        readable = bool(parts.hostname) and parts.port != 0
    except ValueError:  # its message may quote the password
        readable = False
    if not readable:
        raise ValueError("the address is malformed")
    return parts
