"""The admission of connections: the guard admits public hosts, on web ports and on unprivileged ports."""

from collections.abc import Sequence
from dataclasses import dataclass

from clipmill.egress.addresses import Address, Network, exempted, special_kind

WEB_PORTS = (80, 443)
FIRST_FREE_PORT = 1024
"""First unprivileged port. Below it only the web ports are admitted, because mail and file servers serve no videos;
from it on, any port may serve them."""


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
    """Return the addresses of a host that are admitted, in their order; if there are none, return the refusal.

    Args:
        host: Name of the host, for the refusal.
        port: Port that the client asked for.
        addresses: Addresses that the name resolved to.
        exempt: Networks that are admitted on any port although they are not public.
    """
    kinds = [(address, refusal_kind(address, port, exempt)) for address in addresses]
    allowed = [address for address, kind in kinds if kind is None]
    refused = [Refusal(host, port, kind, str(address)) for address, kind in kinds if kind is not None]
    return allowed or next(iter(refused), Refusal(host, port, "unspecified", ""))


def refusal_kind(address: Address, port: int, exempt: Sequence[Network]) -> str | None:
    """Return the kind of refusal for a connection to `address`, None if it is admitted."""
    if exempted(address, exempt):
        return None
    if port not in WEB_PORTS and port < FIRST_FREE_PORT:
        return special_kind(address) or "port"
    return special_kind(address)
