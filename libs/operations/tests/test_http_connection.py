"""The connections of a port over raw TCP: clients that owe something are cut in time, and keep nobody else out."""

import asyncio
import contextlib
from ipaddress import ip_network

import pytest
from aiohttp import web
from clipmill.contracts.failures import Permanent
from clipmill.operations.connections import ConnectionLimits
from clipmill.operations.health import Health
from clipmill.operations.listening import open_port

PROBE = b"GET /health/live HTTP/1.1\r\nHost: here\r\n\r\n"
HALF_HEAD = b"GET /health/live HTTP/1.1\r\nHos"
BODY = b"POST /body HTTP/1.1\r\nHost: here\r\nContent-Length: 300000\r\n%b\r\nx"
HELD = b"GET /held HTTP/1.1\r\nHost: here\r\n\r\n"
LIMITS = ConnectionLimits(by_address=4, connections=8)
FOR_EVER = 1e9
TEST_SECONDS = 60.0


class Client:
    """A client that sends bytes."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def send(self, data):
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self):
        """Return the status and the body of the next answer."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        return int(head.split()[1]), await self.reader.readexactly(length)

    async def ended(self):
        """Wait for the end of the connection, and return what came before it."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""


class Served:
    """A port with an application that reads bodies, and holds the answers to /held back."""

    def __init__(self):
        self.received = 0
        self.failures = []
        self.go_on = asyncio.Event()
        self.clients = []
        self.port = None

    def application(self):
        application = web.Application()
        Health().add_routes(application)
        application.router.add_post("/body", self._read)
        application.router.add_get("/held", self._hold)
        return application

    @property
    def connections(self):
        return self.port.connections

    async def client(self, data=b""):
        client = Client(*await asyncio.open_connection("127.0.0.1", self.port.number))
        self.clients.append(client)
        await client.send(data)
        return client

    async def until(self, condition):
        while not condition():
            await asyncio.sleep(0.005)

    async def bodies(self, count, headers=b""):
        clients = [await self.client(BODY % headers.replace(b"#", b"%d" % number)) for number in range(count)]
        await self.until(lambda: len(self.connections.bodies) >= count)
        return clients

    def later(self, seconds):
        """Let `seconds` pass for the deadlines."""
        for connection in (*self.connections.heads, *self.connections.bodies):
            connection._due -= seconds
        self.connections.sweep(asyncio.get_running_loop().time())

    async def _read(self, request):
        try:
            async for chunk in request.content.iter_any():
                self.received += len(chunk)
        except Permanent as failure:
            self.failures.append(failure)
            return web.json_response({}, status=408)
        return web.json_response({})

    async def _hold(self, request):
        await self.go_on.wait()
        return web.json_response({})


@pytest.fixture
def limits():
    return LIMITS


@pytest.fixture
async def served(limits):
    served = Served()
    async with asyncio.timeout(TEST_SECONDS), open_port("127.0.0.1", 0, served.application(), limits) as served.port:
        yield served
        served.go_on.set()
        for client in served.clients:
            client.writer.close()
        connections = served.connections
        await served.until(lambda: not (connections.answering or connections.idle))
        await served.until(lambda: not (len(connections.heads) or len(connections.bodies)))


async def test_a_client_that_sends_nothing_is_cut_without_a_word(served):
    client = await served.client()
    await served.until(lambda: len(served.connections.heads))
    served.later(LIMITS.head_seconds - 1)
    assert len(served.connections.heads) == 1
    served.later(2)
    assert await client.ended() == b""


async def test_half_a_head_is_answered_with_408(served):
    client = await served.client(HALF_HEAD)
    await served.until(lambda: any(connection._received for connection in served.connections.heads))
    served.later(LIMITS.head_seconds + 1)
    status, body = await client.answer()
    assert (status, b'"too_slow"' in body, await client.ended()) == (408, True, b"")


async def test_half_a_head_after_a_whole_request_is_answered_with_408(served):
    client = await served.client(PROBE)
    assert (await client.answer())[0] == 200
    served.later(FOR_EVER)
    await client.send(HALF_HEAD)
    await served.until(lambda: len(served.connections.heads))
    served.later(LIMITS.head_seconds + 1)
    assert (await client.answer())[0] == 408


async def test_a_new_line_after_a_request_is_no_head(served):
    client = await served.client(PROBE + b"\r\n")
    assert (await client.answer())[0] == 200
    await client.send(b"\r\n")
    await client.send(PROBE)
    assert (await client.answer())[0] == 200
    await client.send(b"\r\n")
    other = await served.client(PROBE)
    assert (await other.answer())[0] == 200
    assert len(served.connections.idle) == 2


async def test_the_deadlines_are_checked_without_help(served, monkeypatch):
    monkeypatch.setattr("clipmill.operations.http_connection.SWEEP_SECONDS", 0.01)
    monkeypatch.setattr(served.connections, "limits", ConnectionLimits(head_seconds=0.05))
    client = await served.client()
    assert await client.ended() == b""


async def test_a_body_below_the_rate_fails_and_its_connection_ends(served, caplog):
    (client,) = await served.bodies(1)
    served.later(LIMITS.body_seconds - 1)
    await client.send(bytes(10))
    await served.until(lambda: served.received == 11)
    assert not served.failures
    served.later(2)
    assert not len(served.connections.bodies)
    assert (await client.answer())[0] == 408
    assert await client.ended() == b""
    assert [failure.code for failure in served.failures] == ["too_slow"]
    assert not caplog.records


async def test_a_body_above_the_rate_goes_on(served):
    (client,) = await served.bodies(1)
    sent = 1
    for _ in range(9):
        served.later(LIMITS.body_seconds - 1)
        sent += 30_000
        await client.send(bytes(30_000))
        await served.until(lambda: served.received == sent)  # noqa: B023
    await client.send(bytes(300_000 - sent))
    assert (await client.answer())[0] == 200
    assert not served.failures


async def test_a_body_that_the_service_does_not_read_has_no_deadline(served):
    client = await served.client(b"GET /held HTTP/1.1\r\nHost: here\r\nContent-Length: 9000000\r\n\r\n")
    sending = asyncio.create_task(client.send(bytes(9_000_000)))
    await served.until(lambda: any(connection._reading_paused for connection in served.connections.bodies))
    served.later(FOR_EVER)
    assert len(served.connections.bodies) == 1
    served.go_on.set()
    await sending
    assert (await client.answer())[0] == 200


async def test_an_answer_that_is_silent_for_long_is_not_cut(served):
    client = await served.client(HELD)
    await served.until(lambda: served.connections.answering)
    served.later(FOR_EVER)
    served.go_on.set()
    assert (await client.answer())[0] == 200


async def test_the_oldest_unfinished_head_of_an_address_gives_way(served):
    clients = [await served.client(HALF_HEAD) for _ in range(LIMITS.by_address + 2)]
    assert [await client.ended() for client in clients[:2]] == [b"", b""]
    assert len(served.connections.heads) == LIMITS.by_address
    probe = await served.client(PROBE)
    assert (await probe.answer())[0] == 200


async def test_one_body_too_many_of_an_address_is_refused_and_probes_are_not(served):
    uploads = await served.bodies(LIMITS.by_address)
    more = await served.client(BODY % b"")
    status, body = await more.answer()
    assert (status, b'"too_many_connections"' in body) == (429, True)
    served.later(5)
    assert await more.ended() == b""
    probe = await served.client(PROBE)
    assert (await probe.answer())[0] == 200
    await uploads[0].send(bytes(300_000 - 1))
    assert (await uploads[0].answer())[0] == 200
    await served.bodies(LIMITS.by_address)


async def test_idle_connections_give_way_to_requests_the_oldest_first(served):
    clients = []
    for _ in range(LIMITS.connections + 1):
        clients.append(await served.client(PROBE))
        assert (await clients[-1].answer())[0] == 200
    assert await clients[0].ended() == b""
    await clients[1].send(PROBE)
    assert (await clients[1].answer())[0] == 200


async def test_a_request_too_many_is_refused_for_a_while_and_a_probe_is_answered(served):
    for number in range(LIMITS.connections):
        await served.client(HELD)
        await served.until(lambda: served.connections.answering == number + 1)  # noqa: B023
    more = await served.client(HELD)
    status, body = await more.answer()
    assert (status, b'"busy"' in body) == (503, True)
    probe = await served.client(PROBE)
    assert (await probe.answer())[0] == 200


@pytest.mark.parametrize(
    ("proxies", "header", "counted"),
    [
        ((), b"X-Forwarded-For: 192.0.2.#\r\n", 4),
        (("127.0.0.0/8",), b"X-Forwarded-For: 192.0.2.#\r\n", 8),
        (("127.0.0.0/8",), b"X-Forwarded-For: 192.0.2.#, 127.0.0.9\r\n", 8),
        (("127.0.0.0/8",), b"X-Forwarded-For: 192.0.2.#\r\nX-Forwarded-For: 198.51.100.1\r\n", 4),
        (("127.0.0.0/8",), b"X-Forwarded-For: 2001:db8::#\r\n", 4),
        (("10.0.0.0/8",), b"X-Forwarded-For: 192.0.2.#\r\n", 4),
    ],
)
async def test_only_a_trusted_proxy_names_the_client(proxies, header, counted):
    served = Served()
    limits = ConnectionLimits(by_address=4, connections=8, trusted_proxies=tuple(map(ip_network, proxies)))
    async with asyncio.timeout(TEST_SECONDS), open_port("127.0.0.1", 0, served.application(), limits) as served.port:
        clients = [await served.client(BODY % header.replace(b"#", b"%d" % number)) for number in range(8)]
        refused = [asyncio.create_task(client.answer()) for client in clients]
        await served.until(lambda: len(served.connections.bodies) + sum(task.done() for task in refused) == 8)
        assert len(served.connections.bodies) == counted
        for task in refused:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                assert (await task)[0] == 429
        for client in clients:
            client.writer.close()
