"""Servers on loopback for guards to connect to, and a fake internet that leads public addresses to them."""

import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from ipaddress import ip_network

import pytest
from aiohttp import web
from clipmill.egress.guard import EgressGuard
from clipmill.egress.heads import basic_credential
from clipmill.egress.upstream import UpstreamProxy

Page = Callable[[web.Request], Awaitable[web.StreamResponse]]


class WebServer:
    """An HTTP server on 127.0.0.1 whose pages a test sets."""

    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.requests: list[web.BaseRequest] = []
        self._runner = web.ServerRunner(web.Server(self._answer), shutdown_timeout=0.1)

    async def start(self) -> None:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    @property
    def port(self) -> int:
        return self._runner.addresses[0][1]

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def serve_html(self, path: str, html: str) -> str:
        async def page(_: web.Request) -> web.StreamResponse:
            return web.Response(text=html, content_type="text/html")

        self.pages[path] = page
        return self.url(path)

    def serve_redirect(self, path: str, target: str) -> str:
        async def page(_: web.Request) -> web.StreamResponse:
            return web.Response(status=302, headers={"Location": target})

        self.pages[path] = page
        return self.url(path)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests.append(request)
        page = self.pages.get(request.path)
        return web.Response(status=404) if page is None else await page(request)


@pytest.fixture
async def web_server() -> AsyncIterator[WebServer]:
    """Yield a web server for this test alone."""
    server = WebServer()
    await server.start()
    yield server
    await server.stop()


class RawServer:
    """A server that waits for the bytes `until`, sends the bytes `answer`, and reads to the end if it `stays`."""

    def __init__(self) -> None:
        self.until = b"\r\n\r\n"
        self.answer = b""
        self.stays = False
        self.received: list[bytes] = []
        self.connections = 0
        self._ended: asyncio.Queue[bytes] = asyncio.Queue()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        return self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/page"

    async def end(self) -> bytes:
        """Wait for the end of a connection, and return all bytes received on it."""
        return await self._ended.get()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        received = b""
        try:
            while self.until not in received and (chunk := await reader.read(4096)):
                received += chunk
            if self.until in received:
                writer.write(self.answer)
                await writer.drain()
            while self.stays and (chunk := await reader.read(4096)):
                received += chunk
        except ConnectionError:
            received += b"(reset)"
        self.received.append(received)
        self._ended.put_nowait(received)
        writer.close()


@pytest.fixture
async def raw_server() -> AsyncIterator[RawServer]:
    """Yield a server for this test alone, whose bytes the test chooses."""
    server = RawServer()
    await server.start()
    yield server
    await server.stop()


class Internet:
    """A fake internet with the names and addresses that a test sets.

    Only name resolution and the connect call are fake; sockets, protocols and the loop are real. An address leads to a
    port on loopback, as if the network translated it; other addresses are unreachable. Every connect call is recorded.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.connected: list[tuple[str, int]] = []
        self._addresses: dict[str, list[list[str] | OSError]] = {}
        self._servers: dict[str, int] = {}
        self._silent: set[str] = set()
        self._getaddrinfo = loop.getaddrinfo
        self._sock_connect = loop.sock_connect

    def name(self, name: str, *answers: Iterable[str] | OSError) -> None:
        """Let `name` resolve to each of `answers` in turn, then always to the last; without answers it never does."""
        self._addresses[name] = [answer if isinstance(answer, OSError) else list(answer) for answer in answers]

    def lead(self, address: str, port: int) -> None:
        """Let connections to any port of `address` arrive at 127.0.0.1:`port`."""
        self._servers[address] = port

    def silence(self, address: str) -> None:
        """Let connections to `address` wait forever."""
        self._silent.add(address)

    def connections_made_by(self, guard: EgressGuard) -> list[tuple[str, int]]:
        """Return the addresses that the guard connected to: all connections but those to the guard."""
        return [each for each in self.connected if each != ("127.0.0.1", guard.port)]

    async def getaddrinfo(self, host, port, **options):
        if host not in self._addresses:
            return await self._getaddrinfo(host, port, **options)
        answers = self._addresses[host]
        if not answers:
            await asyncio.Event().wait()
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, OSError):
            raise answer
        found = [await self._getaddrinfo(address, port, **options) for address in answer]
        return [entry for entries in found for entry in entries]

    async def sock_connect(self, sock: socket.socket, target) -> None:
        address, port = target[:2]
        self.connected.append((address, port))
        if address in self._silent:
            await asyncio.Event().wait()
        if address in self._servers:
            loopback = "::ffff:127.0.0.1" if sock.family == socket.AF_INET6 else "127.0.0.1"
            await self._sock_connect(sock, (loopback, self._servers[address]))
        elif address == "127.0.0.1":
            await self._sock_connect(sock, target)
        else:
            raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))


@pytest.fixture
async def internet(monkeypatch: pytest.MonkeyPatch) -> Internet:
    """Return a fake internet without hosts, in which loopback is real."""
    loop = asyncio.get_running_loop()
    internet = Internet(loop)
    monkeypatch.setattr(loop, "getaddrinfo", internet.getaddrinfo)
    monkeypatch.setattr(loop, "sock_connect", internet.sock_connect)
    return internet


def credential_of(guard: EgressGuard) -> str:
    """Return the header line with which a client may use `guard`."""
    password = guard.url.removeprefix("http://clipmill:").partition("@")[0]
    return f"Proxy-Authorization: {basic_credential('clipmill', password)}"


@asynccontextmanager
async def _connection(guard: EgressGuard) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", guard.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def _with_credential(guard: EgressGuard, text: str) -> bytes:
    request_line, _, rest = text.partition("\r\n")
    return f"{request_line}\r\n{credential_of(guard)}\r\n{rest}".encode("latin-1")


async def _send_bytes(guard: EgressGuard, data: bytes, *, then_end: bool = False) -> bytes:
    async with _connection(guard) as (reader, writer):
        writer.write(data)
        if then_end:
            writer.write_eof()
        return await reader.read()


@pytest.fixture
def send_bytes():
    """Return a function that sends bytes to a guard, as they are, and returns its whole answer."""
    return _send_bytes


@pytest.fixture
def upstream_guard():
    """Return a function that makes a guard that admits loopback, behind a proxy on one of its ports."""

    def make(port: int, credential: str = "", **options) -> EgressGuard:
        proxy = UpstreamProxy.parse(f"http://{credential}127.0.0.1:{port}")
        return EgressGuard((ip_network("127.0.0.0/8"), ip_network("::1/128")), proxy, **options)

    return make


@pytest.fixture
def say():
    """Return a function that sends a request as the test writes it, with the guard's credential as its first header."""

    async def say(guard: EgressGuard, text: str) -> bytes:
        return await _send_bytes(guard, _with_credential(guard, text))

    return say


@pytest.fixture
def open_request():
    """Return a function that sends a request as `say` does, and leaves the connection to the test."""

    @asynccontextmanager
    async def open_request(guard: EgressGuard, text: str):
        async with _connection(guard) as (reader, writer):
            writer.write(_with_credential(guard, text))
            yield reader, writer

    return open_request
