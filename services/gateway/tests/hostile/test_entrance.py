"""The names by which the gateway may be called, and the pages that may call it."""

import socket

import pytest
from aiohttp import web
from clipmill.gateway.api.answers import failures
from clipmill.gateway.entrance import Entrance
from clipmill.gateway.settings import GatewaySettings
from clipmill.operations.health import Health
from clipmill.operations.listening import open_port
from clipmill.operations.settings import CommonSettings, SettingsError
from exchanges import exchange

PUBLIC = "https://clips.example.com"


@pytest.fixture
def ask():
    """Return a function that sends a request with the given headers through an entrance."""

    async def send(entrance, *headers, method=b"GET", path=b"/", version=b"1.1"):
        async def answer(_request):
            return web.json_response({})

        application = web.Application(middlewares=[failures])
        entrance.add_to(application)
        application.router.add_route("GET", "/", answer)
        application.router.add_route("POST", "/", answer)
        application.router.add_route("DELETE", "/", answer)
        Health().add_routes(application)
        head = [b"%b %b HTTP/%b" % (method, path, version), b"Connection: close", *headers]
        async with open_port("127.0.0.1", 0, application) as port:
            return await exchange(port.number, b"\r\n".join([*head, b"", b""]))

    return send


@pytest.mark.parametrize(
    ("bound", "accepted", "foreign"),
    [
        (
            "127.0.0.1",
            "localhost localhost:8000 LOCALHOST. app.localhost 127.0.0.1:8000 127.0.0.2 [::1]:8000 [::1]",
            "evil.example 192.168.1.7 localhost.evil.example 127.0.0.1.evil.example evil.localhost.example [::2] "
            "user@localhost localhost:x localhost:80:80 a/localhost 0.0.0.0",
        ),
        ("localhost", "localhost 127.0.0.1", "evil.example 192.168.1.7"),
        ("192.168.1.7", "192.168.1.7:8000 localhost 127.0.0.1", "192.168.1.8 evil.example"),
        ("0.0.0.0", "192.168.1.7:8000 10.0.0.4 localhost [fd00::1]:8000", "evil.example gateway 1.2.3.4.evil.example"),
        ("::", "192.168.1.7:8000 [fd00::1]", "evil.example"),
    ],
)
async def test_the_gateway_answers_under_its_own_names_only(ask, bound, accepted, foreign):
    for host in accepted.split():
        answer = await ask(Entrance(bound), b"Host: " + host.encode())
        assert answer.status == 200, (host, answer)
    for host in foreign.split():
        answer = await ask(Entrance(bound), b"Host: " + host.encode())
        assert (answer.status, answer.problem["code"]) == (421, "foreign_host"), (host, answer)
        assert "CLIPMILL_GATEWAY_HOSTS" in answer.problem["detail"]


async def test_a_machine_that_listens_everywhere_answers_under_its_name(ask):
    name = socket.gethostname().encode()
    assert (await ask(Entrance("0.0.0.0"), b"Host: %b:8000" % name)).status == 200
    assert (await ask(Entrance("0.0.0.0"), b"Host: %b.local:8000" % name)).status == 200


async def test_further_names_are_accepted_as_they_are_set(ask):
    entrance = Entrance(hosts=("gateway", ".svc.cluster.local"), public_url=PUBLIC)
    for host in (b"gateway:80", b"gateway.clipmill.svc.cluster.local", b"clips.example.com", b"Clips.Example.Com:443"):
        assert (await ask(entrance, b"Host: " + host)).status == 200, host
    for host in (b"gateway.evil.example", b"svc.cluster.local", b"evilclips.example.com"):
        assert (await ask(entrance, b"Host: " + host)).status == 421, host
    assert (await ask(Entrance(hosts=("*",)), b"Host: evil.example")).status == 200


async def test_probes_and_metrics_are_answered_under_any_name(ask):
    for path in (b"/health/live", b"/health/ready", b"/metrics"):
        assert (await ask(Entrance(), b"Host: evil.example", path=path)).status == 200, path


async def test_a_request_needs_one_host_unless_it_is_too_old_to_know_it(ask):
    assert (await ask(Entrance())).status == 400
    assert (await ask(Entrance(), b"Host: evil.example", b"Host: localhost")).status == 400
    assert (await ask(Entrance(), version=b"1.0")).status == 200


HERE = b"Host: localhost:8000"


