"""The data folder of one machine's clipmill: its lock, its secret key, its state, its logs."""

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
"""Wait for a lock that a `clipmill up` which is just ending still holds."""

LOCK_POLL_SECONDS = 0.05


class FolderInUse(Exception):
    """Another `clipmill up` uses the folder; the message says which."""


class FolderUnusable(Exception):
    """The folder cannot be read or written; the message says why and what to do."""


class RunningState(Struct, frozen=True, kw_only=True):
    """The content of `clipmill.json`, which exists while `clipmill up` is ready for work.

    Attributes:
        pid: Process id of `clipmill up`.
        url: Address of the gateway.
        nats_url: Address of the NATS server.
        store_url: Address of the artifact store.
        ports: Port of each service by its name, with health and metrics; the gateway's port also serves the API.
        nats_monitoring_port: Monitoring port of the embedded NATS server, None if the server is not ours.
    """

    pid: int
    url: str
    nats_url: str
    store_url: str
    ports: dict[str, int]
    nats_monitoring_port: int | None = None


class DataFolder:
    """A data folder at `path`, created when it is locked."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()

    @property
    def nats(self) -> Path:
        """Folder of the embedded NATS server."""
        return self.path / "nats"

    @property
    def store(self) -> Path:
        """Folder of the artifact store."""
        return self.path / "store"

    @property
    def logs(self) -> Path:
        """Folder of the log files, one for each program."""
        return self.path / "logs"

    @property
    def _state(self) -> Path:
        return self.path / "clipmill.json"

    @contextmanager
    def usable(self) -> Iterator[None]:
        """Work on the files of the folder.

        Raises:
            FolderUnusable: in place of any OSError of the work.
        """
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            raise FolderUnusable(
                f"The data folder {self.path} cannot be used ({reason}); choose another with --data."
            ) from error

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the folder for this process alone; the lock ends with the process.

        Raises:
            FolderInUse: if another process has locked it.
            OSError: if the folder cannot be created or written.
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
        return f"clipmill already runs on {self.path}{holder}; stop it first, or name another folder with --data."

    def secret_key(self) -> str:
        """Return the folder's secret key, created at the first call and readable only by its owner.

        Raises:
            OSError: if it cannot be read or created.
        """
        path = self.path / "secret.key"
        if not path.exists():
            write_whole(path, f"{secrets.token_urlsafe(SECRET_BYTES)}\n".encode(), mode=0o600)
        return path.read_text(encoding="ascii").strip()

    def read_state(self) -> RunningState | None:
        """Return the state of the `clipmill up` in this folder, None if none is recorded."""
        try:
            return msgspec.json.decode(self._state.read_bytes(), type=RunningState)
        except (FileNotFoundError, msgspec.DecodeError):
            return None

    def write_state(self, state: RunningState) -> None:
        """Record the state of the `clipmill up` in this folder."""
        write_whole(self._state, msgspec.json.format(msgspec.json.encode(state), indent=2) + b"\n")

    def remove_state(self) -> None:
        """Remove the recorded state."""
        self._state.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, *, mode: int = 0o644) -> None:
    """Write `path` whole or not at all, with the permissions `mode` from the first byte."""
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
