"""HTTP/1.1 messages as a forward proxy handles them: h11 reads them and writes them again in its own form.

Request smuggling needs two servers that understand one message in two ways (RFC 9112, section 11.2). So the guard never
passes on a head or the framing of a body as it came. h11 refuses most ambiguous messages; this module refuses the
combinations that h11 accepts although the RFC calls them faulty.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import urlsplit

import h11

CHUNK_BYTES = 64 * 1024
"""Most bytes of a body read at once, and longest line of a head."""

HEAD_LIMIT = 64 * 1024
"""Longest head, in bytes: YouTube's cookies stay far below."""

REASON_LIMIT = 120
"""Longest explanation of h11 that is passed on, in characters: it quotes the line, which may be long."""

Response = h11.Response | h11.InformationalResponse

_HOP_BY_HOP = frozenset(
    {b"connection", b"keep-alive", b"proxy-authorization", b"proxy-connection", b"te", b"trailer", b"upgrade"}
)


class BadMessageError(Exception):
    """A message that a proxy cannot handle."""


def client_side() -> h11.Connection:
    """Return the state of a connection to a client that has sent nothing yet."""
    return h11.Connection(h11.SERVER, HEAD_LIMIT)


def server_side() -> h11.Connection:
    """Return the state of a connection to a server that has received nothing yet."""
    return h11.Connection(h11.CLIENT, HEAD_LIMIT)


async def receive_request(client: h11.Connection, reader: asyncio.StreamReader) -> h11.Request | None:
    """Read the head of a request and no byte after it; return None if the client hangs up instead.

    Raises:
        BadMessageError: if it is not a request, or its body could be understood in two ways.
    """
    event = await _next_event(client, reader)
    if not isinstance(event, h11.Request):
        return None
    _check_framing(event)
    return event


async def receive_response(server: h11.Connection, reader: asyncio.StreamReader) -> Response:
    """Read the head of a response, which may be an informational one, and no byte after it.

    Raises:
        BadMessageError: if it is not a response, or its body could be understood in two ways.
    """
    event = await _next_event(server, reader)
    if not isinstance(event, h11.Response | h11.InformationalResponse):
        raise BadMessageError("no response")
    _check_framing(event)
    return event


async def receive_body(connection: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the body of the message whose head was read, decoded, as it arrives.

    Raises:
        BadMessageError: if it is malformed or breaks off.
    """
    while isinstance(event := await _next_event(connection, reader), h11.Data):
        yield event.data


async def send(connection: h11.Connection, event: h11.Event, writer: asyncio.StreamWriter) -> None:
    """Write the next part of a message, and wait while the other side does not keep up.

    Raises:
        ConnectionResetError: if the other side is gone.
    """
    await write(writer, connection.send(event) or b"")


async def write(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Write bytes, and wait while the other side does not keep up.

    Raises:
        ConnectionResetError: if the other side is gone, where uvloop would raise `RuntimeError`.
    """
    if writer.is_closing():
        raise ConnectionResetError("the connection is closed")
    writer.write(data)
    await writer.drain()


async def _next_event(connection: h11.Connection, reader: asyncio.StreamReader) -> object:
    """Read until h11 has understood the next part of a message: a head, a piece of the body, or its end."""
    try:
        while (event := connection.next_event()) is h11.NEED_DATA:
            # A head is read by lines, so bytes after it, such as the first ones of a tunnel, stay in the reader.
            in_head = connection.their_state in (h11.IDLE, h11.SEND_RESPONSE)
            connection.receive_data(await (reader.readline() if in_head else reader.read(CHUNK_BYTES)))
    except h11.RemoteProtocolError as error:
        raise BadMessageError(str(error)[:REASON_LIMIT]) from error
    except ValueError as error:  # the reader raises it for a line longer than its limit
        raise BadMessageError("line too long") from error
    return event


def _check_framing(head: h11.Request | Response) -> None:
    """Raise if, by RFC 9112 section 6, a head leaves the end of its body unclear."""
    if head.http_version not in (b"1.0", b"1.1"):
        raise BadMessageError("neither HTTP/1.0 nor HTTP/1.1")
    names = {name for name, _ in head.headers}
    if b"transfer-encoding" in names:
        if b"content-length" in names:
            raise BadMessageError("both Content-Length and Transfer-Encoding")
        if head.http_version == b"1.0":
            raise BadMessageError("Transfer-Encoding in HTTP/1.0")


@dataclass(frozen=True)
class ProxyRequest:
    """A request to a proxy.

    Attributes:
        host: Name or address of the server, without brackets.
        port: Port of the server.
        origin: Request as the server gets it; None if the client asks for a tunnel.
    """

    host: str
    port: int
    origin: h11.Request | None

    @classmethod
    def parse(cls, head: h11.Request) -> "ProxyRequest":
        """Return the proxy request that a head makes.

        Raises:
            BadMessageError: if it is neither CONNECT without a body nor in absolute form with an http URL.
        """
        tunnel = head.method == b"CONNECT"
        target = head.target.decode("ascii")
        try:
            parts = urlsplit(f"//{target}" if tunnel else target)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            raise BadMessageError("the target is not a URL") from error
        if not host or parts.username is not None:
            raise BadMessageError("the target has no host, or it has a user name")
        if tunnel:
            if parts.netloc != target or _has_body(head):
                raise BadMessageError("CONNECT takes a host, a port and no body")
            return cls(host, 443 if port is None else port, None)
        if parts.scheme != "http":
            raise BadMessageError("the target is not an http URL")
        port = 80 if port is None else port
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return cls(host, port, _origin_form(head, authority(host, port, default=80), path))


def authority(host: str, port: int, default: int | None = None) -> str:
    """Return host and port as URLs write them; without the port if it is the default."""
    host = f"[{host}]" if ":" in host else host
    return host if port == default else f"{host}:{port}"


def basic_credential(user: str, password: str) -> str:
    """Return the value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def for_client(response: Response) -> Response:
    """Return a response as the client gets it: always the last of its connection."""
    headers = _end_to_end(response)
    if isinstance(response, h11.Response):
        headers.append((b"Connection", b"close"))
    return type(response)(status_code=response.status_code, headers=headers, reason=response.reason)


def _origin_form(head: h11.Request, host: str, path: str) -> h11.Request:
    """Return a request as the server gets it: with a path, the checked host, and as the last of its connection."""
    kept = [(name, value) for name, value in _end_to_end(head) if name.lower() != b"host"]
    headers = [(b"Host", host.encode()), *kept, (b"Connection", b"close")]
    return h11.Request(method=head.method, target=path, headers=headers)


def _end_to_end(head: h11.Request | Response) -> list[tuple[bytes, bytes]]:
    """Return the headers that are meant for more than the next hop, spelled as they came."""
    return [(name, value) for name, value in head.headers.raw_items() if name.lower() not in _HOP_BY_HOP]


def _has_body(head: h11.Request) -> bool:
    framing = {name: value for name, value in head.headers if name in (b"content-length", b"transfer-encoding")}
    return framing not in ({}, {b"content-length": b"0"})
