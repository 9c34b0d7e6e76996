"""Clients that leave early, on uvloop, which services use: it reports lost connections where asyncio is silent."""

import asyncio
import gc
from ipaddress import ip_network

import pytest
import uvloop
from clipmill.egress.guard import EgressGuard
from clipmill.egress.heads import basic_credential

LOOPBACK = (ip_network("127.0.0.0/8"),)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 50000000\r\n\r\n" + bytes(50_000_000)


async def errors_of_a_guard_whose_client_leaves(method: str, *, resets: bool) -> list[dict[str, object]]:
    """Return the errors that nobody caught, as the loop reports them."""
    reported: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context))
    left = asyncio.Event()

    async def serve(reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER)
            await writer.drain()
            await reader.read()
        except OSError:
            pass
        finally:
            writer.close()
            left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    target = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with EgressGuard(LOOPBACK) as guard:
        reader, writer = await asyncio.open_connection("127.0.0.1", guard.port)
        first = f"GET http://{target}/" if method == "GET" else f"CONNECT {target}"
        user, _, password = guard.url.removeprefix("http://").rpartition("@")[0].partition(":")
        credential = basic_credential(user, password)
        head = f"{first} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: {credential}\r\n\r\n"
        writer.write(head.encode() + (b"GET / HTTP/1.1\r\n\r\n" if method == "CONNECT" else b""))
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(16)
        if resets:
            writer.transport.abort()
        writer.close()
        async with asyncio.timeout(60):
            await left.wait()
            while guard._connections:
                await asyncio.sleep(0.01)
    server.close()
    gc.collect()  # a task's error is reported once the task is gone
    await asyncio.sleep(0)
    return reported


@pytest.mark.parametrize("resets", [False, True], ids=["closes", "resets"])
@pytest.mark.parametrize("method", ["GET", "CONNECT"])
def test_a_client_that_leaves_within_its_answer_is_nobodys_error(method: str, resets: bool):
    assert uvloop.run(errors_of_a_guard_whose_client_leaves(method, resets=resets)) == []
