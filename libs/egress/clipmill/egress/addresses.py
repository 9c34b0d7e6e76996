"""The rule that decides which internet addresses are public; the egress guard applies it before it connects."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# The IANA special-purpose registries (RFC 6890 and its updates), written out because the answers of
# `ipaddress.is_global` depend on the version of Python. The first network that contains an address gives the word for
# it in the guard's refusal.
_SPECIAL: tuple[tuple[str, str], ...] = (
    ("169.254.169.254/32", "a cloud's metadata service"),
    ("168.63.129.16/32", "a cloud's metadata service"),  # Azure's, within a public network
    ("100.100.100.200/32", "a cloud's metadata service"),  # Alibaba's
    ("192.0.0.192/32", "a cloud's metadata service"),  # Oracle's
    ("fd00:ec2::254/128", "a cloud's metadata service"),
    ("fd20:ce::254/128", "a cloud's metadata service"),
    ("0.0.0.0/8", "unspecified"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "a carrier's own"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link-local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "reserved"),
    ("192.31.196.0/24", "reserved"),
    ("192.52.193.0/24", "reserved"),
    ("192.88.99.0/24", "reserved"),
    ("192.168.0.0/16", "private"),
    ("192.175.48.0/24", "reserved"),
    ("198.18.0.0/15", "reserved"),
    ("198.51.100.0/24", "reserved"),
    ("203.0.113.0/24", "reserved"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("::/128", "unspecified"),
    ("::1/128", "loopback"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link-local"),
    ("fec0::/10", "private"),
    ("ff00::/8", "multicast"),
    ("2001::/23", "reserved"),  # Teredo, ORCHID and other protocol assignments
    ("2001:db8::/32", "reserved"),
    ("2002::/16", "an obsolete tunnel"),  # 6to4: contains an IPv4 address that nobody would check
    ("3fff::/20", "reserved"),
    ("5f00::/16", "reserved"),
)
_NETWORKS: tuple[tuple[Network, str], ...] = tuple((ip_network(text), kind) for text, kind in _SPECIAL)

_GLOBAL_UNICAST = IPv6Network("2000::/3")
_NAT64 = IPv6Network("64:ff9b::/96")
"""Prefix of RFC 6052: the last 32 bits are the IPv4 address that a translator connects to."""


def embedded(address: Address) -> Address:
    """Return the IPv4 address within `address` if it is an IPv4-mapped or a NAT64 address, else `address` itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def exempted(address: Address, networks: Sequence[Network]) -> bool:
    """Return whether `address`, or the IPv4 address within it, is in one of `networks`."""
    target = embedded(address)
    return any(address in network or target in network for network in networks)


def special_kind(address: Address) -> str | None:
    """Return the kind of a special address, None for the address of a public host.

    Args:
        address: Address of version 4 or 6; the kind is that of an IPv4 address within it, if there is one.
    """
    target = embedded(address)
    for network, kind in _NETWORKS:
        if target in network:
            return kind
    if isinstance(target, IPv6Address) and target not in _GLOBAL_UNICAST:
        return "reserved"
    return None
