"""A gateway on a real port, and clients that send bytes: a well-behaved library would correct what these tests send."""

import sys
from pathlib import Path

import pytest
from clipmill.operations.health import Health
from clipmill.operations.listening import open_port
from structlog.testing import capture_logs

sys.path.insert(0, str(Path(__file__).parent))

from exchanges import exchange


@pytest.fixture
async def port(gateway):
    """Yield the port of the gateway, as a service opens it."""
    app = gateway.client.server.app
    async with open_port("127.0.0.1", 0, Health().application()) as opened, opened.answering(app, 1.0):
        yield opened


@pytest.fixture
def logged():
    """Yield the entries of the log; a test reads them to see that no error was met."""
    with capture_logs() as entries:
        yield entries


@pytest.fixture
def send(port):
    """Return a function that sends bytes and returns the answer."""

    async def to_gateway(data):
        return await exchange(port.number, data)

    return to_gateway
