"""Fixtures: one `clipmill up` for the tests of this folder, and a web server with media."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from clipmill.cli.local.ports import free_ports
from clipmill.contracts import codec
from clipmill.contracts.documents import Segment, Transcript, Word

START_SECONDS = 120
WAIT_SECONDS = 120
BIN = Path(sys.executable).parent
LOOPBACK = "127.0.0.0/8"
MODEL = "whisper-tiny.en"
"""Whisper model unless the environment says otherwise: the quickest one."""


class Up:
    """A running `clipmill up`.

    Attributes:
        data: Data folder.
        url: Address of the gateway.
        ports: Ports by service.
        seconds: Seconds until it was ready.
        pid: Process id of the command.
    """

    def __init__(self, data: Path, process: "subprocess.Popen[bytes]", seconds: float) -> None:
        state = json.loads((data / "clipmill.json").read_text())
        self.data, self.pid, self.seconds = data, process.pid, seconds
        self.url: str = state["url"]
        self.ports: dict[str, int] = state["ports"]

    def get(self, path: str) -> dict:
        with urllib.request.urlopen(self.url + path) as answer:
            return json.load(answer)

    def submit(self, *arguments: str | Path, timeout: float = 480) -> tuple[int, dict]:
        """Run `clipmill submit … --wait --json`; return its exit status and its answer."""
        command = [BIN / "clipmill", "submit", *arguments, "--wait", "--json", "--server", self.url]
        done = subprocess.run(command, capture_output=True, timeout=timeout, check=False)
        return done.returncode, json.loads(done.stdout or "null")


@contextlib.contextmanager
def clipmill_up(data: Path, **environ: str) -> Iterator[Up]:
    """Run `clipmill up` as a user would, until the context is left."""
    begun = time.monotonic()
    with (data.parent / "up.log").open("wb") as log:
        process = subprocess.Popen(
            [BIN / "clipmill", "up", "--data", data, "--port", str(*free_ports(1))],
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"CLIPMILL_TRANSCRIBER_MODEL": MODEL, **os.environ, **environ},
        )
    try:
        while not (data / "clipmill.json").exists():
            log_text = (data.parent / "up.log").read_text()
            assert process.poll() is None, log_text
            assert time.monotonic() - begun < START_SECONDS, log_text
            time.sleep(0.05)
        yield Up(data, process, time.monotonic() - begun)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0, (data.parent / "up.log").read_text()


@pytest.fixture(scope="session")
def start_up():
    """Return the context manager that runs another `clipmill up`."""
    return clipmill_up


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """Run a `clipmill up` that may fetch from loopback."""
    with clipmill_up(tmp_path_factory.mktemp("up") / "data", CLIPMILL_DOWNLOADER_ALLOWED_NETWORKS=LOOPBACK) as running:
        yield running


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], bool]], None]:
    """Return the function that waits until a condition holds; servers need not listen yet."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while True:
            with contextlib.suppress(OSError):
                if condition():
                    return
            assert time.monotonic() < deadline
            time.sleep(0.2)

    return wait


@pytest.fixture(scope="session")
def prometheus(up, system_program, tmp_path_factory, until):
    """Run Prometheus, which scrapes every service each second; yield the function that answers a query."""
    program = system_program("prometheus", "prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    config = {
        "global": {"scrape_interval": "1s"},
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": [f"127.0.0.1:{port}"]}]}
            for name, port in up.ports.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (port,) = free_ports(1)
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(
            [
                program,
                f"--config.file={folder}/prometheus.yml",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )

    def query(expression):
        parameters = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{parameters}") as answer:
            return json.load(answer)["data"]["result"]

    until(lambda: len(query("up == 1")) == len(up.ports))
    yield query
    running.terminate()
    running.wait(30)


@pytest.fixture(scope="session")
def put_transcript() -> Callable[[Path], None]:
    """Return the function that stores a transcript of the sample in a job's folder, so that no speech is recognised."""
    sentences = [f"This is sentence number {number}, and nobody needs to hear it to know." for number in range(1, 15)]
    segments = [_segment(sentence, 5.5 * number) for number, sentence in enumerate(sentences)]
    transcript = Transcript(language="en", duration=77.0, segments=tuple(segments))

    def put(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "transcript.json").write_bytes(codec.encode(transcript))

    return put


def _segment(sentence: str, start: float) -> Segment:
    """Return a sentence of five seconds with words of equal length."""
    texts = sentence.split()
    times = [start + 5 * number / len(texts) for number in range(len(texts) + 1)]
    words = [
        Word(text=text, start=begun, end=ended) for text, (begun, ended) in zip(texts, pairwise(times), strict=True)
    ]
    return Segment(text=sentence, start=start, end=start + 5, words=tuple(words))


@pytest.fixture(scope="session")
def sample() -> Path:
    """Return the bundled sample video."""
    return Path(str(files("clipmill.cli") / "sample" / "sample.mp4"))


@pytest.fixture(scope="session")
def media_server(sample: Path) -> Iterator[str]:
    """Run a web server with the sample at /sample.mp4 and a text with a video's name at /broken.mp4."""
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
