"""The folder in which one machine's clipmill keeps everything: who uses it, its secret key, its state, its logs."""

import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

SECRET_BYTES = 32

LOCK_PATIENCE_SECONDS = 1.0
"""How long a lock may be held by a `clipmill up` that is just ending."""

LOCK_POLL_SECONDS = 0.05


class FolderInUse(Exception):
    """Another `clipmill up` works in the folder; the message says which."""


class RunningState(Struct, frozen=True, kw_only=True):
    """`clipmill.json`: where to find what runs; it is there while `clipmill up` is ready for work.

    Attributes:
        pid: the process that keeps everything running.
        url: the gateway's address.
        nats_url: where the services meet.
        store_url: where the artifacts lie.
        ports: each service's port by its name: health and metrics; the gateway's serves everything.
        nats_monitoring_port: the embedded NATS server's monitoring port, None where it is not ours.
    """

    pid: int
    url: str
    nats_url: str
    store_url: str
    ports: dict[str, int]
    nats_monitoring_port: int | None = None


class DataFolder:
    """A data folder at `path`; it is made when it is locked."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    @property
    def nats(self) -> Path:
        """What the embedded NATS server keeps."""
        return self.path / "nats"

    @property
    def store(self) -> Path:
        """The artifact store."""
        return self.path / "store"

    @property
    def logs(self) -> Path:
        """A log file per program."""
        return self.path / "logs"

    @property
    def _state(self) -> Path:
        return self.path / "clipmill.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process alone; the kernel gives it free however the process ends.

        Raises:
            FolderInUse: if another process holds it.
            OSError: if the folder cannot be made or written.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("w") as file:
            deadline = time.monotonic() + LOCK_PATIENCE_SECONDS
            while not _lock(file.fileno()):
                if time.monotonic() > deadline:
                    raise FolderInUse(self._in_use())
                time.sleep(LOCK_POLL_SECONDS)
            yield

    def _in_use(self) -> str:
        state = self.read_state()
        holder = "" if state is None else f" (process {state.pid}, {state.url})"
        return f"clipmill already runs on {self.path}{holder}. Stop it first, or give another folder with --data."

    def secret_key(self) -> str:
        """Return the folder's secret key, made at the first call and readable by its owner alone.

        Raises:
            OSError: if it cannot be read or made.
        """
        path = self.path / "secret.key"
        if not path.exists():
            write_whole(path, f"{secrets.token_urlsafe(SECRET_BYTES)}\n".encode(), mode=0o600)
        return path.read_text(encoding="ascii").strip()

    def read_state(self) -> RunningState | None:
        """Return what runs here, None if nothing says so."""
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=RunningState)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def write_state(self, state: RunningState) -> None:
        """Say what runs here."""
        write_whole(self._state, msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")

    def remove_state(self) -> None:
        """Nothing runs here any more."""
        self._state.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `path` whole or not at all, with the permissions `mode` from its first byte on."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
