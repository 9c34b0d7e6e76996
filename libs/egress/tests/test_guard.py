import asyncio
import socket
from ipaddress import ip_network

import aiohttp
import pytest
from aiohttp import web
from clipmill.egress.guard import EgressGuard, Unreachable
from clipmill.egress.upstream import UpstreamProxy

LOOPBACK = (ip_network("127.0.0.0/8"),)


async def ask(guard: EgressGuard, url: str, **options) -> tuple[int, bytes]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(url, proxy=guard.url, allow_redirects=options.pop("follow", True), **options) as answer,
    ):
        return answer.status, await answer.read()


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("10.0.0.1:443", "private"),
        ("127.0.0.1:443", "loopback"),
        ("localhost:443", "loopback"),
        ("169.254.169.254:80", "a cloud's metadata service"),
        ("169.254.0.9:80", "link-local"),
        ("100.64.0.1:443", "a carrier's own"),
        ("224.0.0.1:443", "multicast"),
        ("0.0.0.0:443", "unspecified"),
        ("[::1]:443", "loopback"),
        ("[::ffff:127.0.0.1]:443", "loopback"),
        ("[2002:7f00:1::1]:443", "an obsolete tunnel"),
        ("[64:ff9b::7f00:1]:443", "loopback"),
        ("[fe80::1]:443", "link-local"),
        ("2130706433:443", "loopback"),
        ("0x7f.1:443", "loopback"),
        ("8.8.8.8:25", "port"),
    ],
)
async def test_a_tunnel_to_what_is_not_public_is_refused_and_remembered(say, target: str, kind: str):
    async with EgressGuard() as guard:
        answer = await say(guard, f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 403 ")
        assert [refusal.kind for refusal in guard.refusals] == [kind]


async def test_a_plain_request_to_a_private_address_is_refused():
    async with EgressGuard() as guard:
        status, _ = await ask(guard, "http://192.168.0.1/video.mp4")
        assert status == 403
        assert (guard.refusals[0].host, guard.refusals[0].port) == ("192.168.0.1", 80)


async def test_an_exempt_network_is_reached(web_server):
    url = web_server.serve_html("/page", "hello")
    async with EgressGuard(LOOPBACK) as guard:
        assert await ask(guard, url) == (200, b"hello")
        assert await ask(guard, web_server.url("/page", "localhost")) == (200, b"hello")
        assert guard.refusals == []


async def test_a_redirect_from_an_allowed_host_to_a_private_one_is_refused(web_server):
    url = web_server.serve_redirect("/start", web_server.url("/secret", "127.0.0.2"))
    web_server.serve_html("/secret", "the secret")
    async with EgressGuard((ip_network("127.0.0.1/32"),)) as guard:
        status, body = await ask(guard, url)
        assert (status, body) == (403, b"")
        assert guard.refusals[0].host == "127.0.0.2"
        assert [request.path for request in web_server.requests] == ["/start"]


async def test_a_name_that_later_resolves_to_a_private_address_gains_nothing(web_server, monkeypatch):
    """Against DNS rebinding, the guard connects to the address that it checked, not to the name."""
    url = web_server.serve_html("/", "the public page").replace("127.0.0.1", "rebinding.example")
    loop = asyncio.get_running_loop()
    original, answers = loop.getaddrinfo, iter(["127.0.0.1", "10.0.0.1", "10.0.0.1"])

    async def rebinding(host, port, **options):
        asked = next(answers) if host == "rebinding.example" else host
        return await original(asked, port, **options)

    monkeypatch.setattr(loop, "getaddrinfo", rebinding)
    async with EgressGuard((ip_network("127.0.0.1/32"),)) as guard:
        assert await ask(guard, url) == (200, b"the public page")
        assert (await ask(guard, url))[0] == 403


async def test_of_a_hosts_addresses_only_the_allowed_ones_are_tried(web_server, monkeypatch):
    url = web_server.serve_html("/", "page").replace("127.0.0.1", "two.example")
    loop = asyncio.get_running_loop()

    async def two(host, port, **_):
        addresses = ["127.0.0.9", "127.0.0.1"] if host == "two.example" else [host]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(loop, "getaddrinfo", two)
    async with EgressGuard((ip_network("127.0.0.1/32"),)) as guard:
        assert await ask(guard, url) == (200, b"page")
        assert guard.refusals == []


async def test_nobody_uses_the_guard_without_its_password(web_server):
    url = web_server.serve_html("/", "page")
    async with EgressGuard(LOOPBACK) as guard, aiohttp.ClientSession() as session:
        for proxy in (f"http://127.0.0.1:{guard.port}", f"http://clipmill:guess@127.0.0.1:{guard.port}"):
            async with session.get(url, proxy=proxy) as answer:
                assert answer.status == 407
                assert answer.headers["Proxy-Authenticate"] == 'Basic realm="clipmill"'
    assert web_server.requests == []


async def test_the_server_sees_neither_the_password_nor_a_proxy(web_server):
    url = web_server.serve_html("/page", "hello")
    async with EgressGuard(LOOPBACK) as guard:
        await ask(guard, f"{url}?q=1")
    request = web_server.requests[0]
    assert request.path_qs == "/page?q=1"
    assert not [name for name in request.headers if name.lower().startswith("proxy")]


async def test_a_requests_body_arrives(web_server):
    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    web_server.pages["/echo"] = echo
    async with (
        EgressGuard(LOOPBACK) as guard,
        aiohttp.ClientSession() as session,
        session.post(web_server.url("/echo"), data=b"x" * 300_000, proxy=guard.url) as answer,
    ):
        assert await answer.read() == b"x" * 300_000


async def test_a_connection_carries_one_request_so_none_slips_past_the_check(say, web_server):
    url = web_server.serve_html("/page", "hello")
    web_server.serve_html("/second", "second")
    async with EgressGuard(LOOPBACK) as guard:
        request = f"GET {url} HTTP/1.1\r\nHost: x\r\n\r\n"
        answer = await say(guard, request + f"GET {web_server.url('/second')} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert b"Connection: close" in answer
    assert b"second" not in answer
    assert [each.path for each in web_server.requests] == ["/page"]


@pytest.mark.parametrize(
    "request_line",
    [
        "GET /page HTTP/1.1",
        "GET ftp://127.0.0.1/x HTTP/1.1",
        "GET https://x/ HTTP/1.1",
        "GET http:// HTTP/1.1",
        "nonsense",
    ],
)
async def test_a_request_that_is_not_for_a_proxy_is_a_bad_one(say, request_line: str):
    async with EgressGuard(LOOPBACK) as guard:
        assert (await say(guard, f"{request_line}\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 400 ")


async def test_a_tunnel_carries_bytes_both_ways(say):
    async def shout(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((await reader.readline()).upper())
        writer.close()

    server = await asyncio.start_server(shout, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with EgressGuard(LOOPBACK) as guard:
        answer = await say(guard, f"CONNECT 127.0.0.1:{port} HTTP/1.1\r\nHost: x\r\n\r\nhello\n")
    server.close()
    assert answer.endswith(b"\r\n\r\nHELLO\n")


async def test_a_host_that_cannot_be_reached_is_remembered_as_such():
    with socket.socket() as deaf:  # it is bound, so nobody else can listen on its port, and it does not listen
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        async with EgressGuard(LOOPBACK) as guard:
            assert (await ask(guard, f"http://127.0.0.1:{port}/"))[0] == 502
        assert guard.unreachable == [
            Unreachable("127.0.0.1", exists=True, reason="cannot be reached (Connection refused)")
        ]
        assert guard.refusals == []


async def test_an_upstream_proxy_is_asked_for_the_address_that_was_checked(web_server):
    url = web_server.serve_html("/page", "through two")
    async with EgressGuard(LOOPBACK) as upstream:
        async with EgressGuard(LOOPBACK, UpstreamProxy.parse(upstream.url)) as guard:
            assert await ask(guard, url.replace("127.0.0.1", "localhost")) == (200, b"through two")
        async with EgressGuard((), UpstreamProxy.parse(upstream.url)) as strict:
            assert (await ask(strict, url))[0] == 403


async def test_an_upstream_proxy_that_refuses_makes_the_host_unreachable(web_server):
    async with EgressGuard() as upstream, EgressGuard(LOOPBACK, UpstreamProxy.parse(upstream.url)) as guard:
        assert (await ask(guard, web_server.url("/")))[0] == 502
        assert "403" in guard.unreachable[0].reason


async def test_leaving_cuts_connections_that_are_under_way(web_server):
    asked = asyncio.Event()

    async def never(_: web.Request) -> web.Response:
        asked.set()
        await asyncio.Event().wait()
        return web.Response()

    web_server.pages["/never"] = never
    async with EgressGuard(LOOPBACK) as guard:
        asking = asyncio.create_task(ask(guard, web_server.url("/never")))
        await asked.wait()
    with pytest.raises(aiohttp.ClientError):
        await asking
