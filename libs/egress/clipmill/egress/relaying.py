"""The relay between the two sides of the guard: it copies tunnels as they are, and reads and rewrites messages."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress

import h11
from clipmill.egress.heads import (
    CHUNK_BYTES,
    BadMessageError,
    for_client,
    receive_body,
    receive_response,
    send,
    server_side,
    write,
)

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class BadAnswerError(Exception):
    """An answer of a server that is not HTTP."""


async def tunnel(near: Streams, far: Streams) -> None:
    """Copy bytes both ways until one side ends."""
    await _until_first(_pump(near[0], far[1]), _pump(far[0], near[1]))


async def exchange(request: h11.Request, client: h11.Connection, near: Streams, far: Streams) -> None:
    """Pass a request and its body on, and the answer back; stop when the client hangs up.

    Args:
        request: Request as the server gets it.
        client: State of the connection to the client, after the head of its request.
        near: Streams to the client.
        far: Streams to the server.

    Raises:
        BadAnswerError: if the server does not send a response.
        BadMessageError: if the body of the request, or of the response, is malformed or breaks off.
    """
    server = server_side()
    await send(server, request, far[1])
    async for data in receive_body(client, near[0]):
        await send(server, h11.Data(data=data), far[1])
    await send(server, h11.EndOfMessage(), far[1])
    await _until_first(_await_hang_up(near[0]), _answer(server, far[0], client, near[1]))


async def linger(near: Streams, seconds: float) -> None:
    """End the answer, and read until the client is gone, for `seconds` at most.

    Closing a connection while the client still sends would reset it, and the client might lose the answer.
    """
    if near[1].is_closing():
        return
    with suppress(OSError, TimeoutError):
        near[1].write_eof()
        async with asyncio.timeout(seconds):
            await _await_hang_up(near[0])


async def close(writer: asyncio.StreamWriter, seconds: float) -> None:
    """Close a connection; the other side has `seconds` to read the last bytes sent to it."""
    writer.close()
    try:
        async with asyncio.timeout(seconds):
            await writer.wait_closed()
    except (OSError, TimeoutError):
        writer.transport.abort()


async def _answer(
    server: h11.Connection, far: asyncio.StreamReader, client: h11.Connection, near: asyncio.StreamWriter
) -> None:
    while client.our_state is not h11.SEND_BODY:
        try:
            response = await receive_response(server, far)
        except BadMessageError as error:
            raise BadAnswerError(str(error)) from error
        await send(client, for_client(response), near)
    async for data in receive_body(server, far):
        await send(client, h11.Data(data=data), near)
    await send(client, h11.EndOfMessage(), near)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Copy until the end of `source`."""
    while chunk := await source.read(CHUNK_BYTES):
        await write(sink, chunk)


async def _await_hang_up(reader: asyncio.StreamReader) -> None:
    """Return when the client is gone; drop anything more that it sends, as it is not part of the request."""
    while await reader.read(CHUNK_BYTES):
        pass


async def _until_first(*copies: Coroutine[None, None, None]) -> None:
    """Run copies until one has ended, and raise its error if it failed."""
    tasks = [asyncio.create_task(copy) for copy in copies]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
