"""Fixtures for every test of the project: real NATS servers, and the development corpus if there is one.

The suites that use NATS run on one server, or on three:

    CLIPMILL_TEST_NATS_NODES=3                                  three servers, three copies of everything
    CLIPMILL_TEST_NATS_NODES=3 CLIPMILL_TEST_NATS_KILLED=once   three servers, one of them killed before the first test
    CLIPMILL_TEST_NATS_NODES=3 CLIPMILL_TEST_NATS_KILLED=each   three servers, EVENTS' leader killed before each test
"""

import asyncio
import functools
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import NoReturn

import av
import pytest
from clipmill.cli.local.ports import free_ports
from clipmill.messaging import connection, topology
from hypothesis import HealthCheck, settings
from nats.aio.client import Client

ROOT = Path(__file__).parent
NODES = int(os.environ.get("CLIPMILL_TEST_NATS_NODES", "1"))
KILLED = os.environ.get("CLIPMILL_TEST_NATS_KILLED", "")

START_SECONDS = 60.0
ELECTION_SECONDS = 60.0
"""A leader that is killed is replaced within 10 s; the machine may be busy."""

ALONE, ONE_DEAD = "one server", "one of three dead"

SERVER_CONFIG = 'jetstream {{ store_dir: "{store}" }}\n'
"""The server does not sync each write to the disk, as the product's does: tests kill servers, which loses nothing that
was written, but never the machine, and a slow disk is no reason for a test to fail."""

CLUSTER_CONFIG = (
    'server_name: "node-{number}"\ncluster {{ name: test, listen: "127.0.0.1:{port}", routes: [{routes}] }}\n'
)


