"""No server gets a message that can be understood in two ways (RFC 9112, section 11.2; RFC 7230, section 9.5)."""

from ipaddress import ip_network

import pytest
from clipmill.egress.guard import EgressGuard

LOOPBACK = (ip_network("127.0.0.0/8"),)

SMUGGLED = "GET http://127.0.0.1/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"

AMBIGUOUS_LENGTHS = {
    "two different lengths": "Content-Length: 3\r\nContent-Length: 5",
    "two different lengths in a list": "Content-Length: 3, 5",
    "both a length and chunks": "Content-Length: 3\r\nTransfer-Encoding: chunked",
    "both chunks and a length": "Transfer-Encoding: chunked\r\nContent-Length: 3",
    "both, the length a zero": "Content-Length: 0\r\nTransfer-Encoding: chunked",
    "a space before the colon of a length": "Content-Length : 3",
    "a tab before the colon of a length": "Content-Length\t: 3",
    "a space before the colon of an encoding": "Transfer-Encoding : chunked",
    "a vertical tab before an encoding": "Transfer-Encoding:\x0bchunked",
    "a zero byte in an encoding": "Transfer-Encoding: chunked\x00",
    "a bare CR before a length": "X: a\rContent-Length: 3",
    "a bare CR before an encoding": "X: a\rTransfer-Encoding: chunked",
    "a bare CR at the end of a line": "X: a\r\r\nContent-Length: 3",
    "a bare CR in a name": "Content-\rLength: 3",
    "a length with a sign": "Content-Length: +3",
    "a negative length": "Content-Length: -3",
    "a hexadecimal length": "Content-Length: 0x3",
    "a length with an underscore": "Content-Length: 1_0",
    "a length of two numbers": "Content-Length: 3 3",
    "a length of two folded numbers": "Content-Length: 3\r\n 3",
    "a length beyond all numbers": "Content-Length: " + "1" * 21,
    "an empty length": "Content-Length:",
    "another encoding": "Transfer-Encoding: gzip",
    "an unknown encoding": "Transfer-Encoding: xchunked",
    "another encoding before chunks": "Transfer-Encoding: gzip, chunked",
    "another encoding after chunks": "Transfer-Encoding: chunked, identity",
    "chunks twice": "Transfer-Encoding: chunked, chunked",
    "two lines of encodings": "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "two lines of encodings, one identity": "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "an empty encoding": "Transfer-Encoding:",
    "no colon": "Content-Length 3",
    "no name": ": 3",
    "a name with a space": "Content Length: 3",
    "a name in brackets": "(Content-Length): 3",
}
"""Headers that leave the end of the body, or of the headers, unclear."""

AMBIGUOUS_CHUNKS = {
    "a size that is no number": b"zz\r\nabc\r\n0\r\n\r\n",
    "a size with a prefix": b"0x3\r\nabc\r\n0\r\n\r\n",
    "a negative size": b"-3\r\nabc\r\n0\r\n\r\n",
    "a size with a sign": b"+3\r\nabc\r\n0\r\n\r\n",
    "a size with an underscore": b"1_0\r\n" + b"a" * 16 + b"\r\n0\r\n\r\n",
    "a size beyond all numbers": b"f" * 21 + b"\r\nabc\r\n0\r\n\r\n",
    "a size before a bare LF": b"3\nabc\r\n0\r\n\r\n",
    "a size before a bare CR": b"3\rabc\r\n0\r\n\r\n",
    "an empty size": b"\r\nabc\r\n0\r\n\r\n",
    "an extension with a bare LF": b"3;a\nabc\r\n0\r\n\r\n",
    "a chunk longer than its size": b"3\r\nabcd\r\n0\r\n\r\n",
    "a chunk without an end": b"3\r\nabc0\r\n\r\n",
    "a chunk with another end": b"3\r\nabcXX0\r\n\r\n",
    "a trailer that is none": b"3\r\nabc\r\n0\r\nContent-Length : 3\r\n\r\n",
}

