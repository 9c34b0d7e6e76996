"""TCP ports of this machine."""

import random
import socket

FIRST_PORT = 20_000
LAST_PORT = 32_000
"""End of the range, below the ports that Linux (32768) and macOS (49152) take for outgoing connections: no stranger's
connection can take a free port before its service listens on it."""

ATTEMPTS = 200


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
    """Return `count` different free ports.

    Raises:
        NoPort: if too few are found.
    """
    found: list[int] = []
    for port in random.sample(range(FIRST_PORT, LAST_PORT), ATTEMPTS):
        if port_is_free(port, host):
            found.append(port)
        if len(found) == count:
            return found
    raise NoPort(f"{host} has fewer than {count} free ports between {FIRST_PORT} and {LAST_PORT}; free some.")
