"""The connections of a port, counted: strangers who send nothing, or nearly nothing, do not keep others out.

A connection is in one of four phases. In the first two its client owes something and has a deadline:

- head: the head of a request is not complete. The oldest connection gives way when there are too many, so a client that
  sends its head at once always gets through.
- body: the body of a request is not complete. When there are too many, the next request is refused, because an upload
  of an hour must not give way to a new one.
- answering: the request is complete, and its answer is made or sent, for as long as that takes.
- idle: the connection is kept for the next request. The oldest gives way to a new request.

Heads and bodies are bounded by address and in all, the other two phases together and in all only.
"""

import resource
from collections.abc import Iterator
from enum import Enum, auto
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Generic, TypeVar

from msgspec import Struct

Network = IPv4Network | IPv6Network
T = TypeVar("T")

OWN_DESCRIPTORS = 128
"""Descriptors that are left to the service itself. A gateway at rest has 17 (measured on Linux); connections to an S3
store come on top."""

SHARES = 5
"""The parts of the other descriptors: unfinished heads take one, bodies and answers two each, because each may also
need a file or a connection to the store."""

UNFINISHED = 1024
"""The most unfinished heads, and the most unfinished bodies. A head takes up to 1 MB (128 headers of 8 KB)."""


class ConnectionLimits(Struct, frozen=True, kw_only=True):
    """The limits of a port's connections.

    Attributes:
        head_seconds: Time for the head of a request, in seconds.
        body_seconds: Time over which the rate of a body is averaged, in seconds.
        body_bytes_per_second: Lowest rate of a body; a modem of 1990 is faster than the default.
        by_address: Most unfinished heads, and most unfinished bodies, of one address.
        connections: Most connections that are answered or kept; more than the descriptors allow do not count.
        trusted_proxies: Networks of the proxies whose X-Forwarded-For names the client.
    """

    head_seconds: float = 10.0
    body_seconds: float = 30.0
    body_bytes_per_second: float = 1024.0
    by_address: int = 64
    connections: int = 8192
    trusted_proxies: tuple[Network, ...] = ()


class Phase(Enum):
    """The phase of a connection."""

    HEAD = auto()
    BODY = auto()
    ANSWERING = auto()
    IDLE = auto()


class Pool(Generic[T]):
    """Connections in the order in which they came, in all and by address."""

    def __init__(self) -> None:
        self._addresses: dict[T, str] = {}
        self._of: dict[str, dict[T, None]] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def __iter__(self) -> Iterator[T]:
        return iter(tuple(self._addresses))

    def of(self, address: str) -> int:
        """Return the number of connections of `address`; connections without an address are not counted."""
        return len(self._of.get(address, ()))

    def add(self, connection: T, address: str) -> None:
        """Add a connection; an empty address stands for none."""
        self._addresses[connection] = address
        if address:
            self._of.setdefault(address, {})[connection] = None

    def discard(self, connection: T) -> None:
        """Remove a connection if it is there."""
        address = self._addresses.pop(connection, "")
        if address:
            same = self._of[address]
            del same[connection]
            if not same:
                del self._of[address]

    def oldest(self, address: str = "") -> T:
        """Return the connection that came first, of `address` if it is given."""
        return next(iter(self._of[address] if address else self._addresses))


def raise_descriptor_limit() -> int:
    """Raise the limit of open files to what the system allows this process, and return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):  # macOS calls its limit infinite, and refuses it
            return soft
    return hard


def most_connections(limits: ConnectionLimits) -> tuple[int, int]:
    """Return the most unfinished heads (and bodies), and the most other connections, for the present descriptors."""
    descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    share = limits.connections
    if descriptors != resource.RLIM_INFINITY:
        share = min(share, max(1, (descriptors - OWN_DESCRIPTORS) // SHARES))
    return min(share, UNFINISHED), share


def counted_address(text: str) -> str:
    """Return the address that stands for a client: an IPv6 network of 64 bits counts as one, as it is one customer's.

    Args:
        text: IP address; anything else stands for no address.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    if not isinstance(address, IPv6Address):
        return text
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> 64 << 64, 64)))


def trusted(text: str, proxies: tuple[Network, ...]) -> bool:
    """Return whether an IP address is one of the trusted proxies."""
    if not proxies:
        return False
    try:
        address = ip_address(text)
    except ValueError:
        return False
    plain = (address.ipv4_mapped if isinstance(address, IPv6Address) else None) or address
    return any(plain in network for network in proxies)


def client_of(peer: str, forwarded: str, proxies: tuple[Network, ...]) -> str:
    """Return the address of the client: the nearest one in X-Forwarded-For that is no trusted proxy.

    Args:
        peer: Address at the other end of the connection.
        forwarded: Values of X-Forwarded-For, separated by commas; only trusted proxies are believed.
        proxies: Networks of the trusted proxies.
    """
    client = peer
    for hop in reversed(forwarded.split(",")):
        if not trusted(client, proxies):
            break
        named = hop.strip()
        if not counted_address(named):
            break
        client = named
    return client
