"""Both transports say the same about the same bytes."""

from __future__ import annotations

import httpx
import pytest

from connector.deadline import Deadline
from connector.upstream.connecting import Clock
from connector.upstream.fallback import FallbackTransport
from connector.upstream.transport import Transport
from tests.upstream.faulty_upstream import dripping, leaving, running_faulty_upstream
from tests.upstream.odd_answers import ODD, STRICTER

Told = tuple[int | None, list[tuple[str, str]], bytes, str]
TLS = httpx.create_ssl_context()


@pytest.fixture(autouse=True)
def network() -> None:
    """Each test here has both anyway."""


def told(
    kind: type[Transport | FallbackTransport], url: str, method: str, seconds: float = 5.0
) -> Told:
    """Status, headers, what was read of the body, and how it ended."""
    clock = Clock(5.0)
    clock.deadline = Deadline(seconds)
    transport = kind(clock, TLS)
    request = httpx.Request(method, url)
    status: int | None = None
    headers: list[tuple[str, str]] = []
    body = b""
    try:
        response = transport.handle_request(request)
        status, headers = response.status_code, _that_matter(response.headers)
        for piece in response.iter_raw():
            body += piece
        ended = "whole"
    except httpx.HTTPError as error:
        ended = type(error).__name__
    finally:
        transport.close()
    return status, headers, body, ended


def _that_matter(headers: httpx.Headers) -> list[tuple[str, str]]:
    """Without the transfer coding, which ends here and whose case h11 changes; the spaces in a fold
    are as good as one."""
    return sorted(
        (name, " ".join(value.split()))
        for name, value in headers.multi_items()
        if name != "transfer-encoding"
    )


def both(answer: bytes, method: str) -> tuple[Told, Told]:
    with running_faulty_upstream(leaving(answer)) as faulty:
        return told(Transport, faulty.url, method), told(FallbackTransport, faulty.url, method)


def refused_by_c(answer: bytes) -> bool:
    """Whether it is one of the few that only h11 takes, and small enough for h11 too."""
    return len(answer) < 100_000 and any(
        part in answer for parts in STRICTER.values() for part in parts
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("name", ODD)
def test_both_say_the_same(name: str, method: str) -> None:
    lean, fallback = both(ODD[name], method)
    if refused_by_c(ODD[name]):
        assert (lean, fallback[3]) == ((None, [], b"", "RemoteProtocolError"), "whole")
    else:
        assert lean == fallback


def test_an_answer_that_drips_is_late_for_both() -> None:
    with running_faulty_upstream(
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n")
    ) as faulty:
        for kind in (Transport, FallbackTransport):
            status, _, _, ended = told(kind, faulty.url, "GET", seconds=0.4)
            assert (status, ended) == (200, "ReadTimeout")
