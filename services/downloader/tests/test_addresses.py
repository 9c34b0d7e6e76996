from ipaddress import ip_address, ip_network

import pytest
from clipmill.downloader.addresses import exempted, special_kind
from hypothesis import given
from hypothesis import strategies as st

PRIVATE_V4 = ["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        *((address, "private") for address in PRIVATE_V4),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("169.254.1.1", "link-local"),
        ("169.254.169.254", "a cloud's metadata service"),
        ("168.63.129.16", "a cloud's metadata service"),
        ("100.100.100.200", "a cloud's metadata service"),
        ("fd00:ec2::254", "a cloud's metadata service"),
        ("100.64.0.1", "a carrier's own"),
        ("0.0.0.0", "unspecified"),
        ("0.1.2.3", "unspecified"),
        ("224.0.0.1", "multicast"),
        ("239.255.255.250", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("198.18.0.1", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "link-local"),
        ("fc00::1", "private"),
        ("fdff::1", "private"),
        ("ff02::1", "multicast"),
        ("::ffff:127.0.0.1", "loopback"),
        ("::ffff:10.0.0.1", "private"),
        ("64:ff9b::7f00:1", "loopback"),
        ("64:ff9b::a9fe:a9fe", "a cloud's metadata service"),
        ("2002:7f00:1::", "an obsolete tunnel"),
        ("2001:0:1::", "reserved"),
        ("::127.0.0.1", "reserved"),
        ("64:ff9b:1::1", "reserved"),
        ("2001:db8::1", "reserved"),
    ],
)
def test_an_address_that_is_no_public_hosts_is_named_for_what_it_is(text: str, kind: str):
    assert special_kind(ip_address(text)) == kind


@pytest.mark.parametrize(
    "text",
    [
        "8.8.8.8",
        "142.250.74.46",
        "172.32.0.1",
        "100.128.0.1",
        "2a00:1450:4001::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_public_addresses_are_nothing_special(text: str):
    assert special_kind(ip_address(text)) is None


@given(st.ip_addresses())
def test_whatever_python_knows_to_be_private_is_special(address):
    if address.is_private or address.is_loopback or address.is_link_local or address.is_multicast:
        if address.version == 6 and (address.ipv4_mapped or address in ip_network("64:ff9b::/96")):
            return
        assert special_kind(address) is not None


def test_an_exempt_network_covers_the_mapped_form_of_its_addresses():
    networks = [ip_network("10.1.0.0/16")]
    assert exempted(ip_address("10.1.2.3"), networks)
    assert exempted(ip_address("::ffff:10.1.2.3"), networks)
    assert not exempted(ip_address("10.2.0.1"), networks)