each_length = pytest.mark.parametrize("headers", AMBIGUOUS_LENGTHS.values(), ids=AMBIGUOUS_LENGTHS.keys())
each_chunk = pytest.mark.parametrize("chunks", AMBIGUOUS_CHUNKS.values(), ids=AMBIGUOUS_CHUNKS.keys())


@each_length
async def test_a_request_of_unclear_length_is_refused_before_any_connection(say, raw_server, headers: str):
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, f"POST {raw_server.url} HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\nabc{SMUGGLED}")
    assert answer.startswith(b"HTTP/1.1 400 Bad request: ")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert raw_server.connections == 0


@each_length
async def test_a_response_of_unclear_length_is_not_handed_on(say, raw_server, headers: str):
    raw_server.answer = f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\nsmuggled".encode("latin-1")
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, f"GET {raw_server.url} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 The server's answer is not HTTP: ")
    assert answer.endswith(b"\r\n\r\n")
    assert b"smuggled" not in answer


@each_length
async def test_a_tunnel_asked_for_with_an_unclear_length_is_refused(say, raw_server, headers: str):
    target = f"127.0.0.1:{raw_server.port}"
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, f"CONNECT {target} HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 400 Bad request: ")
    assert raw_server.connections == 0


@each_length
async def test_an_upstream_proxys_answer_of_unclear_length_opens_no_tunnel(say, raw_server, upstream_guard, headers):
    raw_server.answer = f"HTTP/1.1 200 OK\r\n{headers}\r\n\r\nabc".encode("latin-1")
    async with upstream_guard(raw_server.port) as guard:
        answer = await say(guard, "CONNECT 127.0.0.1:9 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"abc" not in answer


@pytest.mark.parametrize("headers", ["Content-Length: 3", "Transfer-Encoding: chunked"])
async def test_a_tunnel_takes_no_body(say, raw_server, headers: str):
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, f"CONNECT 127.0.0.1:{raw_server.port} HTTP/1.1\r\nHost: x\r\n{headers}\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 400 Bad request: CONNECT takes ")
    assert raw_server.connections == 0


@each_chunk
async def test_a_request_with_unclear_chunks_does_not_reach_its_end(say, raw_server, chunks: bytes):
    raw_server.until = b"\r\n0\r\n\r\n"
    head = f"POST {raw_server.url} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, head + chunks.decode() + SMUGGLED)
        received = await raw_server.end()
    assert answer.startswith(b"HTTP/1.1 400 Bad request: ")
    assert received.startswith(b"POST /page HTTP/1.1\r\n")
    assert raw_server.until not in received
    assert b"smuggled" not in received


@each_chunk
async def test_a_response_with_unclear_chunks_does_not_reach_its_end(say, raw_server, chunks: bytes):
    raw_server.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, f"GET {raw_server.url} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    assert not answer.endswith(b"0\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("version", ["HTTP/1.0", "HTTP/2.0", "HTTP/0.9", "HTTP/1.2"])
async def test_chunks_belong_to_http_1_1(say, raw_server, version: str):
    async with EgressGuard(LOOPBACK) as guard:
        head = f"POST {raw_server.url} {version}\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
        assert (await say(guard, head)).startswith(b"HTTP/1.1 400 Bad request: ")
        assert raw_server.connections == 0
        raw_server.answer = f"{version} 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".encode()
        answer = await say(guard, f"GET {raw_server.url} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 502 ")


