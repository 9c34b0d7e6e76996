"""Messages and tunnels pass whole or visibly broken, and a side that leaves ends the other connection too."""

import asyncio
import socket
from ipaddress import ip_network

import pytest
from clipmill.egress.guard import EgressGuard, TimeLimits, Unreachable
from clipmill.egress.relaying import close

LOOPBACK = (ip_network("127.0.0.0/8"),)
LARGE = bytes(range(256)) * 4096
"""A megabyte, which is more than any buffer on the way holds."""


def request_of(url: str, method: str = "GET", *headers: str, version: str = "1.1") -> str:
    return "\r\n".join([f"{method} {url} HTTP/{version}", "Host: x", *headers, "", ""])


async def test_a_body_in_chunks_reaches_the_server_and_the_client(say, raw_server):
    raw_server.until = b"\r\n0\r\n\r\n"
    raw_server.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n1\r\nz\r\n0\r\n\r\n"
    async with EgressGuard(LOOPBACK) as guard:
        head = request_of(raw_server.url, "POST", "Transfer-Encoding: chunked")
        answer = await say(guard, f"{head}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
    assert raw_server.received[0].partition(b"\r\n\r\n")[2] == b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert answer.partition(b"\r\n\r\n")[2] == b"2\r\nxy\r\n1\r\nz\r\n0\r\n\r\n"


async def test_a_large_body_arrives_both_ways(say, raw_server):
    raw_server.until = LARGE
    raw_server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(LARGE), LARGE)
    async with EgressGuard(LOOPBACK) as guard:
        head = request_of(raw_server.url, "POST", f"Content-Length: {len(LARGE)}")
        answer = await say(guard, head + LARGE.decode("latin-1"))
    assert raw_server.received[0].endswith(LARGE)
    assert answer.partition(b"\r\n\r\n")[2] == LARGE


@pytest.mark.parametrize("version", ["1.0", "1.1"])
async def test_an_answer_that_ends_with_its_connection_is_whole(say, raw_server, version: str):
    raw_server.answer = b"HTTP/1.0 200 OK\r\n\r\nabc"
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, request_of(raw_server.url, version=version))
    body = answer.partition(b"\r\n\r\n")[2]
    assert body == (b"abc" if version == "1.0" else b"3\r\nabc\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    ("framing", "part"),
    [("Content-Length: 9", b"abc"), ("Transfer-Encoding: chunked", b"3\r\nabc\r\n")],
)
async def test_an_answer_that_breaks_off_is_seen_to_break_off(say, raw_server, framing: str, part: bytes):
    raw_server.answer = f"HTTP/1.1 200 OK\r\n{framing}\r\n\r\n".encode() + part
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, request_of(raw_server.url))
    head, _, body = answer.partition(b"\r\n\r\n")
    assert framing.encode() in head
    assert body == part
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("framing", ["Content-Length: 9", "Transfer-Encoding: chunked"])
async def test_a_client_that_breaks_off_its_request_takes_the_server_along(raw_server, open_request, framing: str):
    raw_server.until = b"never"
    async with EgressGuard(LOOPBACK) as guard:
        head = request_of(raw_server.url, "POST", framing)
        async with open_request(guard, f"{head}3\r\nabc\r\n"):
            pass
        received = await raw_server.end()
    assert b"0\r\n\r\n" not in received


@pytest.mark.parametrize("status", [100, 103])
async def test_an_informational_answer_is_handed_on(say, raw_server, status: int):
    early = f"HTTP/1.1 {status} Early\r\nLink: </a>\r\n\r\n".encode()
    raw_server.answer = early * 2 + b"HTTP/1.1 204 No Content\r\n\r\n"
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, request_of(raw_server.url))
    assert answer == early * 2 + b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


async def test_an_answer_to_head_has_a_length_and_no_body(say, raw_server):
    raw_server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, request_of(raw_server.url, "HEAD"))
    assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("target", "path"),
    [("/a/b;c?d=e&f#g", "/a/b;c?d=e&f"), ("", "/"), ("?q", "/?q"), ("//double//", "//double//")],
)
async def test_the_server_gets_its_own_path_and_the_host_that_was_checked(say, raw_server, target, path):
    raw_server.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    url = f"http://LOCALHOST:{raw_server.port}{target}"
    async with EgressGuard((*LOOPBACK, ip_network("::1/128"))) as guard:
        await say(guard, request_of(url, "OPTIONS"))
    host = f"localhost:{raw_server.port}"
    expected = f"OPTIONS {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
    assert raw_server.received == [expected.encode()]


