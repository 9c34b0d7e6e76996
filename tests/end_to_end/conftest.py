"""One `clipmill up` for the tests of this folder, a web server with media, and what both need."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

START_SECONDS = 60
BIN = Path(sys.executable).parent
LOOPBACK = "127.0.0.0/8"


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Up:
    """A running `clipmill up`.

    Attributes:
        data: its data folder.
        url: its gateway.
        ports: each service's port.
        seconds: how long it took to be ready.
        pid: of the command.
    """

    def __init__(self, data: Path, process: "subprocess.Popen[bytes]", seconds: float) -> None:
        state = json.loads((data / "clipmill.json").read_text())
        self.data, self.pid, self.seconds = data, process.pid, seconds
        self.url: str = state["url"]
        self.ports: dict[str, int] = state["ports"]

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(self.url + path) as answer:
            return json.load(answer)

    def submit(self, *arguments: str | Path, timeout: float = 240) -> tuple[int, dict]:
        """Run `clipmill submit … --wait --json`; returns its exit status and its answer."""
        command = [BIN / "clipmill", "submit", *arguments, "--wait", "--json", "--server", self.url]
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
        return done.returncode, json.loads(done.stdout or "null")


@contextlib.contextmanager
def clipmill_up(data: Path, **environ: str) -> Iterator[Up]:
    """Run `clipmill up` as a user would, until the context is left."""
    begun = time.monotonic()
    with (data.parent / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [BIN / "clipmill", "up", "--data", data, "--port", str(free_port())],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environ},
        )
    try:
        while not (data / "clipmill.json").exists():
            told = (data.parent / "up.log").read_text()
            assert process.poll() is None, told
            assert time.monotonic() - begun < START_SECONDS, told
            time.sleep(0.05)
        yield Up(data, process, time.monotonic() - begun)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, (data.parent / "up.log").read_text()


@pytest.fixture(scope="session")
def start_up():
    """Return the context manager that runs a `clipmill up` of one's own."""
    return clipmill_up


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A `clipmill up` that may fetch from loopback."""
    with clipmill_up(tmp_path_factory.mktemp("up") / "data", CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS=LOOPBACK) as running:
        yield running


@pytest.fixture(scope="session")
def sample() -> Path:
    """The bundled sample video."""
    return Path(str(files("clipmill.cli") / "sample" / "sample.mp4"))


@pytest.fixture(scope="session")
def media_server(sample: Path) -> Iterator[str]:
    """A web server with the sample at /sample.mp4 and a text that calls itself a video at /broken.mp4."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        (folder / "sample.mp4").symlink_to(sample)
        (folder / "broken.mp4").write_bytes(b"this is no video, whatever its name says\n" * 500)
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        server.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass
