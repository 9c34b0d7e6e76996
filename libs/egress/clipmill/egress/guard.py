"""The egress guard: a forward proxy on loopback that connects only to public addresses, for hosts that strangers chose.

Checking the URL beforehand is not enough: a page, a playlist or a redirect may name any other host, and a name may
resolve to a public address when it is checked and to a private one when it is used. The guard resolves each name
itself and connects to the address that it checked. It is not a plug-in of a general proxy server, because such a
server opens connections in many other ways, and each of these ways would have to be blocked.

It speaks HTTP as clients speak it to a proxy: CONNECT for https, absolute-form requests for http, one request per
connection. Each guard has its own password, so other local processes cannot use it.
"""

import asyncio
import hmac
import os
import secrets
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from ipaddress import ip_address
from types import TracebackType
from typing import Self

import h11
import structlog
from clipmill.egress import relaying
from clipmill.egress.addresses import Address, Network
from clipmill.egress.admission import Refusal, admit
from clipmill.egress.heads import (
    CHUNK_BYTES,
    BadMessageError,
    ProxyRequest,
    basic_credential,
    client_side,
    receive_request,
    send,
    write,
)
from clipmill.egress.relaying import BadAnswerError, Streams
from clipmill.egress.upstream import ProxyFailedError, ProxyFailure, TunnelRefusedError, UpstreamProxy
from prometheus_client import Counter

log = structlog.stdlib.get_logger()

USER = "clipmill"

ADDRESSES_TRIED = 4

PASSWORD_BYTES = 24

REFUSALS = Counter(
    "clipmill_egress_refusals",
    "Connections that the egress guard refused, by kind of address.",
    ["kind"],
)


@dataclass(frozen=True)
class TimeLimits:
    """The longest times that the guard waits for others.

    Attributes:
        head: Time for a client to send its request, in seconds.
        resolve: Time to find the addresses of a name, in seconds.
        connect: Time to connect to one address, through the upstream proxy if there is one, in seconds.
        close: Time for the other side to read the last bytes sent to it, in seconds.
    """

    head: float = 30.0
    resolve: float = 15.0
    connect: float = 10.0
    close: float = 5.0


DEFAULT_LIMITS = TimeLimits()


@dataclass(frozen=True)
class Unreachable:
    """A host that could not be reached, or that gave no answer in HTTP.

    Attributes:
        host: Host that the client asked for.
        exists: True if its name has an address, or may have one later.
        reason: End of a sentence about the host, such as `does not exist`.
    """

    host: str
    exists: bool
    reason: str


class _DeniedError(Exception):
    """A request that the guard does not forward, with its answer."""

    def __init__(self, status: int, reason: str) -> None:
        self.status = status
        self.reason = reason


