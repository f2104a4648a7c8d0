"""Hosts with several addresses, and with IPv6 ones."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.upstream.calls import balance
from tests.upstream.faulty_upstream import (
    FaultyUpstream,
    answering,
    running_faulty_upstream,
    upstream_at,
)

GOOD = answering({"balance": "1", "balanceFormatted": "$1"})


def _has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not _has_ipv6(), reason="this machine has no IPv6 address ::1")


def named(monkeypatch: pytest.MonkeyPatch, faulty: FaultyUpstream, *addresses: str) -> str:
    """The address of the server by a name that stands for these addresses."""
    real = socket.getaddrinfo
    known = [row for one in addresses for row in real(one, faulty.port, type=socket.SOCK_STREAM)]

    def resolved(host: str, *rest: Any, **more: Any) -> list[Any]:
        return known if host == "several.example" else real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    return f"http://several.example:{faulty.port}/v1"


@needs_ipv6
def test_an_ipv6_address_is_asked_over_one_connection() -> None:
    with (
        running_faulty_upstream(GOOD, ipv6=True) as faulty,
        upstream_at(faulty.url) as upstream,
    ):
        for _ in range(3):
            assert balance(upstream).formatted == "$1"
        assert faulty.connections == 1
        assert f"host: [::1]:{faulty.port}\r\n".encode() in faulty.asked[0].lower()


@pytest.mark.parametrize("dead", ["127.0.0.2", pytest.param("::1", marks=needs_ipv6)])
def test_where_the_first_address_refuses_the_second_is_asked(
    dead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_faulty_upstream(GOOD) as faulty:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((dead, faulty.port))
        url = named(monkeypatch, faulty, dead, "127.0.0.1")
        with upstream_at(url) as upstream:
            assert balance(upstream).formatted == "$1"
        assert faulty.connections == 1
