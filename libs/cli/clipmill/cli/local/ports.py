"""TCP ports of this machine."""

import random
import socket

FIRST_PORT = 20_000
LAST_PORT = 32_000
"""Below the range from which Linux (32768) and macOS (49152) take ports for outgoing connections, so that a port found
free here is not taken by a stranger's connection before its service listens on it."""

ATTEMPTS = 200


class NoPort(Exception):
    """The ports wanted are taken."""


def port_is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Return whether a server could listen on `port` of `host` now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections linger in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return `count` different ports that nothing listens on.

    Raises:
        NoPort: if too few are found.
    """
    found: list[int] = []
    for port in random.sample(range(FIRST_PORT, LAST_PORT), ATTEMPTS):
        if port_is_free(port, host):
            found.append(port)
        if len(found) == count:
            return found
    raise NoPort(f"No {count} free ports between {FIRST_PORT} and {LAST_PORT} on {host}.")
