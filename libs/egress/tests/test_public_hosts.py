"""The guard connects to public hosts, at the addresses that it checked, and to nothing else."""

import asyncio
import socket
from ipaddress import ip_address, ip_network

import aiohttp
import pytest
from clipmill.egress.admission import Refusal, admit
from clipmill.egress.guard import EgressGuard, TimeLimits, Unreachable
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

PUBLIC_V4 = "93.184.216.34"
OTHER_V4 = "142.250.74.46"
PUBLIC_V6 = "2606:2800:220:1:248:1893:25c8:1946"
METADATA = "a cloud's metadata service"

NOT_PUBLIC = {
    "10.0.0.1": "private",
    "172.31.255.255": "private",
    "192.168.1.1": "private",
    "127.0.0.2": "loopback",
    "127.1": "loopback",
    "0x7f000002": "loopback",
    "017700000002": "loopback",
    "2130706434": "loopback",
    "169.254.169.254": METADATA,
    "0xa9fea9fe": METADATA,
    "168.63.129.16": METADATA,
    "169.254.0.9": "link-local",
    "100.64.0.1": "a carrier's own",
    "0.0.0.0": "unspecified",
    "0": "unspecified",
    "224.0.0.1": "multicast",
    "255.255.255.255": "reserved",
    "198.18.0.1": "reserved",
    "[::1]": "loopback",
    "[::]": "unspecified",
    "[::ffff:10.0.0.1]": "private",
    "[::ffff:a9fe:a9fe]": METADATA,
    "[64:ff9b::a00:1]": "private",
    "[2002:a00:1::1]": "an obsolete tunnel",
    "[fe80::1]": "link-local",
    "[fc00::1]": "private",
    "[fd00:ec2::254]": METADATA,
    "[ff02::1]": "multicast",
    "[2001:db8::1]": "reserved",
    "localhost": "loopback",
}
"""Hosts as URLs may spell them, with the kinds of their addresses."""


async def ask(guard: EgressGuard, url: str) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.get(url, proxy=guard.url) as answer:
        return answer.status, await answer.text()


@pytest.mark.parametrize("port", [80, 443, 1024, 8080, 65535])
@pytest.mark.parametrize("address", [PUBLIC_V4, PUBLIC_V6])
async def test_a_public_host_is_reached_at_the_address_that_its_name_has(web_server, internet, address, port):
    web_server.serve_html("/page", "hello")
    internet.name("site.example", [address])
    internet.lead(address, web_server.port)
    async with EgressGuard() as guard:
        assert await ask(guard, f"http://site.example:{port}/page") == (200, "hello")
        assert internet.connections_made_by(guard) == [(address, port)]
        assert guard.refusals == []
        assert guard.unreachable == []
    assert web_server.requests[0].host == ("site.example" if port == 80 else f"site.example:{port}")


@pytest.mark.parametrize("port", [0, 1, 22, 25, 79, 81, 442, 444, 1023])
async def test_a_public_host_is_not_reached_on_a_port_of_another_service(say, internet, port: int):
    internet.name("site.example", [PUBLIC_V4])
    async with EgressGuard() as guard:
        answer = await say(guard, f"CONNECT site.example:{port} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 403 Blocked address\r\n")
        assert guard.refusals == [Refusal("site.example", port, "port", PUBLIC_V4)]
        assert internet.connections_made_by(guard) == []


@pytest.mark.parametrize(("host", "port"), [(PUBLIC_V4, 443), (f"[{PUBLIC_V6}]", 443), (PUBLIC_V4, 8443)])
async def test_a_tunnel_leads_to_a_public_host(say, raw_server, internet, host: str, port: int):
    raw_server.until, raw_server.answer = b"hello", b"goodbye"
    internet.lead(host.strip("[]"), raw_server.port)
    async with EgressGuard() as guard:
        answer = await say(guard, f"CONNECT {host}:{port} HTTP/1.1\r\nHost: x\r\n\r\nhello")
        assert answer == b"HTTP/1.1 200 Connection established\r\n\r\ngoodbye"
        assert internet.connections_made_by(guard) == [(host.strip("[]"), port)]