async def test_an_ipv6_address_is_in_brackets_for_the_server(say, raw_server, internet):
    raw_server.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    internet.lead("2606:2800:220:1::1", raw_server.port)
    async with EgressGuard() as guard:
        await say(guard, request_of("http://[2606:2800:220:1::1]/"))
        await say(guard, request_of("http://[2606:2800:220:1::1]:8080/"))
    hosts = [received.split(b"\r\n")[1] for received in raw_server.received]
    assert hosts == [b"Host: [2606:2800:220:1::1]", b"Host: [2606:2800:220:1::1]:8080"]


@pytest.mark.parametrize(
    "target",
    [
        "http://user@127.0.0.1/",
        "http://@127.0.0.1/",
        "http://evil\\@127.0.0.1/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:x/",
        "http://[::1/",
        "http:///path",
        "https://127.0.0.1/",
        "//127.0.0.1/",
        "*",
    ],
)
async def test_a_target_is_an_http_url_without_a_user(say, target: str):
    async with EgressGuard(LOOPBACK) as guard:
        assert (await say(guard, request_of(target))).startswith(b"HTTP/1.1 400 Bad request: the target ")


@pytest.mark.parametrize("target", ["127.0.0.1:80/path", "127.0.0.1:80?q", "127.0.0.1:80#f", "127.0.0.1:80/"])
async def test_a_tunnels_target_is_a_host_and_a_port(say, target: str):
    async with EgressGuard(LOOPBACK) as guard:
        assert (await say(guard, request_of(target, "CONNECT"))).startswith(b"HTTP/1.1 400 Bad request: CONNECT takes")


@pytest.mark.parametrize("target", ["user@127.0.0.1:80", "127.0.0.1:x", ":80", "http://127.0.0.1"])
async def test_a_tunnels_target_is_nothing_else(say, target: str):
    async with EgressGuard(LOOPBACK) as guard:
        assert (await say(guard, request_of(target, "CONNECT"))).startswith(b"HTTP/1.1 400 Bad request: ")


async def test_a_tunnel_that_says_it_has_no_body_is_opened(say, raw_server):
    raw_server.until, raw_server.answer = b"hello", b"goodbye"
    async with EgressGuard(LOOPBACK) as guard:
        head = request_of(f"127.0.0.1:{raw_server.port}", "CONNECT", "Content-Length: 0")
        assert (await say(guard, f"{head}hello")).endswith(b"\r\n\r\ngoodbye")


async def test_a_tunnel_asked_for_in_http_1_0_is_opened(say, raw_server):
    raw_server.until, raw_server.answer = LARGE, LARGE
    async with EgressGuard(LOOPBACK) as guard:
        head = f"CONNECT 127.0.0.1:{raw_server.port} HTTP/1.0\r\n\r\n"
        answer = await say(guard, head + LARGE.decode("latin-1"))
    assert answer == b"HTTP/1.1 200 Connection established\r\n\r\n" + LARGE


async def test_a_client_that_leaves_a_tunnel_closes_it(raw_server, open_request):
    raw_server.stays = True
    async with EgressGuard(LOOPBACK) as guard:
        head = request_of(f"127.0.0.1:{raw_server.port}", "CONNECT")
        async with open_request(guard, f"{head}hello\r\n\r\n") as (reader, _):
            await reader.readuntil(b"established\r\n\r\n")
        assert await raw_server.end() == b"hello\r\n\r\n"


async def test_a_client_that_leaves_before_its_answer_takes_the_server_along(raw_server, open_request):
    raw_server.stays = True
    raw_server.answer = b"HTTP/1.1 100 Continue\r\n\r\n"
    async with EgressGuard(LOOPBACK) as guard:
        async with open_request(guard, request_of(raw_server.url)) as (reader, _):
            await reader.readuntil(b"\r\n\r\n")
        assert (await raw_server.end()).startswith(b"GET /page ")


