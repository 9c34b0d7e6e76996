"""Each service runs in an environment built from its own lock alone, without another's heavy dependencies."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from clipmill.cli.local.ports import free_ports

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
READY_SECONDS = 600
HEAVY = {"torch", "whisperx", "av", "yt-dlp", "deno", "scenedetect-headless", "opencv-python-headless",
         "google-genai", "ai-edge-litert", "numpy"}  # fmt: skip
OWN = {
    "gateway": set(),
    "downloader": {"av", "yt-dlp", "deno"},
    "transcriber": {"torch", "whisperx", "av", "numpy"},
    "analyzer": {"av", "scenedetect-headless", "opencv-python-headless", "google-genai", "numpy"},
    "renderer": {"av", "opencv-python-headless", "ai-edge-litert", "numpy"},
}
LIBRARIES = ("contracts", "operations", "artifacts", "messaging")
MORE_LIBRARIES = {"downloader": ("egress",)}


@pytest.mark.parametrize("service", OWN)
def test_a_service_becomes_ready_in_its_own_environment(service, nats_server, tmp_path):
    uv = shutil.which("uv", path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"], check=True)
    lock = ROOT / "requirements" / f"{service}.txt"
    build = ROOT / "requirements" / "build.txt"
    install = [uv, "pip", "install", "--quiet", "--python", python, "--no-deps"]
    subprocess.run([*install, "--require-hashes", "-r", lock], check=True)
    subprocess.run([*install, "--require-hashes", "-r", build, "--target", tmp_path / "build"], check=True)
    libraries = (*LIBRARIES, *MORE_LIBRARIES.get(service, ()))
    ours = [ROOT / "libs" / name for name in libraries] + [ROOT / "services" / service]
    subprocess.run(
        [*install, "--no-build-isolation", *(part for path in ours for part in ("--editable", path))],
        check=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path / "build")},
    )
    listed = subprocess.run([uv, "pip", "list", "--python", python, "--format=json"], capture_output=True, check=True)
    names = {package["name"] for package in json.loads(listed.stdout)}
    assert names & HEAVY == OWN[service]
    assert subprocess.run([uv, "pip", "check", "--python", python], capture_output=True, check=False).returncode == 0

    subprocess.run(
        [BIN / "clipmill", "topology", "apply"],
        env={**os.environ, "CLIPMILL_NATS_URL": nats_server.url},
        check=True,
        capture_output=True,
    )
    (port,) = free_ports(1)
    environ = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "CLIPMILL_NATS_URL": nats_server.url,
        "CLIPMILL_STORE_URL": (tmp_path / "store").as_uri(),
        f"CLIPMILL_{service.upper()}_PORT": str(port),
    }
    with (tmp_path / "log").open("wb") as log:
        running = subprocess.Popen(
            [python, "-m", f"clipmill.{service}"], env=environ, stdout=log, stderr=subprocess.STDOUT, cwd=tmp_path
        )
    try:
        deadline = time.monotonic() + READY_SECONDS
        while not _ready(port):
            assert running.poll() is None, (tmp_path / "log").read_text()
            assert time.monotonic() < deadline, (tmp_path / "log").read_text()
            time.sleep(0.1)
    finally:
        running.terminate()
        assert running.wait(40) == 0
        shutil.rmtree(tmp_path / "venv", ignore_errors=True)


def _ready(port):
    with (
        contextlib.suppress(OSError),
        urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=5) as answer,
    ):
        return answer.status == 200
    return False
