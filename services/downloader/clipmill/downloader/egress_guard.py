"""The only way out for a download: a forward proxy on loopback that connects to public addresses alone.

A check of the URL beforehand would not do: a page, a playlist or a redirect may name any other host, and a name may
resolve to a public address when it is checked and to a private one when it is used. The guard resolves each name
itself and connects to the very address that it has checked. An own proxy, because that rule is all there is to it, and
in a general proxy server it would be one plug-in among many ways past it.

It speaks what yt-dlp's HTTP clients speak: CONNECT for https, absolute-form requests for http, one request a
connection. Each guard has a password of its own, so that other local processes cannot use it.
"""

import asyncio
import base64
import hmac
import secrets
import socket
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

import structlog
from clipmill.downloader.addresses import Address, Network, exempted, special_kind
from clipmill.downloader.http_heads import BadHeadError, RequestHead, read_head, response_head
from prometheus_client import Counter

log = structlog.stdlib.get_logger()

USER = "clipmill"

WEB_PORTS = (80, 443)
FIRST_FREE_PORT = 1024
"""Below it only the web's own ports: a mail or file server is no source of videos. Above it anyone serves anything."""

HEAD_SECONDS = 30.0
"""How long a client may take to send its request, and an upstream proxy to answer."""

RESOLVE_SECONDS = 15.0
CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 5.0
ADDRESSES_TRIED = 4
CHUNK_BYTES = 64 * 1024

REFUSALS = Counter(
    "clipmill_egress_refusals",
    "Connections of downloads that the egress guard refused, by the kind of address.",
    ["kind"],
)


@dataclass(frozen=True)
class Refusal:
    """A connection that the guard refused.

    Attributes:
        host: as asked for.
        port: as asked for.
        kind: what the address is instead of a public host's, such as `private`; `port` for a port that is not allowed.
        address: what the host resolved to; for the service's log, not for clients.
    """

    host: str
    port: int
    kind: str
    address: str


@dataclass(frozen=True)
class Unreachable:
    """A host that could not be reached.

    Attributes:
        host: as asked for.
        exists: whether its name resolved, or may yet.
        reason: what went wrong, in words.
    """

    host: str
    exists: bool
    reason: str


@dataclass(frozen=True)
class UpstreamProxy:
    """An HTTP proxy of the operator's that the guard goes through: by CONNECT, to the address that was checked."""

    host: str
    port: int
    credential: str | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, url: str) -> "UpstreamProxy":
        """Return the proxy at `url`.

        Raises:
            ValueError: if that is not `http://[user:password@]host[:port]`; the message ends such a sentence.
        """
        parts = urlsplit(url)
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError("is not the URL of an HTTP proxy")
        credential = None
        if parts.username is not None:
            credential = basic_credential(unquote(parts.username), unquote(parts.password or ""))
        return cls(parts.hostname, parts.port or 80, credential)


def basic_credential(user: str, password: str) -> str:
    """Return the value of an Authorization header (RFC 7617)."""
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


