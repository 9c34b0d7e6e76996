"""A crowd of half-sent requests against a process with 1,024 descriptors, the usual limit."""

import asyncio
import resource
import sys
import time
from pathlib import Path

import pytest
from clipmill.operations.connections import ConnectionLimits, raise_descriptor_limit

pytestmark = pytest.mark.slow

DESCRIPTORS = 1024
CROWD = 1100
ANSWER_SECONDS = 1.0
PROBE = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
BY_ADDRESS = ConnectionLimits().by_address


@pytest.fixture
async def number():
    """Yield the port of a process with few descriptors."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * CROWD:
        pytest.skip(f"the test needs {2 * CROWD} descriptors of its own")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2 * CROWD), hard))
    script = Path(__file__).parent / "small_port.py"
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(script), str(DESCRIPTORS), stdout=asyncio.subprocess.PIPE
    )
    yield int(await process.stdout.readline())
    process.kill()
    await process.wait()


async def probe(number):
    """Return the status of a probe and the seconds until it came."""
    begun = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", number)
    writer.write(PROBE)
    answer = await reader.read()
    writer.close()
    return answer[9:12], time.monotonic() - begun


@pytest.mark.parametrize(
    "half",
    [
        b"",
        b"GET / HTTP/1.1\r\nHos",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunk"],
)
async def test_a_probe_is_answered_within_a_second_while_1100_requests_are_half_sent(number, half):
    held = []
    for _ in range(CROWD):
        reader, writer = await asyncio.open_connection("127.0.0.1", number)
        writer.write(half)
        held.append((reader, writer))
    for _ in range(3):
        status, seconds = await probe(number)
        assert status == b"200"
        assert seconds < ANSWER_SECONDS
    ended = [asyncio.ensure_future(reader.read()) for reader, _ in held]
    while sum(task.done() for task in ended) < CROWD - BY_ADDRESS:
        await asyncio.sleep(0.05)
    assert (await probe(number))[0] == b"200"
    for task, (_, writer) in zip(ended, held, strict=True):
        task.cancel()
        writer.close()
    await asyncio.gather(*ended, return_exceptions=True)


def test_the_descriptor_limit_becomes_the_hard_one():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, before[1]), before[1]))
        assert raise_descriptor_limit() == before[1]
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
