"""Many machines, simulated on one: NATS and S3 run apart, and each service starts with only environment variables."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest
from clipmill.cli.local.ports import free_ports

pytestmark = pytest.mark.slow

BIN = Path(sys.executable).parent
WANTED = ("--clips", "3", "--max-seconds", "20")
READY_SECONDS = 600
"""Longest wait, in seconds; a busy machine needs less of it, so only something that hangs reaches it."""
SERVICES = ("gateway", "downloader", "transcriber", "analyzer", "renderer", "renderer")
DECODERS = {"cv2", "av", "PIL", "torch", "ai_edge_litert"}
"""Libraries that only child processes may load, because they read files of strangers."""

S3_IDENTITY = {
    "identities": [
        {
            "name": "clipmill",
            "credentials": [{"accessKey": "test", "secretKey": "test-secret"}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
}


def until(condition, seconds=READY_SECONDS):
    deadline = time.monotonic() + seconds
    while True:
        with contextlib.suppress(OSError):
            if condition():
                return
        assert time.monotonic() < deadline
        time.sleep(0.1)


def get(port, path):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
        return answer.read().decode()


def decoders_in(pid):
    """Return the decoding libraries that a process itself has mapped."""
    mapped = Path(f"/proc/{pid}/maps").read_text().splitlines()
    parts = {part for line in mapped if "/" in line for part in line[line.index("/") :].split("/")}
    assert any("msgspec" in part for part in parts), "the maps do not name what the process imports"
    return parts & DECODERS


@pytest.fixture
def seaweed(tmp_path):
    """Run an S3 server with the bucket `clipmill`; return the variables that lead to it."""
    master, volume, filer, s3, *grpc = free_ports(8)
    (tmp_path / "s3.json").write_text(json.dumps(S3_IDENTITY))
    (tmp_path / "seaweed").mkdir()
    arguments = [
        f"-dir={tmp_path}/seaweed", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", f"-s3.config={tmp_path}/s3.json",
        f"-master.port={master}", f"-master.port.grpc={grpc[0]}", f"-volume.port={volume}",
        f"-volume.port.grpc={grpc[1]}", f"-filer.port={filer}", f"-filer.port.grpc={grpc[2]}", f"-s3.port={s3}",
        f"-s3.port.grpc={grpc[3]}", "-volume.max=20", "-master.volumeSizeLimitMB=256",
    ]  # fmt: skip
    with (tmp_path / "seaweed.log").open("wb") as log:
        server = subprocess.Popen([BIN / "weed", "server", *arguments], stdout=log, stderr=subprocess.STDOUT)
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{s3}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test-secret",
        "AWS_REGION": "us-east-1",
        "CLIPMILL_STORE_URL": "s3://clipmill",
    }

    def made():
        command = [
            BIN / "weed",
            "shell",
            f"-master=127.0.0.1:{master}.{grpc[0]}",
            f"-filer=127.0.0.1:{filer}.{grpc[2]}",
        ]
        done = subprocess.run(
            command,
            input=b"s3.bucket.create -name clipmill\ns3.bucket.list\n",
            capture_output=True,
            check=False,
            timeout=30,
        )
        return b"clipmill" in done.stdout.split(b"s3.bucket.list")[-1] and done.returncode == 0

    try:
        until(made)
        yield variables
    finally:
        server.kill()
        server.wait()


def test_services_apart_render_one_job_on_two_renderers(nats_server, seaweed, sample, tmp_path):
    ports = free_ports(len(SERVICES))
    model = {"CLIPMILL_TRANSCRIBER_MODEL": "whisper-tiny.en"}  # the quickest
    common = {**os.environ, **model, **seaweed, "CLIPMILL_NATS_URL": nats_server.url}
    subprocess.run([BIN / "clipmill", "topology", "apply"], env=common, check=True, timeout=60, capture_output=True)
    with contextlib.ExitStack() as stack:
        processes = []
        for name, port in zip(SERVICES, ports, strict=True):
            log = stack.enter_context((tmp_path / f"{name}-{port}.log").open("wb"))
            environ = {**common, f"CLIPMILL_{name.upper()}_PORT": str(port), f"CLIPMILL_{name.upper()}_SLOTS": "1"}
            command = [sys.executable, "-m", f"clipmill.{name}"]
            process = subprocess.Popen(command, env=environ, stdout=log, stderr=subprocess.STDOUT)
            stack.callback(process.wait, 60)
            stack.callback(process.send_signal, signal.SIGTERM)
            processes.append(process)
        submit = (BIN / "clipmill", "submit")
        until(lambda: all('"ready"' in get(port, "/health/ready") for port in ports))
        done = subprocess.run(
            [*submit, sample, *WANTED, "--wait", "--json", "--server", f"http://127.0.0.1:{ports[0]}"],
            capture_output=True,
            timeout=480,
            check=False,
        )
        answer = json.loads(done.stdout)
        assert done.returncode == 0, answer
        assert len(answer["result"]["clips"]) == 3
        rendered = Counter()
        for name, port in zip(SERVICES, ports, strict=True):
            for line in get(port, "/metrics").splitlines():
                if line.startswith('clipmill_tasks_total{outcome="finished",stage="render"}') and name == "renderer":
                    rendered[port] = float(line.rsplit(" ", 1)[1])
        assert sum(rendered.values()) == 3
        assert all(rendered.values()), "both renderers rendered"
        loaded = {name: decoders_in(process.pid) for name, process in zip(SERVICES, processes, strict=True)}
        assert not any(loaded.values()), f"services hold decoders after a whole job: {loaded}"
        clip = answer["result"]["clips"][0]["video_url"]
        with urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}{clip}") as got:
            (tmp_path / "clip.mp4").write_bytes(got.read())
    verify = [sys.executable, "-m", "clipmill.renderer", "verify", tmp_path / "clip.mp4"]
    assert subprocess.run(verify, check=False, capture_output=True).returncode == 0
    assert [process.returncode for process in processes] == [0] * len(processes)
