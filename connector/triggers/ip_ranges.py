"""Which network addresses may be pushed to: public ones, and those that the operator allows.

By IANA's registries, and by every way to write an IPv4 address inside an IPv6 one.
Sources: https://www.iana.org/assignments/iana-ipv4-special-registry,
https://www.iana.org/assignments/iana-ipv6-special-registry
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SPECIAL: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("this machine itself", ("127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128")),
    (
        "a link-local address, where cloud machines keep their credentials",
        ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128"),
    ),
    (
        "a private network",
        ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "fec0::/10"),
    ),
    ("a provider's inner network", ("100.64.0.0/10",)),
    ("a multicast address", ("224.0.0.0/4", "ff00::/8")),
    (
        "an IPv6 address that stands for an IPv4 one",
        (
            "::/96",
            "::ffff:0:0/96",
            "::ffff:0:0:0/96",
            "64:ff9b::/96",
            "64:ff9b:1::/48",
            "2001::/32",
            "2002::/16",
            "192.88.99.0/24",
        ),
    ),
)
_KINDS = tuple((kind, tuple(map(ip_network, texts))) for kind, texts in _SPECIAL)
_RESERVED = "a reserved address"
_IPV6_PUBLIC = ip_network("2000::/3")
_IPV6_NOT_PUBLIC = tuple(map(ip_network, ("2001::/23", "2001:db8::/32", "3fff::/20")))
_IPV4_NOT_PUBLIC = ip_network("192.0.0.0/24")


def parsed(text: str) -> Address:
    """The address in `text`; an IPv4 address mapped into IPv6 becomes the former."""
    address = ip_address(text)
    return getattr(address, "ipv4_mapped", None) or address


def is_allowed(address: Address, allowed: Iterable[Network]) -> bool:
    """Whether the operator opened a network that holds this address."""
    return any(address in network for network in allowed)


def forbidden(address: Address) -> str:
    """What kind of address this is, if it is not a public one; "" if it is."""
    for kind, networks in _KINDS:
        if is_allowed(address, networks):
            return kind
    if address.version == 4:
        public = address.is_global and not address.is_reserved and address not in _IPV4_NOT_PUBLIC
    else:
        public = address in _IPV6_PUBLIC and not is_allowed(address, _IPV6_NOT_PUBLIC)
    return "" if public else _RESERVED
