"""A guard behind an operator's proxy asks the proxy only for the address that it checked."""

import socket

import pytest
import structlog
from clipmill.egress.guard import EgressGuard, TimeLimits, Unreachable
from clipmill.egress.heads import basic_credential
from clipmill.egress.upstream import ProxyFailure, UpstreamProxy

CONNECT = "CONNECT site.example:443 HTTP/1.1\r\nHost: x\r\n\r\n"
ESTABLISHED = b"HTTP/1.1 200 OK\r\n\r\n"
PUBLIC_V4 = "93.184.216.34"
PUBLIC_V6 = "2606:2800:220:1::1"


@pytest.mark.parametrize(("address", "target"), [(PUBLIC_V4, f"{PUBLIC_V4}:443"), (PUBLIC_V6, f"[{PUBLIC_V6}]:443")])
async def test_the_proxy_is_asked_for_a_tunnel_to_the_public_address(
    say, raw_server, internet, upstream_guard, address, target
):
    raw_server.answer = ESTABLISHED + b"goodbye"
    internet.name("site.example", [address])
    async with upstream_guard(raw_server.port) as guard:
        answer = await say(guard, CONNECT)
        assert answer == b"HTTP/1.1 200 Connection established\r\n\r\ngoodbye"
        assert internet.connections_made_by(guard) == [("127.0.0.1", raw_server.port)]
    assert raw_server.received == [f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()]


async def test_a_plain_request_goes_through_a_tunnel_of_the_proxys_too(say, raw_server, internet, upstream_guard):
    raw_server.until = b"/page"
    raw_server.answer = ESTABLISHED + b"HTTP/1.1 204 No Content\r\n\r\n"
    internet.name("site.example", [PUBLIC_V4])
    async with upstream_guard(raw_server.port) as guard:
        raw_server.until = b"\r\n\r\n"
        answer = await say(guard, "GET http://site.example/page HTTP/1.1\r\nHost: x\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 204 ")
    assert raw_server.received[0].startswith(f"CONNECT {PUBLIC_V4}:80 HTTP/1.1\r\n".encode())


async def test_the_proxy_is_not_asked_for_a_private_address(say, raw_server, internet):
    internet.name("site.example", ["10.0.0.1"])
    async with EgressGuard((), UpstreamProxy("127.0.0.1", raw_server.port)) as guard:
        assert (await say(guard, CONNECT)).startswith(b"HTTP/1.1 403 ")
        assert internet.connections_made_by(guard) == []
    assert raw_server.connections == 0


async def test_the_proxy_is_shown_its_credential(say, raw_server, internet, upstream_guard):
    raw_server.answer = ESTABLISHED
    internet.name("site.example", [PUBLIC_V4])
    async with upstream_guard(raw_server.port, "us%40er:pass%3Aword@") as guard:
        await say(guard, CONNECT)
    proof = basic_credential("us@er", "pass:word")
    assert raw_server.received[0].split(b"\r\n")[2] == f"Proxy-Authorization: {proof}".encode()
    assert "us@er" not in repr(guard._upstream)
    assert proof not in repr(guard._upstream)


async def test_the_proxy_may_say_something_before_its_answer(say, raw_server, internet, upstream_guard):
    raw_server.answer = b"HTTP/1.1 102 Processing\r\n\r\n" * 2 + b"HTTP/1.0 299 Fine\r\nX: y\r\n\r\ngoodbye"
    internet.name("site.example", [PUBLIC_V4])
    async with upstream_guard(raw_server.port) as guard:
        assert (await say(guard, CONNECT)).endswith(b"established\r\n\r\ngoodbye")


@pytest.mark.parametrize("status", [300, 403, 502])
async def test_a_proxy_that_refuses_makes_the_host_unreachable(say, raw_server, internet, upstream_guard, status):
    raw_server.answer = f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode()
    raw_server.stays = True
    internet.name("site.example", [PUBLIC_V4])
    async with upstream_guard(raw_server.port) as guard:
        assert (await say(guard, CONNECT)).startswith(b"HTTP/1.1 502 Unreachable host\r\n")
        reason = f"cannot be reached (the upstream proxy answered {status})"
        assert guard.unreachable == [Unreachable("site.example", exists=True, reason=reason)]
        assert guard.proxy_failures == []
        await raw_server.end()