class EgressGuard:
    """A guard for one piece of work, which listens while its context lasts and remembers its refusals.

    Args:
        exempt: Networks that are admitted on any port although they are not public.
        upstream: Proxy to connect through, None to connect directly.
        limits: Longest times to wait for others.
    """

    def __init__(
        self,
        exempt: Sequence[Network] = (),
        upstream: UpstreamProxy | None = None,
        limits: TimeLimits = DEFAULT_LIMITS,
    ) -> None:
        self.refusals: list[Refusal] = []
        self.unreachable: list[Unreachable] = []
        self.proxy_failures: list[ProxyFailure] = []
        self._exempt = tuple(exempt)
        self._upstream = upstream
        self._limits = limits
        self._password = secrets.token_urlsafe(PASSWORD_BYTES)
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
        """Port on 127.0.0.1 at which the guard listens."""
        if self._server is None:
            raise RuntimeError("the guard listens only within its context")
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @property
    def url(self) -> str:
        """URL of the guard as a proxy, password included."""
        return f"http://{USER}:{self._password}@127.0.0.1:{self.port}"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer))
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the single request of a connection, and close the connection."""
        try:
            await self._converse(reader, writer)
            await relaying.linger((reader, writer), self._limits.close)
        finally:
            await relaying.close(writer, self._limits.close)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer a request; a side that leaves early is not an error."""
        client = client_side()
        try:
            async with asyncio.timeout(self._limits.head):
                head = await receive_request(client, reader)
            if head is not None:
                await self._handle(head, client, (reader, writer))
        except _DeniedError as denied:
            await _deny(client, writer, denied)
        except BadMessageError as error:
            await _deny(client, writer, _DeniedError(400, f"Bad request: {error}"))
        except BadAnswerError as error:
            await _deny(client, writer, _DeniedError(502, f"The server's answer is not HTTP: {error}"))
        except (OSError, TimeoutError) as error:
            log.debug("guarded_connection_lost", reason=str(error) or type(error).__name__)

    async def _handle(self, head: h11.Request, client: h11.Connection, near: Streams) -> None:
        request = ProxyRequest.parse(head)
        self._authenticate(head)
        far = await self._connect(request.host, request.port)
        try:
            if request.origin is not None:
                await self._exchange(request.host, request.origin, client, near, far)
            else:
                await write(near[1], b"HTTP/1.1 200 Connection established\r\n\r\n")
                await relaying.tunnel(near, far)
        finally:
            await relaying.close(far[1], self._limits.close)

    async def _exchange(
        self, host: str, request: h11.Request, client: h11.Connection, near: Streams, far: Streams
    ) -> None:
        """Pass a request on; the guard remembers a host whose answer is not HTTP, as the client sees only a 502."""
        try:
            await relaying.exchange(request, client, near, far)
        except BadAnswerError:
            self.unreachable.append(Unreachable(host, exists=True, reason="does not answer in valid HTTP"))
            raise

    def _authenticate(self, head: h11.Request) -> None:
        expected = basic_credential(USER, self._password)
        given = b", ".join(value for name, value in head.headers if name == b"proxy-authorization")
        if not hmac.compare_digest(given, expected.encode()):
            raise _DeniedError(407, "Proxy Authentication Required")

    async def _connect(self, host: str, port: int) -> Streams:
        """Connect to an admitted address of `host`, and to no other.

        Raises:
            _DeniedError: if no address is admitted, none can be reached, or the upstream proxy fails; the guard
                remembers each of these.
        """
        admitted = admit(host, port, await self._resolve(host, port), self._exempt)
        if isinstance(admitted, Refusal):
            self._remember(admitted)
            raise _DeniedError(403, "Blocked address")
        reason = ""
        for address in admitted[:ADDRESSES_TRIED]:
            try:
                return await self._open(address, port)
            except (OSError, TunnelRefusedError) as error:
                reason = _reason(error)
            except ProxyFailedError as error:
                self.proxy_failures.append(error.failure)
                log.warning("upstream_proxy_failed", reason=error.failure.reason, cause=str(error.__cause__ or ""))
                raise _DeniedError(502, "Upstream proxy failed") from error
        self.unreachable.append(Unreachable(host, exists=True, reason=f"cannot be reached ({reason})"))
        raise _DeniedError(502, "Unreachable host")

    async def _resolve(self, host: str, port: int) -> list[Address]:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limits.resolve):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError) as error:
            code = error.errno if isinstance(error, socket.gaierror) else None
            nameless = isinstance(error, UnicodeError) or code == socket.EAI_NONAME
            reason = "does not exist" if nameless else "could not be looked up"
            # The resolver refuses such a name for good, without saying that it does not exist.
            refused = code == socket.EAI_FAIL
            self.unreachable.append(Unreachable(host, exists=not (nameless or refused), reason=reason))
            raise _DeniedError(502, "Unknown host") from error
        return list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))

    def _remember(self, refusal: Refusal) -> None:
        self.refusals.append(refusal)
        REFUSALS.labels(kind=refusal.kind).inc()
        log.warning("egress_refused", host=refusal.host, port=refusal.port, kind=refusal.kind, address=refusal.address)

    async def _open(self, address: Address, port: int) -> Streams:
        if self._upstream is not None:
            return await self._open_through(self._upstream, address, port)
        async with asyncio.timeout(self._limits.connect):
            return await asyncio.open_connection(str(address), port, limit=CHUNK_BYTES)

    async def _open_through(self, proxy: UpstreamProxy, address: Address, port: int) -> Streams:
        """Open a tunnel through the upstream proxy.

        Raises:
            ProxyFailedError: if the proxy itself fails.
            TimeoutError: if no answer comes in time, for which the proxy or the host may be to blame.
            TunnelRefusedError: if the proxy does not connect to the host.
        """
        connected = False
        try:
            async with AsyncExitStack() as undo, asyncio.timeout(self._limits.connect):
                reader, writer = await asyncio.open_connection(proxy.host, proxy.port, limit=CHUNK_BYTES)
                connected = True
                undo.push_async_callback(relaying.close, writer, self._limits.close)
                await proxy.tunnel(reader, writer, address, port)
                undo.pop_all()
                return reader, writer
        except OSError as error:
            if connected and isinstance(error, TimeoutError):
                raise TimeoutError("no answer through the upstream proxy") from error
            reason = "breaks off the connection" if connected else "cannot be reached"
            raise ProxyFailedError(ProxyFailure(reason)) from error
        except BadMessageError as error:
            raise ProxyFailedError(ProxyFailure("does not answer in valid HTTP")) from error


def _reason(error: Exception) -> str:
    """Return the reason of a failed connection without addresses, which are for the service's log alone."""
    if isinstance(error, OSError) and error.errno:
        return os.strerror(error.errno)
    return str(error) or "no answer"


async def _deny(client: h11.Connection, writer: asyncio.StreamWriter, denied: _DeniedError) -> None:
    """Send a refusal to the client, unless an answer has already begun; then only closing remains."""
    if client.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
        return
    headers = [("Content-Length", "0"), ("Connection", "close")]
    if denied.status == 407:
        headers.append(("Proxy-Authenticate", f'Basic realm="{USER}"'))
    with suppress(OSError):
        await send(client, h11.Response(status_code=denied.status, headers=headers, reason=denied.reason), writer)
