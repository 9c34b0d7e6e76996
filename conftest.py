"""Fixtures for every test of the project: a real NATS server, and the development corpus where it is."""

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from clipmill.messaging import connection, topology
from nats.aio.client import Client

ROOT = Path(__file__).parent
START_SECONDS = 10.0
SERVER_CONFIG = 'jetstream {{ store_dir: "{store}", sync_interval: always }}\n'


class NatsServer:
    """A nats-server of our own on a free port, with JetStream in a folder; it can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port = -1
        self.start()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    def start(self) -> None:
        config = self._folder / "nats.conf"
        config.write_text(SERVER_CONFIG.format(store=self._folder / "jetstream"))
        program = Path(sys.executable).parent / "nats-server"
        arguments = [program, "-c", config, "-a", "127.0.0.1", "-p", str(self._port)]
        with (self._folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*arguments, "--ports_file_dir", self._folder], stdout=log, stderr=subprocess.STDOUT
            )
        ports = self._folder / f"nats-server_{self._process.pid}.ports"
        until = time.monotonic() + START_SECONDS
        while not ports.exists() or not ports.read_text().rstrip().endswith("}"):
            assert time.monotonic() < until, (self._folder / "nats.log").read_text()
            time.sleep(0.01)
        self._port = int(json.loads(ports.read_text())["nats"][0].rsplit(":", 1)[1])

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@pytest.fixture
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server for this test alone, without streams."""
    server = NatsServer(tmp_path_factory.mktemp("nats"))
    yield server
    server.kill()


@pytest.fixture
async def nc(nats_server: NatsServer) -> AsyncIterator[Client]:
    """A connection to a server with clipmill's topology, its ack wait short enough to be waited for."""
    client = await connection.connect(nats_server.url, "test", patience=START_SECONDS)
    await topology.apply(client, ack_wait=1.0)
    yield client
    await connection.close(client)


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of development videos with ground truth, which a clone of the project alone does not have."""
    folder = Path(os.environ.get("CLIPMILL_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not folder.is_dir():
        pytest.skip("the development corpus is not here: set CLIPMILL_CORPUS to its folder")
    return folder
