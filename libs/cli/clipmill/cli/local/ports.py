"""TCP ports of this machine."""

import fcntl
import os
import random
import socket
from functools import cache
from pathlib import Path

FIRST_PORT = 20_000
LAST_PORT = 32_000
"""End of the range, below the ports that Linux (32768) and macOS (49152) take for outgoing connections: no stranger's
connection can take a free port before its service listens on it."""

ATTEMPTS = 200

RESERVATIONS = Path(f"/tmp/clipmill-{os.getuid()}.ports")  # noqa: S108 - a file of another owner is not used
"""File in which a process locks the byte at the number of each port that it chose. TMPDIR does not move it, because it
differs between processes that share the ports."""

_chosen: set[int] = set()
"""Ports that this process chose before: their servers may not listen yet."""


class NoPort(Exception):
    """Too few ports are free."""


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server could listen on `port` of `host` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # Servers set it too: a port whose last connections linger in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return `count` different free ports and reserve them while this process lives.

    A server listens on its port only some time after it was chosen. Until then no other process of this user gets the
    port from this function.

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
    raise NoPort(f"{host} has fewer than {count} free ports between {FIRST_PORT} and {LAST_PORT}; free some.")


def _reserve(port: int) -> bool:
    """Return whether no other process has reserved `port`; then this one has, until it ends."""
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
