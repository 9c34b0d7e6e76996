"""A listening TCP port whose application can be replaced while it always answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web
from clipmill.operations.connections import ConnectionLimits
from clipmill.operations.http_connection import Connections, HttpConnection, watch

BACKLOG = 512
"""Connections that wait to be accepted. With 128, the default of `aiohttp.web.TCPSite`, the system drops the first
packets of a crowd, and a client that meets it waits a second before it tries again."""

LINGER_SECONDS = 30.0
"""Time for which data that a client still sends is read and thrown away after an early answer. Many clients read the
answer only after they have sent everything, and closing the connection would destroy it (RFC 9112, 9.6)."""

SHUTDOWN_SECONDS = 1.0
"""Grace for answers under way on the port's first application, whose answers are short."""


class ListeningPort:
    """A TCP port and the applications that answer on it; `open_port` makes one.

    Args:
        limits: Limits of the connections.

    Attributes:
        number: TCP port, also if the system chose it.
        connections: Connections that are open.
    """

    def __init__(self, limits: ConnectionLimits | None = None) -> None:
        self.number = 0
        self.connections = Connections(limits or ConnectionLimits())
        self._answering: list[web.Server] = []

    @asynccontextmanager
    async def answering(self, application: web.Application, shutdown_seconds: float) -> AsyncIterator[None]:
        """Let `application` answer while the context lasts, and then the earlier application again.

        A connection stays with the application that accepted it; to hand over its clients, an application closes them.

        Args:
            application: Application that is not started yet.
            shutdown_seconds: Grace for answers under way at the end of the context.
        """
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=shutdown_seconds)
        await runner.setup()
        server = runner.server
        assert server is not None  # noqa: S101 - it was just set up
        watch(server)
        self._answering.append(server)
        try:
            yield
        finally:
            self._answering.remove(server)
            await runner.cleanup()

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[None]:
        """Accept connections while the context lasts; an application must answer already."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._accept, host, port, backlog=BACKLOG)
        self.number = server.sockets[0].getsockname()[1]
        try:
            yield
        finally:
            server.close()

    def _accept(self) -> asyncio.BaseProtocol:
        loop = asyncio.get_running_loop()
        return HttpConnection(self._answering[-1], self.connections, loop=loop, lingering_time=LINGER_SECONDS)


@asynccontextmanager
async def open_port(
    host: str, port: int, application: web.Application, limits: ConnectionLimits | None = None
) -> AsyncIterator[ListeningPort]:
    """Listen while the context lasts; `application` answers unless another does.

    Args:
        host: Address to listen on.
        port: TCP port; 0 lets the system choose.
        application: Application that is not started yet.
        limits: Limits of the connections.

    Raises:
        OSError: if the port is taken.
    """
    opened = ListeningPort(limits)
    async with opened.answering(application, SHUTDOWN_SECONDS), opened.listening(host, port):
        yield opened