class _DeniedError(Exception):
    """The guard's answer to a request that it does not forward."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class EgressGuard:
    """A guard for one download: listens while its context lasts, and remembers what it refused.

    Args:
        exempt: networks that may be connected to although they are not public, on any port.
        upstream: where to go through, None to connect directly.
    """

    def __init__(self, exempt: Sequence[Network] = (), upstream: UpstreamProxy | None = None) -> None:
        self.refusals: list[Refusal] = []
        self.unreachable: list[Unreachable] = []
        self._exempt = tuple(exempt)
        self._upstream = upstream
        self._password = secrets.token_urlsafe(24)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=CHUNK_BYTES)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop listening and cut every connection."""
        if self._server is not None:
            self._server.close()
        for connection in self._connections:
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    @property
    def port(self) -> int:
        """Where it listens on 127.0.0.1."""
        if self._server is None:
            raise RuntimeError("the guard listens only within its context")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """Its URL as a proxy, password included."""
        return f"http://{USER}:{self._password}@127.0.0.1:{self.port}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's one request; whoever breaks off early is nobody's failure."""
        try:
            async with asyncio.timeout(HEAD_SECONDS):
                request = RequestHead.parse(await read_head(reader))
            self._authenticate(request)
            if request.method == "CONNECT":
                await self._tunnel(request, reader, writer)
            else:
                await self._forward(request, reader, writer)
        except _DeniedError as denied:
            await _answer(writer, denied)
        except BadHeadError as error:
            await _answer(writer, _DeniedError(400, str(error)))
        except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
            log.debug("guarded_connection_lost", reason=str(error) or type(error).__name__)
        finally:
            await _close(writer)

    def _authenticate(self, request: RequestHead) -> None:
        expected = basic_credential(USER, self._password)
        given = request.header("proxy-authorization") or ""
        if not hmac.compare_digest(given.encode(), expected.encode()):
            raise _DeniedError(407, "Proxy Authentication Required")

    async def _tunnel(self, request: RequestHead, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await self._connect(request.host, request.port)
        try:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.drain()
            await _until_first(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            await _close(far_writer)

    async def _forward(self, request: RequestHead, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body_bytes = request.body_bytes
        far_reader, far_writer = await self._connect(request.host, request.port)
        try:
            far_writer.write(request.origin_form())
            while body_bytes:
                chunk = await reader.read(min(body_bytes, CHUNK_BYTES))
                if not chunk:
                    return
                body_bytes -= len(chunk)
                far_writer.write(chunk)
                await far_writer.drain()
            await _until_first(_hang_up(reader), _answers(far_reader, writer))
        finally:
            await _close(far_writer)

    async def _connect(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect to an allowed address of `host`, and to no other.

        Raises:
            _DeniedError: if there is none or it cannot be reached; it is remembered.
        """
        allowed = self._allowed(host, port, await self._resolve(host, port))
        reason = ""
        for address in allowed[:ADDRESSES_TRIED]:
            try:
                async with asyncio.timeout(CONNECT_SECONDS):
                    return await self._open(address, port)
            except (OSError, TimeoutError, asyncio.IncompleteReadError, BadHeadError) as error:
                reason = str(error) or "no answer"
        self.unreachable.append(Unreachable(host, exists=True, reason=f"cannot be connected to ({reason})"))
        raise _DeniedError(502, "Unreachable host")

    async def _resolve(self, host: str, port: int) -> list[Address]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(RESOLVE_SECONDS):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError) as error:
            unknown = isinstance(error, UnicodeError) or (
                isinstance(error, socket.gaierror) and error.errno in (socket.EAI_NONAME, socket.EAI_FAIL)
            )
            self.unreachable.append(Unreachable(host, exists=not unknown, reason="has no address"))
            raise _DeniedError(502, "Unknown host") from error
        return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))

    def _allowed(self, host: str, port: int, addresses: Sequence[Address]) -> list[Address]:
        """Return those of a host's addresses that may be connected to; if there is none, that is a refusal."""
        allowed: list[Address] = []
        refusals: list[Refusal] = []
        for address in addresses:
            kind = special_kind(address)
            if exempted(address, self._exempt):
                allowed.append(address)
            elif kind is not None:
                refusals.append(Refusal(host, port, kind, str(address)))
            elif port not in WEB_PORTS and port < FIRST_FREE_PORT:
                refusals.append(Refusal(host, port, "port", str(address)))
            else:
                allowed.append(address)
        if allowed:
            return allowed
        refusal = refusals[0] if refusals else Refusal(host, port, "unspecified", "")
        self.refusals.append(refusal)
        REFUSALS.labels(kind=refusal.kind).inc()
        log.warning("egress_refused", host=host, port=port, kind=refusal.kind, address=refusal.address)
        raise _DeniedError(403, "Blocked address")

    async def _open(self, address: Address, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._upstream is None:
            return await asyncio.open_connection(str(address), port, limit=CHUNK_BYTES)
        reader, writer = await asyncio.open_connection(self._upstream.host, self._upstream.port, limit=CHUNK_BYTES)
        try:
            target = f"[{address}]:{port}" if address.version == 6 else f"{address}:{port}"
            credential = self._upstream.credential
            proof = f"Proxy-Authorization: {credential}\r\n" if credential else ""
            writer.write(f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{proof}\r\n".encode())
            status, _ = response_head(await read_head(reader))
            if status // 100 != 2:
                raise OSError(f"the upstream proxy answered {status}")
        except BaseException:
            await _close(writer)
            raise
        return reader, writer


async def _answers(far: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
    """Hand a server's answer on, marked as the connection's last, however the server means it."""
    while True:
        try:
            status, head = response_head(await read_head(far))
        except (BadHeadError, asyncio.IncompleteReadError) as error:
            raise _DeniedError(502, "The server's answer is not HTTP") from error
        near.write(head)
        if status >= 200:
            break
    await _pump(far, near)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the end of `source`."""
    while chunk := await source.read(CHUNK_BYTES):
        sink.write(chunk)
        await sink.drain()
    await sink.drain()


async def _hang_up(reader: asyncio.StreamReader) -> None:
    """Return when the client is gone; anything more that it sends is not for the server we chose."""
    while await reader.read(CHUNK_BYTES):
        pass


async def _until_first(*copies: Coroutine[None, None, None]) -> None:
    """Run copies until one has ended, and raise what it raised."""
    tasks = [asyncio.create_task(copy) for copy in copies]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _answer(writer: asyncio.StreamWriter, denied: _DeniedError) -> None:
    challenge = f'Proxy-Authenticate: Basic realm="{USER}"\r\n' if denied.status == 407 else ""
    with suppress(OSError):
        writer.write(
            f"HTTP/1.1 {denied.status} {denied.reason}\r\n{challenge}"
            "Content-Length: 0\r\nConnection: close\r\n\r\n".encode()
        )
        await writer.drain()


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()  # the other side no longer reads
