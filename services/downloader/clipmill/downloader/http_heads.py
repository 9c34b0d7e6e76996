"""Heads of HTTP/1.1 messages as a forward proxy sees them: read, understood as far as needed, handed on."""

import asyncio
from dataclasses import dataclass
from urllib.parse import urlsplit

HEAD_LIMIT = 64 * 1024
"""Longest head, bytes: YouTube's cookies stay far below."""

_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"upgrade"}
)


class BadHeadError(Exception):
    """What was sent is not a head that a proxy can work with."""


async def read_head(reader: asyncio.StreamReader) -> list[bytes]:
    """Return the lines of a message's head without their ends; a blank line ends it.

    Raises:
        BadHeadError: if it is longer than `HEAD_LIMIT`.
        asyncio.IncompleteReadError: if the other side stops before its end.
    """
    lines: list[bytes] = []
    size = 0
    while True:
        try:
            line = await reader.readline()
        except ValueError as error:
            raise BadHeadError("Head too long") from error
        size += len(line)
        if size > HEAD_LIMIT:
            raise BadHeadError("Head too long")
        if not line.endswith(b"\n"):
            raise asyncio.IncompleteReadError(line, None)
        line = line.rstrip(b"\r\n")
        if not line:
            return lines
        lines.append(line)


def _name(line: bytes) -> bytes:
    return line.partition(b":")[0].strip().lower()


@dataclass(frozen=True)
class RequestHead:
    """A request to a proxy.

    Attributes:
        method: such as `GET` or `CONNECT`.
        host: whom it is for, without brackets.
        port: likewise.
        path: path and query to ask for; empty for CONNECT.
        fields: the header lines.
    """

    method: str
    host: str
    port: int
    path: str
    fields: tuple[bytes, ...]

    @classmethod
    def parse(cls, lines: list[bytes]) -> "RequestHead":
        """Return the request that `lines` are.

        Raises:
            BadHeadError: if it is neither CONNECT nor in absolute form with an http URL.
        """
        try:
            method, target, version = lines[0].decode("ascii").split(" ")
            parts = urlsplit(f"//{target}" if method == "CONNECT" else target)
            host, port = parts.hostname, parts.port
        except (IndexError, ValueError) as error:
            raise BadHeadError("Bad request") from error
        plain = parts.scheme == ("" if method == "CONNECT" else "http") and parts.username is None
        if not version.startswith("HTTP/1.") or not host or not plain:
            raise BadHeadError("Bad request")
        if method == "CONNECT":
            return cls(method, host, port or 443, "", tuple(lines[1:]))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(method, host, port or 80, path, tuple(lines[1:]))

    def header(self, name: str) -> str | None:
        """Return the value of the first header called `name` (lower case)."""
        for line in self.fields:
            if _name(line) == name.encode():
                return line.partition(b":")[2].strip().decode("latin-1")
        return None

    @property
    def body_bytes(self) -> int:
        """How long the request's body is.

        Raises:
            BadHeadError: if it does not say so plainly.
        """
        length = self.header("content-length") or "0"
        if self.header("transfer-encoding") is not None or not (length.isascii() and length.isdigit()):
            raise BadHeadError("Length required")
        return int(length)

    def origin_form(self) -> bytes:
        """Return the head that the server gets: its own path, the host that was checked, one request only."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        authority = host if self.port == 80 else f"{host}:{self.port}"
        kept = [line for line in self.fields if _name(line) not in _HOP_BY_HOP | {b"host"}]
        first = [f"{self.method} {self.path} HTTP/1.1".encode(), f"Host: {authority}".encode()]
        return b"\r\n".join([*first, *kept, b"Connection: close", b"", b""])


def response_head(lines: list[bytes]) -> tuple[int, bytes]:
    """Return a response's status and its head as the client gets it, marked as the connection's last.

    Raises:
        BadHeadError: if `lines` are not the head of a response.
    """
    try:
        version, status, *_ = lines[0].decode("latin-1").split(" ")
        code = int(status)
    except (IndexError, ValueError) as error:
        raise BadHeadError("Bad response") from error
    if not version.startswith("HTTP/"):
        raise BadHeadError("Bad response")
    kept = [line for line in lines[1:] if _name(line) not in _HOP_BY_HOP]
    last = [] if code < 200 else [b"Connection: close"]
    return code, b"\r\n".join([lines[0], *kept, *last, b"", b""])