async def test_a_proxy_that_refuses_its_user_has_failed(say, raw_server, internet, upstream_guard):
    raw_server.answer = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
    internet.name("site.example", [PUBLIC_V4])
    async with upstream_guard(raw_server.port) as guard:
        assert (await say(guard, CONNECT)).startswith(b"HTTP/1.1 502 Upstream proxy failed\r\n")
        assert guard.proxy_failures == [ProxyFailure("refuses its user and password (HTTP 407)", credential=True)]
        assert guard.unreachable == []


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0\r\n\r\n", b"HTTP/1.1 200 OK\r\nX : y\r\n\r\n"])
async def test_a_proxy_that_does_not_answer_in_http_has_failed(say, raw_server, internet, upstream_guard, answer):
    raw_server.answer = answer
    internet.name("site.example", [PUBLIC_V4])
    async with upstream_guard(raw_server.port) as guard:
        assert (await say(guard, CONNECT)).startswith(b"HTTP/1.1 502 Upstream proxy failed\r\n")
        assert guard.proxy_failures == [ProxyFailure("does not answer in valid HTTP")]
        assert guard.unreachable == []


async def test_a_proxy_that_is_down_is_in_the_log_with_its_address_and_nowhere_else(say, internet, upstream_guard):
    internet.name("site.example", [PUBLIC_V4])
    with socket.socket() as deaf:  # it is bound, so nobody else can listen on its port, and it does not listen
        deaf.bind(("127.0.0.1", 0))
        port = deaf.getsockname()[1]
        with structlog.testing.capture_logs() as logged:
            async with upstream_guard(port) as guard:
                assert (await say(guard, CONNECT)).startswith(b"HTTP/1.1 502 Upstream proxy failed\r\n")
                assert guard.proxy_failures == [ProxyFailure("cannot be reached")]
                assert guard.unreachable == []
    (failed,) = [entry for entry in logged if entry["event"] == "upstream_proxy_failed"]
    assert str(port) in str(failed)


async def test_a_proxy_that_cannot_be_connected_to_in_time_has_failed(say, internet):
    internet.name("site.example", [PUBLIC_V4])
    internet.silence("127.0.0.2")
    async with EgressGuard((), UpstreamProxy("127.0.0.2", 3128), TimeLimits(connect=0.05)) as guard:
        assert (await say(guard, CONNECT)).startswith(b"HTTP/1.1 502 Upstream proxy failed\r\n")
        assert guard.proxy_failures == [ProxyFailure("cannot be reached")]


async def test_a_proxy_that_does_not_answer_is_not_waited_for(say, raw_server, internet, upstream_guard):
    raw_server.until = b"never"
    internet.name("site.example", [PUBLIC_V4])
    async with upstream_guard(raw_server.port, limits=TimeLimits(connect=0.05)) as guard:
        assert (await say(guard, CONNECT)).startswith(b"HTTP/1.1 502 Unreachable host\r\n")
        assert guard.unreachable[0].reason == "cannot be reached (no answer through the upstream proxy)"
        await raw_server.end()


@pytest.mark.parametrize(
    ("url", "host", "port", "credential"),
    [
        ("http://proxy.example", "proxy.example", 80, None),
        ("http://proxy.example:3128/", "proxy.example", 3128, None),
        ("http://[2001:db8::1]:3128", "2001:db8::1", 3128, None),
        ("http://user@proxy.example", "proxy.example", 80, basic_credential("user", "")),
        ("http://a%20b:c%2Fd@proxy.example", "proxy.example", 80, basic_credential("a b", "c/d")),
    ],
)
def test_a_proxy_is_named_by_a_url(url: str, host: str, port: int, credential: str | None):
    assert UpstreamProxy.parse(url) == UpstreamProxy(host, port, credential)


def test_a_credential_is_what_the_rfc_shows():
    assert basic_credential("Aladdin", "open sesame") == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    assert basic_credential("test", "123£") == "Basic dGVzdDoxMjPCow=="


@pytest.mark.parametrize("text", ["socks5://x:1", "https://x:1", "10.0.0.1:3128", "http://", "http://:80"])
def test_an_upstream_proxy_is_an_http_url(text: str):
    with pytest.raises(ValueError, match="HTTP proxy"):
        UpstreamProxy.parse(text)


@pytest.mark.parametrize(
    "url", ["http://user:s3cret/x@proxy:3128", "http://user:s3cret℀@proxy:3128", "http://user:[s3cret@proxy:3128"]
)
def test_a_malformed_url_of_a_proxy_is_refused_without_quoting_its_password(url: str):
    with pytest.raises(ValueError, match="is not the URL of an HTTP proxy") as caught:
        UpstreamProxy.parse(url)
    assert caught.value.__context__ is None
    assert "s3cret" not in str(caught.value)