async def test_a_client_that_goes_on_sending_is_still_answered(raw_server, open_request):
    raw_server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"
    async with EgressGuard(LOOPBACK) as guard:
        async with open_request(guard, request_of(raw_server.url) + "more" * 100_000) as (reader, _):
            assert (await reader.read()).endswith(b"\r\n\r\nx")
        assert raw_server.received[0].endswith(b"Connection: close\r\n\r\n")


@pytest.mark.parametrize("line", ["x" * 200_000, "\r\n".join(f"X-{number}: {'x' * 1000}" for number in range(70))])
async def test_a_head_longer_than_its_limit_is_refused_in_both_directions(say, raw_server, line: str):
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, request_of(raw_server.url, "GET", line))
        assert answer.startswith(b"HTTP/1.1 400 Bad request: ")
        assert b"too long" in answer
        assert raw_server.connections == 0
        raw_server.answer = f"HTTP/1.1 200 OK\r\n{line}\r\n\r\nabc".encode()
        answer = await say(guard, request_of(raw_server.url))
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert b"too long" in answer


async def test_a_long_head_within_the_limit_passes(say, raw_server):
    cookie = "x" * 60_000
    raw_server.answer = f"HTTP/1.1 204 No Content\r\nSet-Cookie: {cookie}\r\n\r\n".encode()
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, request_of(raw_server.url, "GET", f"Cookie: {cookie}"))
    assert f"Cookie: {cookie}\r\n".encode() in raw_server.received[0]
    assert f"Set-Cookie: {cookie}\r\n".encode() in answer


@pytest.mark.parametrize("part", ["", "GET ", "GET http://127.0.0.1/ HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_a_client_that_takes_too_long_over_its_head_is_hung_up_on(send_bytes, part: str):
    async with EgressGuard(LOOPBACK, limits=TimeLimits(head=0.05)) as guard:
        assert await send_bytes(guard, part.encode()) == b""


async def test_a_client_that_hangs_up_before_it_asks_gets_no_answer(send_bytes):
    async with EgressGuard(LOOPBACK) as guard:
        assert await send_bytes(guard, b"", then_end=True) == b""


async def test_a_client_that_hangs_up_within_its_head_has_sent_a_bad_request(send_bytes):
    async with EgressGuard(LOOPBACK) as guard:
        assert (await send_bytes(guard, b"GET http://x/ HTTP/1.1\r\nHo", then_end=True)).startswith(
            b"HTTP/1.1 400 Bad request: "
        )


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\r\n\r\n",
        b"220 mail.example ESMTP\r\n\r\n",
        b"HTTP/1.1 20 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX",
        b"\x16\x03\x01",
    ],
)
async def test_a_server_that_does_not_answer_in_http_is_a_bad_gateway(say, raw_server, answer: bytes):
    raw_server.answer = answer
    async with EgressGuard(LOOPBACK) as guard:
        given = await say(guard, request_of(raw_server.url))
    assert guard.unreachable == [Unreachable("127.0.0.1", exists=True, reason="does not answer in valid HTTP")]
    assert given.startswith(b"HTTP/1.1 502 The server's answer is not HTTP: ")
    assert given.endswith(b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


async def test_a_side_that_reads_gets_all_before_its_connection_closes():
    received = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.set_result(await reader.read())
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(LARGE * 16)
        await close(writer, 60)
        assert await received == LARGE * 16


async def test_a_side_that_does_not_read_is_cut_off():
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        _, writer = await asyncio.open_connection(*deaf.getsockname())
        writer.write(LARGE * 64)
        assert writer.transport.get_write_buffer_size() > 0
        await close(writer, 0.05)
        assert writer.transport.get_write_buffer_size() == 0


@pytest.mark.parametrize("target", ["http://user@127.0.0.1/", "http:///"])
async def test_a_target_without_a_host_or_with_a_user_is_explained(say, target):
    async with EgressGuard() as guard:
        answer = await say(guard, request_of(target))
    assert b" 400 Bad request: the target has no host, or it has a user name\r\n" in answer


async def test_an_unknown_version_is_answered_with_the_known_ones(say):
    async with EgressGuard() as guard:
        answer = await say(guard, "GET http://127.0.0.1/ HTTP/1.2\r\nHost: x\r\n\r\n")
    assert b" 400 Bad request: neither HTTP/1.0 nor HTTP/1.1\r\n" in answer