@pytest.mark.parametrize("version", ["HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/1", "HTTP/1.11", "http/1.1", "ICY"])
async def test_other_protocols_are_not_spoken(say, raw_server, version: str):
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, f"GET {raw_server.url} {version}\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 400 Bad request: ")
        assert raw_server.connections == 0
        raw_server.answer = f"{version} 200 OK\r\n\r\nabc".encode()
        answer = await say(guard, f"GET {raw_server.url} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert b"abc" not in answer


@pytest.mark.parametrize(
    "head",
    [
        "GET {url} HTTP/1.1\r\n\r\n",
        "GET {url} HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET {url} HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET {url}  HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET\t{url} HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET {url} HTTP/1.1 \r\nHost: x\r\n\r\n",
        "GET {url} HTTP/1.1\rHost: x\r\n\r\n",
        "GET {url}\rx HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET {url}\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        "G(T {url} HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_a_request_line_and_a_host_are_exactly_what_they_have_to_be(say, raw_server, head: str):
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, head.format(url=raw_server.url))
    assert answer.startswith(b"HTTP/1.1 400 Bad request: ")
    assert raw_server.connections == 0


async def test_a_head_that_begins_with_a_folded_line_is_refused(raw_server, send_bytes):
    async with EgressGuard(LOOPBACK) as guard:
        head = f"GET {raw_server.url} HTTP/1.1\r\n Content-Length: 3\r\nHost: x\r\n\r\n"
        assert (await send_bytes(guard, head.encode())).startswith(b"HTTP/1.1 400 Bad request: ")
    assert raw_server.connections == 0


async def test_a_protocol_that_nobody_asked_for_is_not_switched_to(say, raw_server):
    raw_server.answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\nsmuggled"
    async with EgressGuard(LOOPBACK) as guard:
        head = f"GET {raw_server.url} HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n"
        answer = await say(guard, head)
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"smuggled" not in answer
    assert b"pgrade" not in raw_server.received[0]


async def test_a_clear_message_is_written_again_in_one_form(say, raw_server):
    """Equal lengths, bare line feeds, folded lines and another Host are allowed, and clear once written again."""
    raw_server.until = b"abc"
    raw_server.answer = b"HTTP/1.0 200 OK\nContent-Length: 3\nContent-Length: 3\nX: a\n  b\n\nxyz"
    head = "\n".join(
        [
            f"POST {raw_server.url}?q=1#part HTTP/1.1",
            "Host: elsewhere.example",
            "Content-Length: 3",
            "Content-Length: 3",
            "X-Folded: a",
            "\tb",
            "Keep-Alive: 5",
            "Proxy-Connection: keep-alive",
            "TE: trailers",
            "Trailer: X",
            "Connection: keep-alive",
        ]
    )
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, f"{head.replace(chr(10), chr(13) + chr(10), 1)}\n\nabc")
    assert raw_server.received == [
        (
            f"POST /page?q=1 HTTP/1.1\r\nHost: 127.0.0.1:{raw_server.port}\r\nContent-Length: 3\r\n"
            "X-Folded: a b\r\nConnection: close\r\n\r\nabc"
        ).encode()
    ]
    assert answer == b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: a b\r\nConnection: close\r\n\r\nxyz"


async def test_extensions_and_trailers_of_chunks_stay_behind(say, raw_server):
    chunks = b"3;name=value\r\nabc\r\n0\r\nContent-Length: 99\r\nX-Trailer: 1\r\n\r\n"
    raw_server.until = b"0\r\n\r\n"
    raw_server.answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
    head = f"POST {raw_server.url} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, head + chunks.decode())
    assert raw_server.received[0].endswith(b"\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n")
    assert answer.endswith(b"\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")


async def test_bytes_that_a_server_sends_after_its_answer_are_not_handed_on(say, raw_server):
    raw_server.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP/1.1 200 OK\r\n\r\nsmuggled"
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, f"GET {raw_server.url} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nabc")


async def test_bytes_that_a_client_sends_after_its_request_are_not_handed_on(say, raw_server):
    raw_server.until = b"abc"
    raw_server.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    head = f"POST {raw_server.url} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n"
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, f"{head}abc{SMUGGLED}")
    assert answer == b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
    assert raw_server.received[0].endswith(b"\r\n\r\nabc")
    assert raw_server.connections == 1
