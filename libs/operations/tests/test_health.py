"""Health and metrics over real HTTP."""

from contextlib import asynccontextmanager

import aiohttp
import pytest
from clipmill.operations import metrics
from clipmill.operations.health import Health
from clipmill.operations.listening import open_port


@asynccontextmanager
async def served(health):
    async with open_port("127.0.0.1", 0, health.application()) as port:
        yield f"http://127.0.0.1:{port.number}"


@pytest.fixture
async def http():
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_service_is_alive_whatever_its_checks_say(http):
    health = Health()
    health.register("nats", lambda: False)
    async with served(health) as url, http.get(f"{url}/health/live") as answer:
        assert answer.status == 200
        assert await answer.json() == {"status": "live"}


async def test_readiness_names_each_check_and_follows_it(http):
    health = Health()
    health.register("store", lambda: True)
    nats = health.flag("nats")
    async with served(health) as url:
        async with http.get(f"{url}/health/ready") as answer:
            assert answer.status == 503
            assert await answer.json() == {"status": "not ready", "checks": {"store": True, "nats": False}}
        nats.set()
        async with http.get(f"{url}/health/ready") as answer:
            assert answer.status == 200
            assert await answer.json() == {"status": "ready", "checks": {"store": True, "nats": True}}
        nats.set(False)
        assert not health.ready


async def test_metrics_are_served_in_prometheus_format(http):
    metrics.started("paint")
    metrics.fallback("water_colour")
    async with served(Health()) as url, http.get(f"{url}/metrics") as answer:
        assert answer.status == 200
        assert answer.content_type == "text/plain"
        text = await answer.text()
    assert 'clipmill_fallbacks_total{kind="water_colour"} 1.0' in text
    assert 'clipmill_build_info{python="3.' in text
    assert 'clipmill_process_started_seconds{service="paint"}' in text
