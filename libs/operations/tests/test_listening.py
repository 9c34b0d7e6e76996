"""A port over real TCP, its application replaced while clients come and go."""

import asyncio

import aiohttp
import pytest
from aiohttp import web
from clipmill.operations.listening import open_port

GRACE = 5.0


def saying(text, *, begun=None, go_on=None):
    async def answer(request):
        if begun is not None:
            begun.set()
            await go_on.wait()
        return web.Response(text=text)

    application = web.Application()
    application.router.add_route("*", "/", answer)
    return application


@pytest.fixture
async def ask():
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:

        async def get(port):
            async with session.get(f"http://127.0.0.1:{port.number}/") as answer:
                return await answer.text()

        yield get


async def test_another_application_answers_for_a_while(ask):
    async with open_port("127.0.0.1", 0, saying("wait")) as port:
        assert await ask(port) == "wait"
        async with port.answering(saying("come in"), GRACE):
            assert await ask(port) == "come in"
        assert await ask(port) == "wait"


async def test_no_connection_is_refused_while_applications_change(ask):
    said = set()
    async with open_port("127.0.0.1", 0, saying("wait")) as port:

        async def asking():
            while len(said) < 2:
                said.add(await ask(port))

        clients = [asyncio.create_task(asking()) for _ in range(4)]
        async with asyncio.timeout(60):
            while not all(client.done() for client in clients):
                async with port.answering(saying("come in"), GRACE):
                    await ask(port)
                await ask(port)
        for client in clients:
            client.result()


async def test_an_answer_under_way_is_finished_by_who_began_it(ask):
    begun, go_on = asyncio.Event(), asyncio.Event()
    async with open_port("127.0.0.1", 0, saying("wait")) as port:
        async with port.answering(saying("slow", begun=begun, go_on=go_on), GRACE):
            asking = asyncio.create_task(ask(port))
            await begun.wait()
            asyncio.get_running_loop().call_soon(go_on.set)
        assert await asking == "slow"


async def test_a_client_that_sends_on_regardless_still_gets_the_answer():
    size = 16_000_000

    async def refuse(request):
        await request.content.read(1)
        response = web.Response(status=413, text="too large")
        response.force_close()
        return response

    application = web.Application()
    application.router.add_post("/", refuse)
    async with open_port("127.0.0.1", 0, application) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port.number)
        writer.write(b"POST / HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n" % size)
        for _ in range(16):
            writer.write(bytes(size // 16))
            await writer.drain()
        async with asyncio.timeout(60):
            answer = await reader.read()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert answer.endswith(b"too large")
        writer.close()


async def test_a_port_that_is_taken_stops_the_start():
    async with open_port("127.0.0.1", 0, saying("a")) as port:
        with pytest.raises(OSError, match="address already in use"):
            async with open_port("127.0.0.1", port.number, saying("b")):
                pass


async def test_the_port_is_free_again_afterwards(ask):
    async with open_port("127.0.0.1", 0, saying("a")) as port:
        pass
    with pytest.raises(aiohttp.ClientConnectorError):
        await ask(port)
