"""Whatever bytes a stranger sends, the gateway answers with a status that is documented, and goes on.

`CLIPMILL_RAW_REQUESTS` is the number of requests, and `CLIPMILL_RAW_SEED` what they are drawn from.
"""

import asyncio
import os
from collections import Counter

import pytest
from clipmill.artifacts import layout
from clipmill.artifacts.documents import save_once
from clipmill.contracts.events import ClipRendered, ClipsPlanned, Started
from exchanges import parse, request
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from raw_requests import requests
from reserves import plan_of

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::aiohttp.BadContentDisposition{part}") for part in ("Header", "Param")
]

NUMBER = int(os.environ.get("CLIPMILL_RAW_REQUESTS", "300"))
SEED = int(os.environ.get("CLIPMILL_RAW_SEED", "14"))
DOCUMENTED = {200, 202, 206, 304, 400, 404, 405, 409, 413, 416, 417, 422}
PATIENCE = 0.5
"""Seconds after which a request that may be incomplete is given up; a whole one has as long as it needs."""


@pytest.fixture
async def jobs(submit, published, store, clip_of):
    """Return the ids of a queued job and of one with a clip and a reserve."""
    queued, done = await submit(), await submit()
    await store.put_bytes(layout.clip(done, 1), b"0123456789")
    await save_once(store, layout.plan(done), plan_of())
    await published(
        Started(job=done),
        ClipsPlanned(job=done, count=1, reserve=3),
        ClipRendered(job=done, clip=1, public=clip_of(done, 1)),
    )
    return [queued.encode(), done.encode()]


@pytest.fixture
def exchange(port):
    """Return a function that sends a request and returns the answer; status 0 stands for none."""

    async def send(drawn):
        reader, writer = await asyncio.open_connection("127.0.0.1", port.number)
        reading = asyncio.ensure_future(reader.read())
        try:
            writer.write(drawn.data)
            await asyncio.wait({reading}, timeout=60 if drawn.whole else PATIENCE)
            if not reading.done():
                writer.write_eof()
            return parse(await reading)
        except ConnectionError:
            return parse(b"")
        finally:
            reading.cancel()
            writer.close()

    return send


@pytest.mark.slow
@pytest.mark.timeout(60 + NUMBER)
async def test_every_raw_request_gets_a_documented_status_and_the_gateway_goes_on(
    port, jobs, exchange, send, logged, caplog
):
    statuses = []

    @seed(SEED)
    @settings(max_examples=NUMBER, database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def draw(data):
        drawn.append(data.draw(requests(jobs)))

    async def check(each):
        logged.clear()
        caplog.clear()
        answer = await exchange(each)
        statuses.append(answer.status)
        assert answer.status in DOCUMENTED or not (answer.status or each.whole), (each, answer)
        if answer.status >= 400 and not each.head:
            assert answer.headers["content-type"].startswith("application/json") or answer.status == 417, answer
        wrong = [entry for entry in logged if entry["log_level"] not in ("info", "debug")]
        assert not wrong, (each, wrong)
        assert not caplog.records, (each, caplog.text)

    drawn = []
    draw()
    for each in drawn:
        await check(each)
    assert (await send(request(b"GET", b"/health/live"))).status == 200
    assert len(statuses) >= NUMBER
    print(Counter(statuses))  # noqa: T201 - how deep the requests get
    assert {200, 400, 404, 405} <= set(statuses)
    async with asyncio.timeout(60):
        while port.connections.answering or port.connections.idle or len(port.connections.bodies):
            await asyncio.sleep(0.01)
