"""TCP ports of this machine."""

import fcntl
import os
import random
import socket
from functools import cache
from pathlib import Path

FIRST_PORT = 20_000
LAST_PORT = 32_000
"""End of the range, below the ports that Linux (from 32768) and macOS (from 49152) use for outgoing connections. So no
connection of another program can take a chosen port before its service listens on it."""

ATTEMPTS = 200

RESERVATIONS = Path(f"/tmp/clipmill-{os.getuid()}.ports")  # noqa: S108 - a file of another owner is not used
"""File in which a process locks one byte for each port that it chose, at the offset of the port's number. The path
ignores TMPDIR, which may differ between processes that share the ports."""

_chosen: set[int] = set()
"""Ports that this process chose before: their servers may not listen yet."""


class NoPort(Exception):
    """Too few ports are free."""


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server could listen on `port` of `host` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Servers set this option too, so for them a port whose last connections linger in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return `count` different free ports and reserve them while this process lives.

    A server begins to listen only some time after its port was chosen. Until then this function gives the port to no
    other process of the user.

    Raises:
        NoPort: if too few are found.
    """
    found: list[int] = []
    candidates = random.sample(range(FIRST_PORT, LAST_PORT), LAST_PORT - FIRST_PORT)
    candidates.sort(key=_chosen.__contains__)
    for port in candidates[:ATTEMPTS]:
        if port_is_free(port, host) and _reserve(port):
            found.append(port)
        if len(found) == count:
            _chosen.update(found)
            return found
    raise NoPort(
        f"{host} has fewer than {count} free ports between {FIRST_PORT} and {LAST_PORT}; stop programs that use some."
    )


def _reserve(port: int) -> bool:
    """Reserve `port` until this process ends, and return False if another process has reserved it."""
    reservations = _reservations()
    if reservations is None:
        return True
    try:
        fcntl.lockf(reservations, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


@cache
def _reservations() -> int | None:
    """Return the open file of reservations, None where the system does not allow one."""
    try:
        opened = os.open(RESERVATIONS, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    if os.fstat(opened).st_uid == os.getuid():
        return opened
    os.close(opened)
    return None
