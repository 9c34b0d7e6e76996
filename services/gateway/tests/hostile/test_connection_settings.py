"""The settings of the gateway's connections, in the gateway's own process."""

import asyncio
import os
import sys

import pytest
from clipmill.gateway.settings import GatewaySettings
from clipmill.operations.settings import SettingsError

LIMIT = 66
MORE = 4
HALF_HEAD = b"GET /health/live HTTP/1.1\r\nHos"


def test_a_trusted_proxy_that_is_no_network_stops_the_start():
    settings = GatewaySettings(trusted_proxies=("10.1.0.7", "the proxy"))
    with pytest.raises(SettingsError, match="CLIPMILL_GATEWAY_TRUSTED_PROXIES has 'the proxy'"):
        settings.check()


@pytest.mark.slow
async def test_a_gateway_bounds_its_connections_by_its_settings(tmp_path):
    environ = os.environ | {
        "CLIPMILL_GATEWAY_PORT": "0",
        "CLIPMILL_GATEWAY_MAX_CONNECTIONS": str(LIMIT),
        "CLIPMILL_GATEWAY_TRUSTED_PROXIES": "10.0.0.1, 127.0.0.0/8",  # so that this address has no bound of its own
        "CLIPMILL_STORE_URL": tmp_path.as_uri(),
        "CLIPMILL_NATS_URL": "nats://127.0.0.1:1",
        "CLIPMILL_LOG_FORMAT": "json",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "clipmill.gateway", "run", env=environ, stderr=asyncio.subprocess.PIPE
    )
    try:
        async with asyncio.timeout(60):
            while b"port_opened" not in (line := await process.stderr.readline()):
                assert line
            number = int(line.partition(b'"port":')[2].partition(b",")[0].rstrip(b"}\n"))
            clients = []
            for _ in range(LIMIT + MORE):
                reader, writer = await asyncio.open_connection("127.0.0.1", number)
                writer.write(HALF_HEAD)
                clients.append((reader, writer))
            assert [await reader.read() for reader, _ in clients[:MORE]] == [b""] * MORE
            reader, writer = clients[-1]
            writer.write(b"t: here\r\nConnection: close\r\n\r\n")
            assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
            assert not any(reader.at_eof() for reader, _ in clients[MORE:-1])
            for _, writer in clients:
                writer.close()
    finally:
        process.kill()
        await process.wait()
