from ipaddress import ip_address, ip_network

import pytest
from clipmill.egress.addresses import embedded, exempted, special_kind
from hypothesis import given
from hypothesis import strategies as st

METADATA = "a cloud's metadata service"
TUNNEL = "an obsolete tunnel"

SPECIAL = [
    ("0.0.0.0", "0.255.255.255", "unspecified"),
    ("10.0.0.0", "10.255.255.255", "private"),
    ("100.64.0.0", "100.100.100.199", "a carrier's own"),
    ("100.100.100.200", "100.100.100.200", METADATA),
    ("100.100.100.201", "100.127.255.255", "a carrier's own"),
    ("127.0.0.0", "127.255.255.255", "loopback"),
    ("168.63.129.16", "168.63.129.16", METADATA),
    ("169.254.0.0", "169.254.169.253", "link-local"),
    ("169.254.169.254", "169.254.169.254", METADATA),
    ("169.254.169.255", "169.254.255.255", "link-local"),
    ("172.16.0.0", "172.31.255.255", "private"),
    ("192.0.0.0", "192.0.0.191", "reserved"),
    ("192.0.0.192", "192.0.0.192", METADATA),
    ("192.0.0.193", "192.0.0.255", "reserved"),
    ("192.0.2.0", "192.0.2.255", "reserved"),
    ("192.31.196.0", "192.31.196.255", "reserved"),
    ("192.52.193.0", "192.52.193.255", "reserved"),
    ("192.88.99.0", "192.88.99.255", "reserved"),
    ("192.168.0.0", "192.168.255.255", "private"),
    ("192.175.48.0", "192.175.48.255", "reserved"),
    ("198.18.0.0", "198.19.255.255", "reserved"),
    ("198.51.100.0", "198.51.100.255", "reserved"),
    ("203.0.113.0", "203.0.113.255", "reserved"),
    ("224.0.0.0", "239.255.255.255", "multicast"),
    ("240.0.0.0", "255.255.255.255", "reserved"),
    ("::", "::", "unspecified"),
    ("::1", "::1", "loopback"),
    ("::2", "::fffe:ffff:ffff", "reserved"),
    ("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", "reserved"),
    ("100::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"),
    ("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"),
    ("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"),
    ("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", TUNNEL),
    ("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"),
    ("4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"),
    ("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "reserved"),
    ("fc00::", "fd00:ec2::253", "private"),
    ("fd00:ec2::254", "fd00:ec2::254", METADATA),
    ("fd20:ce::254", "fd20:ce::254", METADATA),
    ("fd20:ce::255", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "link-local"),
    ("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "private"),
    ("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "multicast"),
]
"""First and last address of each special range, with its kind."""

PUBLIC = [
    "1.0.0.0",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.1",
    "126.255.255.255",
    "128.0.0.0",
    "142.250.74.46",
    "168.63.129.15",
    "168.63.129.17",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.1",
    "191.255.255.255",
    "192.0.1.255",
    "192.0.3.0",
    "192.31.195.255",
    "192.31.197.0",
    "192.52.192.255",
    "192.52.194.0",
    "192.88.98.255",
    "192.88.100.0",
    "192.167.255.255",
    "192.169.0.0",
    "192.175.47.255",
    "192.175.49.0",
    "198.17.255.255",
    "198.20.0.0",
    "198.51.99.255",
    "198.51.101.0",
    "203.0.112.255",
    "203.0.114.0",
    "223.255.255.255",
    "2000::",
    "2001:200::",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
    "2001:db9::",
    "2003::",
    "2a00:1450:4001::1",
    "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    "3fff:1000::",
    "::ffff:8.8.8.8",
    "64:ff9b::808:808",
]
"""Addresses of public hosts: the neighbours of each special range, and some that are well known."""


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((text, kind) for first, last, kind in SPECIAL for text in dict.fromkeys((first, last))),
        ("fe80::1%eth0", "link-local"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("::ffff:169.254.169.254", METADATA),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", METADATA),
        ("64:ff9b::", "unspecified"),
        ("64:ff9b::ffff:ffff", "reserved"),
        ("64:ff9b::1:0:0", "reserved"),
        ("2002:7f00:1::", TUNNEL),
        ("::127.0.0.1", "reserved"),
    ],
)
def test_an_address_of_no_public_host_is_named_by_its_kind(text: str, kind: str):
    assert special_kind(ip_address(text)) == kind


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses_are_nothing_special(text: str):
    assert special_kind(ip_address(text)) is None


@given(st.ip_addresses())
def test_every_address_that_python_calls_private_is_special(address):
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        if address.version == 6 and (address.ipv4_mapped or address in ip_network("64:ff9b::/96")):
            return
        assert special_kind(address) is not None


@given(st.ip_addresses(v=4))
def test_an_address_within_another_decides(address):
    for carrier in (f"::ffff:{address}", f"64:ff9b::{address}"):
        assert embedded(ip_address(carrier)) == address
        assert special_kind(ip_address(carrier)) == special_kind(address)


def test_an_exempt_network_covers_the_mapped_form_of_its_addresses():
    networks = [ip_network("10.1.0.0/16")]
    assert exempted(ip_address("10.1.2.3"), networks)
    assert exempted(ip_address("::ffff:10.1.2.3"), networks)
    assert not exempted(ip_address("10.2.0.1"), networks)


def test_a_mapped_network_can_be_exempt_too():
    assert exempted(ip_address("::ffff:10.1.2.3"), [ip_network("fd00::/8"), ip_network("::ffff:0:0/96")])