# A busy machine is no reason for a property to fail. In CI the examples are the same each time.
settings.register_profile(
    "clipmill",
    deadline=None,
    derandomize="CI" in os.environ,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("clipmill")


class NatsServer:
    """A nats-server on a free port, with JetStream in a folder; it can be killed and started again."""

    replicas = 1

    def __init__(self, folder: Path, cluster: str = "") -> None:
        self._folder = folder
        self._cluster = cluster
        self._process: subprocess.Popen[bytes] | None = None
        self._port = -1
        self._monitoring = ""
        self.launch()
        self.wait_for_ports()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    @property
    def alive(self) -> bool:
        return self._process is not None

    @property
    def whole(self) -> bool:
        return self.alive

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        self.launch()
        self.wait_for_ports()

    def launch(self) -> None:
        config = self._folder / "nats.conf"
        config.write_text(SERVER_CONFIG.format(store=self._folder / "jetstream") + self._cluster)
        program = Path(sys.executable).parent / "nats-server"
        arguments = [program, "-c", config, "-a", "127.0.0.1", "-p", str(self._port), "-m", "-1"]
        with (self._folder / "nats.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*arguments, "--ports_file_dir", self._folder], stdout=log, stderr=subprocess.STDOUT
            )

    def wait_for_ports(self) -> None:
        ports = self._folder / f"nats-server_{self.pid}.ports"
        until = time.monotonic() + START_SECONDS
        while not ports.exists() or not ports.read_text().rstrip().endswith("}"):
            assert time.monotonic() < until, (self._folder / "nats.log").read_text()
            time.sleep(0.01)
        found = json.loads(ports.read_text())
        self._port = int(found["nats"][0].rsplit(":", 1)[1])
        self._monitoring = found["monitoring"][0]

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._process = None

    def monitored(self, path: str) -> dict[str, object] | None:
        """Return the answer of the server's monitoring, None while the server is not healthy."""
        try:
            with urllib.request.urlopen(f"{self._monitoring}{path}", timeout=2) as answer:
                return json.load(answer)
        except (urllib.error.URLError, TimeoutError):
            return None


class NatsCluster:
    """Three nats-servers that hold three copies of everything; a test may use them as if they were one server."""

    replicas = 3

    def __init__(self, folder: Path) -> None:
        ports = free_ports(self.replicas)
        routes = ", ".join(f'"nats-route://127.0.0.1:{port}"' for port in ports)
        self.nodes: list[NatsServer] = []
        self._down: int | None = None
        for number, port in enumerate(ports):
            node_folder = folder / f"node-{number}"
            node_folder.mkdir()
            cluster = CLUSTER_CONFIG.format(number=number, port=port, routes=routes)
            self.nodes.append(NatsServer(node_folder, cluster))
        self.wait_for_leader()

    @property
    def url(self) -> str:
        return ",".join(node.url for node in self.nodes)

    @property
    def whole(self) -> bool:
        """Return whether all servers run; three copies need all of them."""
        return all(node.alive for node in self.nodes)

    def kill(self) -> None:
        """Kill every server that runs."""
        for node in self.nodes:
            if node.alive:
                node.kill()

    def start(self) -> None:
        """Start all servers again except the one that the test runs without."""
        for number, node in enumerate(self.nodes):
            if not node.alive and number != self._down:
                node.start()

    def lose(self, number: int) -> None:
        """Kill one server and leave it dead until `restore`."""
        self.nodes[number].kill()
        self._down = number

    def restore(self) -> None:
        """Start the dead servers, and wait until every copy equals its leader's."""
        self._down = None
        self.start()
        _wait(lambda: all(node.monitored("/healthz") is not None for node in self.nodes))

    def wait_for_leader(self) -> None:
        """Wait until one of the running servers leads and can make streams."""
        _wait(lambda: any(node.alive and f"node-{n}" == self._meta_leader() for n, node in enumerate(self.nodes)))

    def leader_of(self, stream: str) -> int:
        """Return the number of the server that leads a stream, waiting until one does."""
        found: list[int] = []

        def known() -> bool:
            leader = self._leader(stream)
            if leader is not None and self.nodes[leader].alive:
                found.append(leader)
            return bool(found)

        _wait(known)
        return found[0]

    def _meta_leader(self) -> str | None:
        for node in self.nodes:
            if node.alive and (report := node.monitored("/jsz")):
                return report.get("meta_cluster", {}).get("leader")
        return None

    def _leader(self, stream: str) -> int | None:
        for node in self.nodes:
            report = node.monitored("/jsz?streams=true") if node.alive else None
            for account in (report or {}).get("account_details", ()):
                for detail in account.get("stream_detail", ()):
                    leader = detail.get("cluster", {}).get("leader")
                    if detail["name"] == stream and leader:
                        return int(leader.rpartition("-")[2])
        return None


def _wait(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + ELECTION_SECONDS
    while not condition():
        assert time.monotonic() < until, "the servers did not agree on a leader"
        time.sleep(0.05)


async def _empty(cluster: NatsCluster) -> None:
    """Apply the topology and empty it: elections would make a cluster for each test too slow."""
    client = await connection.connect(cluster.url, "test-cleaning", patience=START_SECONDS)
    names = [stream.name for stream in topology.STREAMS] + [f"KV_{bucket.name}" for bucket in topology.BUCKETS]
    js = client.jetstream()
    try:
        await topology.apply(client, cluster.replicas)
        for name in names:
            await connection.retry_until(functools.partial(js.purge_stream, name))
    finally:
        await connection.close(client)


@pytest.fixture(scope="session")
def shared_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    """Run three servers for the whole session, for the tests that `nats_server` gives them to."""
    cluster = NatsCluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.kill()


@pytest.fixture
def nats_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    """Run three servers for this test alone, without streams."""
    cluster = NatsCluster(tmp_path_factory.mktemp("cluster"))
    yield cluster
    cluster.kill()


@pytest.fixture
def nats_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[NatsServer | NatsCluster]:
    """Run a nats-server for this test alone, without streams; or empty the session's cluster."""
    one_dead = getattr(request, "param", ALONE) == ONE_DEAD
    if NODES == 1 and not one_dead:
        server = NatsServer(tmp_path_factory.mktemp("nats"))
        yield server
        if server.alive:
            server.kill()
        return
    cluster: NatsCluster = request.getfixturevalue("shared_cluster")
    monkeypatch.setenv("CLIPMILL_NATS_REPLICAS", str(cluster.replicas))
    cluster.start()
    if KILLED == "each":
        cluster.restore()
    cluster.wait_for_leader()
    asyncio.run(_empty(cluster))
    if KILLED == "each" or ((KILLED == "once" or one_dead) and cluster.whole):
        cluster.lose(cluster.leader_of(topology.EVENTS))
    yield cluster


@pytest.fixture
async def nc(nats_server: NatsServer | NatsCluster) -> AsyncIterator[Client]:
    """Yield a connection to a server with clipmill's topology and an ack wait of one second."""
    client = await connection.connect(nats_server.url, "test", patience=START_SECONDS)
    try:
        await topology.apply(client, nats_server.replicas, ack_wait=1.0)
        yield client
    finally:
        await connection.close(client)


KINDS = {"server", "media", "slow"}
"""The marks that keep a test out of `make quick`."""

SERVERS = {"nats_server", "nats_cluster", "s3_endpoint", "up", "start_up"}
"""Fixtures that run servers; the tests that use them get the mark `server`."""

_unmarked: set[str] = set()
"""The running test, if it may neither open media nor start a process."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run tests with the mark `cluster` on one server, and again on three of which one is dead."""
    marked = metafunc.definition.get_closest_marker("cluster") and "nats_server" in metafunc.fixturenames
    if marked and NODES == 1:
        metafunc.parametrize("nats_server", [ALONE, ONE_DEAD], indirect=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that use a server, and run slow files first, so that no process works on one at the end."""
    files: dict[Path, int] = {}
    for item in items:
        if SERVERS & set(getattr(item, "fixturenames", ())):
            item.add_marker("server")
        marks = {mark.name for mark in item.iter_markers()}
        weight = 2 if "slow" in marks else 1 if KINDS & marks else 0
        files[item.path] = max(weight, files.get(item.path, 0))
    items.sort(key=lambda item: -files[item.path])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Refuse processes and media to a test without a mark."""
    if not KINDS & {mark.name for mark in item.iter_markers()}:
        _unmarked.add(item.nodeid)
    try:
        return (yield)
    finally:
        _unmarked.clear()


def _refuse_processes(event: str, arguments: tuple[object, ...]) -> None:
    if _unmarked and event == "subprocess.Popen":
        pytest.fail(f"A test that starts a process ({arguments[0]}) needs the mark `slow`: see CONTRIBUTING.md.")


def _refusing_media(open_media: Callable[..., object]) -> Callable[..., object]:
    @functools.wraps(open_media)
    def checked(*arguments: object, **options: object) -> object:
        if _unmarked:
            pytest.fail("A test that opens media needs the mark `media`: see CONTRIBUTING.md.")
        return open_media(*arguments, **options)

    return checked


sys.addaudithook(_refuse_processes)
av.open = _refusing_media(av.open)


@pytest.fixture(autouse=True)
def ordinary_scheduling() -> Iterator[None]:
    """Check that no test leaves the process with real-time priority: later tests would inherit it and starve others."""
    yield
    if hasattr(os, "sched_getscheduler"):  # not on macOS
        assert os.sched_getscheduler(0) == os.SCHED_OTHER


@pytest.fixture(autouse=True)
def silent_decoders() -> None:
    """Turn off FFmpeg's logging through PyAV, which importing torchvision turns on.

    A decoder that is closed holds the interpreter while it waits for its threads, and a thread that logs waits for the
    interpreter.
    """
    av.logging.set_level(None)


@pytest.fixture(scope="session")
def missing() -> Callable[[str], NoReturn]:
    """Return the function that skips a test whose program is missing; with CI=true it fails the test."""
    return pytest.fail if os.environ.get("CI") == "true" else pytest.skip


@pytest.fixture(scope="session")
def corpus() -> Path:
    """Return the folder of development videos with ground truth, which a clone of the project does not have."""
    folder = Path(os.environ.get("CLIPMILL_CORPUS", ROOT.parent / "shared" / "corpus"))
    if not folder.is_dir():
        pytest.skip("the development corpus is not here: set CLIPMILL_CORPUS to its folder")
    return folder