@pytest.mark.parametrize("method", [b"POST", b"DELETE"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 200),
        ([b"Origin: http://localhost:8000"], 200),
        ([b"Origin: https://localhost:8000"], 200),
        ([b"Origin: http://localhost:8000", b"Sec-Fetch-Site: same-origin"], 200),
        ([b"Sec-Fetch-Site: none"], 200),
        ([b"Origin: " + PUBLIC.encode()], 200),
        ([b"Origin: http://localhost:3000"], 403),
        ([b"Origin: http://localhost:3000", b"Sec-Fetch-Site: same-site"], 403),
        ([b"Origin: http://evil.example", b"Sec-Fetch-Site: cross-site"], 403),
        ([b"Origin: http://evil.example"], 403),
        ([b"Origin: null"], 403),
        ([b"Origin: localhost:8000"], 403),
        ([b"Origin: "], 403),
        ([b"Sec-Fetch-Site: cross-site"], 403),
        ([b"Sec-Fetch-Site: same-site"], 403),
    ],
)
async def test_only_programs_and_its_own_pages_change_anything(ask, method, headers, status):
    answer = await ask(Entrance(public_url=PUBLIC + "/"), HERE, *headers, method=method)
    assert answer.status == status, answer
    if status == 403:
        assert answer.problem["code"] == "cross_site"


async def test_a_foreign_page_may_open_a_link_but_not_read_the_answer(ask):
    answer = await ask(Entrance(), HERE, b"Origin: http://evil.example", b"Sec-Fetch-Site: cross-site")
    assert answer.status == 200
    assert not any(name.startswith("access-control") for name in answer.headers)


ORIGIN = b"Origin: https://app.example.com"
PREFLIGHT = (ORIGIN, b"Access-Control-Request-Method: DELETE", b"Access-Control-Request-Headers: x-api-key, range")


async def test_a_permitted_page_may_read_and_change(ask):
    entrance = Entrance(cors_origins=("https://app.example.com",))
    asked = await ask(entrance, HERE, *PREFLIGHT, method=b"OPTIONS")
    assert asked.status == 204
    assert asked.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "delete" in asked.headers["access-control-allow-methods"]
    assert asked.headers["access-control-allow-headers"] == "x-api-key, range"
    for method in (b"GET", b"POST", b"PUT"):
        answer = await ask(entrance, HERE, ORIGIN, b"Sec-Fetch-Site: cross-site", method=method)
        assert answer.status == (405 if method == b"PUT" else 200)
        assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
        assert answer.headers["vary"] == "origin"


async def test_another_page_is_not_permitted_with_it(ask):
    entrance = Entrance(cors_origins=("https://app.example.com",))
    for origin in (b"Origin: https://evil.example", b"Origin: http://app.example.com"):
        answer = await ask(entrance, HERE, origin, *PREFLIGHT[1:], method=b"OPTIONS")
        assert answer.status == 405
        answer = await ask(entrance, HERE, origin)
        assert "access-control-allow-origin" not in answer.headers
        assert (await ask(entrance, HERE, origin, method=b"POST")).status == 403


async def test_the_gateway_itself_stands_behind_its_entrance(send):
    foreign = b"POST /api/process HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
    assert (await send(foreign)).status == 421
    form = foreign.replace(b"evil.example", b"localhost\r\nOrigin: http://evil.example")
    assert (await send(form)).status == 403


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("public_url", "clips.example.com"),
        ("public_url", "https://clips.example.com/path"),
        ("public_url", "https://user:password@clips.example.com"),
        ("hosts", ("https://clips.example.com",)),
        ("hosts", ("clips.example.com:8000",)),
        ("cors_origins", ("app.example.com",)),
        ("cors_origins", ("https://app.example.com/",)),
    ],
)
def test_a_setting_that_is_no_name_stops_the_start(setting, value):
    with pytest.raises(SettingsError, match=f"CLIPMILL_GATEWAY_{setting.upper()} "):
        GatewaySettings(**{setting: value}).check()


async def test_the_settings_make_the_entrance(ask):
    settings = GatewaySettings(
        common=CommonSettings(host="0.0.0.0"),
        public_url=PUBLIC,
        hosts=("gateway", "fd00::7"),
        cors_origins=("https://app.example.com",),
    )
    settings.check()
    for host in (b"192.168.1.7", b"gateway", b"clips.example.com"):
        assert (await ask(settings.entrance(), b"Host: " + host, ORIGIN, method=b"POST")).status == 200, host