async def test_a_tunnel_leads_to_the_port_of_https_if_none_is_named(say, raw_server, internet):
    raw_server.until = b"hello"
    internet.lead(PUBLIC_V4, raw_server.port)
    async with EgressGuard() as guard:
        await say(guard, f"CONNECT {PUBLIC_V4} HTTP/1.1\r\nHost: x\r\n\r\nhello")
        assert internet.connections_made_by(guard) == [(PUBLIC_V4, 443)]


@pytest.mark.parametrize("way", ["CONNECT {host}:{port}", "GET http://{host}:{port}/"])
@pytest.mark.parametrize("port", [80, 443, 8080])
@pytest.mark.parametrize(("host", "kind"), NOT_PUBLIC.items())
async def test_no_other_address_is_ever_connected_to(say, internet, host, kind, port, way):
    async with EgressGuard() as guard:
        answer = await say(guard, f"{way.format(host=host, port=port)} HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 403 Blocked address\r\n")
        assert [refusal.kind for refusal in guard.refusals] == [kind]
        assert internet.connections_made_by(guard) == []


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "fd00::1"])
async def test_a_name_gains_nothing_by_resolving_to_a_private_address_later(web_server, internet, address: str):
    web_server.serve_html("/", "the public page")
    internet.name("rebinding.example", [PUBLIC_V4], [address])
    internet.lead(PUBLIC_V4, web_server.port)
    async with EgressGuard() as guard:
        assert await ask(guard, "http://rebinding.example/") == (200, "the public page")
        assert (await ask(guard, "http://rebinding.example/"))[0] == 403
        assert internet.connections_made_by(guard) == [(PUBLIC_V4, 80)]


@pytest.mark.parametrize(
    "target", ["http://10.0.0.1/", "http://[::1]/", "http://2852039166/", "http://inside.example/"]
)
async def test_a_public_host_cannot_redirect_to_a_private_one(web_server, internet, target: str):
    web_server.serve_redirect("/", target)
    internet.name("site.example", [PUBLIC_V4])
    internet.name("inside.example", ["192.168.0.1"])
    internet.lead(PUBLIC_V4, web_server.port)
    async with EgressGuard() as guard:
        assert (await ask(guard, "http://site.example/"))[0] == 403
        assert internet.connections_made_by(guard) == [(PUBLIC_V4, 80)]


async def test_of_a_hosts_addresses_only_the_public_ones_are_tried_in_their_order(web_server, internet):
    web_server.serve_html("/", "page")
    internet.name("site.example", ["10.0.0.1", OTHER_V4, "::1", OTHER_V4, PUBLIC_V4, PUBLIC_V6])
    internet.lead(PUBLIC_V4, web_server.port)
    async with EgressGuard() as guard:
        assert await ask(guard, "http://site.example/") == (200, "page")
        assert internet.connections_made_by(guard) == [(OTHER_V4, 80), (PUBLIC_V4, 80)]
        assert guard.refusals == []
        assert guard.unreachable == []


async def test_four_addresses_of_a_host_are_tried(web_server, internet):
    web_server.serve_html("/", "page")
    internet.lead("8.8.8.4", web_server.port)
    internet.name("fourth.example", [f"8.8.8.{number}" for number in range(1, 5)])
    internet.name("fifth.example", [f"8.8.8.{number}" for number in range(4, 9)][::-1])
    async with EgressGuard() as guard:
        assert await ask(guard, "http://fourth.example/") == (200, "page")
        assert (await ask(guard, "http://fifth.example/"))[0] == 502
        assert [address for address, _ in internet.connections_made_by(guard)][4:] == [
            f"8.8.8.{n}" for n in (8, 7, 6, 5)
        ]
        reason = "cannot be reached (Network is unreachable)"
        assert guard.unreachable == [Unreachable("fifth.example", exists=True, reason=reason)]


@pytest.mark.parametrize(
    ("error", "exists", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "no such name"), False, "does not exist"),
        (socket.gaierror(socket.EAI_FAIL, "not for you"), False, "could not be looked up"),
        (socket.gaierror(socket.EAI_AGAIN, "ask again"), True, "could not be looked up"),
        (OSError(socket.EAI_NONAME, "not the resolver's number"), True, "could not be looked up"),
    ],
)
async def test_a_name_without_an_address_differs_from_one_that_may_have_one_later(say, internet, error, exists, reason):
    internet.name("missing.example", error)
    async with EgressGuard() as guard:
        answer = await say(guard, "GET http://missing.example/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 502 Unknown host\r\n")
        assert guard.unreachable == [Unreachable("missing.example", exists=exists, reason=reason)]


