"""Health and metrics over real HTTP."""

import aiohttp
import pytest
from aiohttp import web
from clipmill.operations import metrics
from clipmill.operations.health import Health, bound_port


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_service_is_alive_whatever_its_checks_say(http):
    health = Health()
    health.register("nats", lambda: False)
    async with health.serve("127.0.0.1", 0) as port, http.get(f"http://127.0.0.1:{port}/health/live") as answer:
        assert answer.status == 200
        assert await answer.json() == {"status": "live"}


async def test_readiness_names_each_check_and_follows_it(http):
    health = Health()
    health.register("store", lambda: True)
    nats = health.flag("nats")
    async with health.serve("127.0.0.1", 0) as port:
        url = f"http://127.0.0.1:{port}/health/ready"
        async with http.get(url) as answer:
            assert answer.status == 503
            assert await answer.json() == {"status": "not ready", "checks": {"store": True, "nats": False}}
        nats.set()
        async with http.get(url) as answer:
            assert answer.status == 200
            assert await answer.json() == {"status": "ready", "checks": {"store": True, "nats": True}}
        nats.set(False)
        assert not health.ready


async def test_metrics_are_served_in_prometheus_format(http):
    metrics.started("paint")
    metrics.fallback("water_colour")
    async with Health().serve("127.0.0.1", 0) as port, http.get(f"http://127.0.0.1:{port}/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        text = await answer.text()
    assert 'clipmill_fallbacks_total{kind="water_colour"} 1.0' in text
    assert 'clipmill_build_info{python="3.' in text
    assert 'clipmill_process_started_seconds{service="paint"}' in text


async def test_another_application_can_answer_the_same_routes(http):
    application = web.Application()
    Health().add_routes(application)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    for path in ("/health/live", "/health/ready", "/metrics"):
        async with http.get(f"http://127.0.0.1:{bound_port(runner)}{path}") as answer:
            assert answer.status == 200
    await runner.cleanup()


async def test_a_port_that_is_taken_stops_the_start():
    async with Health().serve("127.0.0.1", 0) as port:
        with pytest.raises(OSError, match="address already in use"):
            async with Health().serve("127.0.0.1", port):
                pass


async def test_the_port_is_free_again_afterwards(http):
    async with Health().serve("127.0.0.1", 0) as port:
        pass
    with pytest.raises(aiohttp.ClientConnectorError):
        await http.get(f"http://127.0.0.1:{port}/health/live")
