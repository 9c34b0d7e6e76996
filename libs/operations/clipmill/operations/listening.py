"""A listening TCP port whose application can be replaced: there is no moment at which nobody answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiohttp import web

BACKLOG = 128
"""Connections that wait to be accepted, as `aiohttp.web.TCPSite` has it."""

LINGER_SECONDS = 30.0
"""How long what a client still sends is taken and thrown away after an answer that did not wait for it: many clients
read the answer only when they have sent everything, and closing on them would destroy it (RFC 9112, 9.6)."""

SHUTDOWN_SECONDS = 1.0
"""Grace for answers under way on the port's first application, which has only short ones."""


class ListeningPort:
    """A TCP port and whoever answers there; made by `open_port`.

    Attributes:
        number: the TCP port, also where the system chose it.
    """

    def __init__(self) -> None:
        self.number = 0
        self._answering: list[web.Server] = []

    @asynccontextmanager
    async def answering(self, application: web.Application, shutdown_seconds: float) -> AsyncIterator[None]:
        """Let `application` answer while the context lasts, and whoever did before it afterwards.

        A connection stays with the application that it met; one that wants to pass its clients on closes them.

        Args:
            application: not started yet.
            shutdown_seconds: grace for answers under way when the context is left.
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
        """Accept connections while the context lasts; somebody answers already."""
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
        host: the address to listen on.
        port: 0 lets the system choose.
        application: not started yet.

    Raises:
        OSError: if the port is taken.
    """
    opened = ListeningPort()
    async with opened.answering(application, SHUTDOWN_SECONDS), opened.listening(host, port):
        yield opened
