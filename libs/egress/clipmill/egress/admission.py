"""Which connections the guard lets through: to public hosts, and there to the ports of the web or free ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from clipmill.egress.addresses import Address, Network, exempted, special_kind

WEB_PORTS = (80, 443)
FIRST_FREE_PORT = 1024
"""Below it only the web's own ports: a mail or file server is no source of videos. Above it anyone serves anything."""


@dataclass(frozen=True)
class Refusal:
    """A connection that the guard refused.

    Attributes:
        host: Host that the client asked for.
        port: Port that the client asked for.
        kind: Kind of the address, such as `private`; `port` if the port is not allowed.
        address: Address of the host, for the service's log and not for clients; empty if it has none.
    """

    host: str
    port: int
    kind: str
    address: str


def admit(host: str, port: int, addresses: Sequence[Address], exempt: Sequence[Network]) -> list[Address] | Refusal:
    """Return those of a host's addresses that may be connected to, in their order; if there is none, the refusal.

    Args:
        host: Name of the host, for the refusal.
        port: Port that is asked for.
        addresses: Addresses that the name resolved to.
        exempt: Networks that may be connected to although they are not public, on any port.
    """
    kinds = [(address, refusal_kind(address, port, exempt)) for address in addresses]
    allowed = [address for address, kind in kinds if kind is None]
    refused = [Refusal(host, port, kind, str(address)) for address, kind in kinds if kind is not None]
    return allowed or next(iter(refused), Refusal(host, port, "unspecified", ""))


def refusal_kind(address: Address, port: int, exempt: Sequence[Network]) -> str | None:
    """Return the kind of refusal that a connection to `address` meets, None if it is allowed."""
    if exempted(address, exempt):
        return None
    if port not in WEB_PORTS and port < FIRST_FREE_PORT:
        return special_kind(address) or "port"
    return special_kind(address)
