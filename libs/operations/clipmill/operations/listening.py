"""A listening TCP port whose application can be replaced while it always answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

BACKLOG = 128
"""Connections that wait to be accepted, the default of `aiohttp.web.TCPSite`."""

LINGER_SECONDS = 30.0
"""Time for which data that a client still sends is read and thrown away after an early answer. Many clients read the
answer only after they have sent everything, and closing the connection would destroy it (RFC 9112, 9.6)."""

SHUTDOWN_SECONDS = 1.0
"""Grace for answers under way on the port's first application, whose answers are short."""


class ListeningPort:
    """A TCP port and the applications that answer on it; `open_port` makes one.

    Attributes:
        number: TCP port, also if the system chose it.
    """

    def __init__(self) -> None:
        self.number = 0
        self._answering: list[web.Server] = []

    @asynccontextmanager
    async def answering(self, application: web.Application, shutdown_seconds: float) -> AsyncIterator[None]:
        """Let `application` answer while the context lasts, and then the earlier application again.

        A connection stays with the application that accepted it; to hand over its clients, an application closes them.

        Args:
            application: Application that is not started yet.
            shutdown_seconds: Grace for answers under way at the end of the context.
        """
        runner = web.AppRunner(
            application, access_log=None, shutdown_timeout=shutdown_seconds, lingering_time=LINGER_SECONDS
        )
        await runner.setup()
        server = runner.server
        assert server is not None  # noqa: S101 - it was just set up
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
        return self._answering[-1]()


@asynccontextmanager
async def open_port(host: str, port: int, application: web.Application) -> AsyncIterator[ListeningPort]:
    """Listen while the context lasts; `application` answers unless another does.

    Args:
        host: Address to listen on.
        port: TCP port; 0 lets the system choose.
        application: Application that is not started yet.

    Raises:
        OSError: if the port is taken.
    """
    opened = ListeningPort()
    async with opened.answering(application, SHUTDOWN_SECONDS), opened.listening(host, port):
        yield opened