async def test_a_host_that_cannot_be_a_name_does_not_exist(say):
    name = "a" * 64 + ".example"
    async with EgressGuard() as guard:
        answer = await say(guard, f"GET http://{name}/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 502 Unknown host\r\n")
        assert guard.unreachable == [Unreachable(name, exists=False, reason="does not exist")]


async def test_a_resolver_that_does_not_answer_is_not_waited_for(say, internet):
    internet.name("slow.example")
    async with EgressGuard(limits=TimeLimits(resolve=0.01)) as guard:
        answer = await say(guard, "GET http://slow.example/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 502 Unknown host\r\n")
        assert guard.unreachable == [Unreachable("slow.example", exists=True, reason="could not be looked up")]


async def test_an_address_that_does_not_answer_is_not_waited_for(say, internet):
    internet.silence(PUBLIC_V4)
    async with EgressGuard(limits=TimeLimits(connect=0.01)) as guard:
        answer = await say(guard, f"GET http://{PUBLIC_V4}/ HTTP/1.1\r\nHost: x\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 502 Unreachable host\r\n")
        assert guard.unreachable == [Unreachable(PUBLIC_V4, exists=True, reason="cannot be reached (no answer)")]


async def test_an_exempt_network_is_reached_on_any_port_and_no_other_is(raw_server, say, internet):
    raw_server.answer = b"HTTP/1.1 204 No Content\r\n\r\n"
    internet.lead("10.1.2.3", raw_server.port)
    async with EgressGuard((ip_network("10.1.0.0/16"),)) as guard:
        for port in (25, 80, 8080):
            answer = await say(guard, f"GET http://10.1.2.3:{port}/ HTTP/1.1\r\nHost: x\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 204 ")
        assert (await say(guard, "GET http://10.2.0.1/ HTTP/1.1\r\nHost: x\r\n\r\n")).startswith(b"HTTP/1.1 403 ")
        assert internet.connections_made_by(guard) == [("10.1.2.3", port) for port in (25, 80, 8080)]


async def test_a_refusal_is_remembered_counted_and_logged(say, internet):
    internet.name("inside.example", ["10.0.0.7", "127.0.0.1"])
    before = REGISTRY.get_sample_value("clipmill_egress_refusals_total", {"kind": "private"}) or 0
    with capture_logs() as logs:
        async with EgressGuard() as guard:
            await say(guard, "CONNECT inside.example:443 HTTP/1.1\r\nHost: x\r\n\r\n")
            assert guard.refusals == [Refusal("inside.example", 443, "private", "10.0.0.7")]
    assert REGISTRY.get_sample_value("clipmill_egress_refusals_total", {"kind": "private"}) == before + 1
    expected = {"host": "inside.example", "port": 443, "kind": "private", "address": "10.0.0.7"}
    assert [{**line, "log_level": "warning"} for line in logs if line["event"] == "egress_refused"] == [
        {"event": "egress_refused", "log_level": "warning", **expected}
    ]


def test_a_host_without_any_address_is_refused():
    assert admit("site.example", 443, [], []) == Refusal("site.example", 443, "unspecified", "")


def test_the_kind_of_an_address_counts_more_than_the_port():
    assert admit("inside", 25, [ip_address("10.0.0.1")], []) == Refusal("inside", 25, "private", "10.0.0.1")


async def test_two_clients_are_served_at_once(say, internet, web_server):
    web_server.serve_html("/", "page")
    internet.lead(PUBLIC_V4, web_server.port)
    internet.silence(OTHER_V4)
    async with EgressGuard() as guard:
        waiting = asyncio.create_task(say(guard, f"GET http://{OTHER_V4}/ HTTP/1.1\r\nHost: x\r\n\r\n"))
        assert await ask(guard, f"http://{PUBLIC_V4}/") == (200, "page")
        assert not waiting.done()
        assert len(guard._connections) > 0
    assert len(guard._connections) == 0
    assert await waiting == b""


def test_a_guard_listens_only_within_its_context():
    with pytest.raises(RuntimeError, match="context"):
        EgressGuard().url  # noqa: B018 - the access is under test
