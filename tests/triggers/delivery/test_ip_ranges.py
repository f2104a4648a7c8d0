"""Which addresses count as public."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from connector.triggers.ip_ranges import forbidden, is_allowed, parsed


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"],
)
def test_public_addresses_are_fine(address: str) -> None:
    assert forbidden(parsed(address)) == ""


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("127.0.0.1", "this machine itself"),
        ("127.255.255.254", "this machine itself"),
        ("0.0.0.0", "this machine itself"),
        ("0.1.2.3", "this machine itself"),
        ("::1", "this machine itself"),
        ("::", "this machine itself"),
        ("::ffff:127.0.0.1", "this machine itself"),
        ("169.254.169.254", "credentials"),
        ("::ffff:a9fe:a9fe", "credentials"),
        ("fe80::1", "credentials"),
        ("fd00:ec2::254", "credentials"),
        ("10.0.0.1", "private"),
        ("172.16.0.1", "private"),
        ("192.168.1.1", "private"),
        ("::ffff:192.168.1.1", "private"),
        ("fd12:3456::1", "private"),
        ("fec0::1", "private"),
        ("100.64.0.1", "provider"),
        ("224.0.0.1", "multicast"),
        ("ff02::1", "multicast"),
        ("64:ff9b::7f00:1", "stands for an IPv4"),
        ("64:ff9b:1::a00:1", "stands for an IPv4"),
        ("2002:7f00:1::", "stands for an IPv4"),
        ("2001::7f00:1", "stands for an IPv4"),
        ("::127.0.0.1", "stands for an IPv4"),
        ("::ffff:0:127.0.0.1", "stands for an IPv4"),
        ("192.88.99.1", "stands for an IPv4"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("192.0.0.8", "reserved"),
        ("192.0.2.1", "reserved"),
        ("198.18.0.1", "reserved"),
        ("203.0.113.1", "reserved"),
        ("2001:db8::1", "reserved"),
        ("3fff::1", "reserved"),
        ("5f00::1", "reserved"),
        ("100::1", "reserved"),
    ],
)
def test_all_others_are_told_by_kind(address: str, kind: str) -> None:
    assert kind in forbidden(parsed(address))


def test_an_operators_network_covers_mapped_spellings_too() -> None:
    allowed = [ip_network("10.0.0.0/8")]
    assert is_allowed(parsed("::ffff:10.1.2.3"), allowed)
    assert not is_allowed(parsed("11.0.0.1"), allowed)
    assert not is_allowed(parsed("::1"), allowed)
