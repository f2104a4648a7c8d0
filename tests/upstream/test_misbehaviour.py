"""Upstream misbehaves over real sockets: the right error, in time."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from connector.errors import (
    UpstreamBroken,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from connector.upstream import Upstream
from connector.upstream.client import ANSWER_MAX
from tests.upstream.calls import CALLS, Ask, balance, chat, failure
from tests.upstream.faulty_upstream import (
    Talk,
    answering,
    dripping,
    endless,
    http,
    in_turn,
    leaving,
    running_faulty_upstream,
    saying,
    silent,
    taken,
    upstream_at,
)


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: a connection to it is never made."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = []
        for _ in range(8):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(address)
            waiting.append(one)
        yield address[1]
        for one in waiting:
            one.close()


@pytest.mark.parametrize("ask", CALLS)
def test_a_refused_connection_did_nothing(closed_port: int, ask: Ask) -> None:
    error = failure(f"http://127.0.0.1:{closed_port}/v1", ask)
    assert isinstance(error, UpstreamUnreachable)
    assert (error.status, error.retryable, error.nothing_happened) == (503, True, True)


@pytest.mark.parametrize("ask", CALLS)
def test_an_unknown_name_did_nothing(ask: Ask) -> None:
    error = failure("http://no-such-host.invalid/v1", ask, seconds=10)
    assert isinstance(error, UpstreamUnreachable)
    assert error.retryable


@pytest.mark.parametrize("ask", CALLS)
def test_a_connection_that_is_never_made_did_nothing(full_port: int, ask: Ask) -> None:
    error = failure(f"http://127.0.0.1:{full_port}/v1", ask)
    assert isinstance(error, UpstreamUnreachable)


def test_a_host_with_many_dead_addresses_takes_no_longer(
    full_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
    many = [(*row, (f"127.0.0.{n}", full_port)) for n in range(1, 9)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: many)
    error = failure(f"http://many.example:{full_port}/v1", balance)
    assert isinstance(error, UpstreamUnreachable)


@pytest.mark.parametrize(
    "talk",
    [
        silent,
        dripping(b""),
        dripping(b"HTTP/1.1 200 OK\r\nX-Slow: "),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n"),
        saying(b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["silence", "bytes", "headers", "body", "chunks", "continue"],
)
@pytest.mark.parametrize("ask", CALLS)
def test_the_deadline_holds_for_the_whole_call(talk: Talk, ask: Ask) -> None:
    with running_faulty_upstream(talk) as faulty:
        error = failure(faulty.url, ask)
        assert isinstance(error, UpstreamTimeout | UpstreamBroken)
        assert not error.nothing_happened
        assert error.retryable is (ask is not chat)
        assert len(faulty.asked) == 1


def test_the_deadline_holds_while_a_large_request_is_taken_slowly() -> None:
    def talk(connection: socket.socket, over: threading.Event) -> None:
        while not over.wait(0.01):
            taken(connection, 65_536)

    def large_chat(upstream: Upstream) -> Any:
        return upstream.chat({"model": "m", "messages": ["x" * 40_000_000], "user": "ann"})

    with running_faulty_upstream(talk, takes_body=False) as faulty:
        error = failure(faulty.url, large_chat)
        assert isinstance(error, UpstreamTimeout)
        assert len(faulty.asked) == 1


@pytest.mark.parametrize(
    "talk",
    [
        leaving(),
        leaving(b"HTTP/1.1 200 OK\r\n"),
        leaving(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"success": true'),
        leaving(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        leaving(b"SSH-2.0-OpenSSH_9.6\r\n"),
        leaving(b"\x00\xff" * 500),
        saying(http(200, b"<html>Bad gateway</html>")),
        saying(http(200, b"")),
        saying(http(200, b'{"success": true')),
        saying(http(200, b"[1, 2]")),
        saying(http(200, b'"yes"')),
        saying(http(200, b'{"success": NaN}')),
        saying(http(200, b'{"success": "yes", "balance' + b"\xff" + b'": 1}')),
        saying(http(200, b"[" * 100_000)),
        saying(http(200, b'{"success": 1e99999999999999999999}')),
        saying(http(204, b"")),
        answering({"unexpected": True}),
        answering({"success": 1, "choices": {}, "url": ""}),
    ],
)
@pytest.mark.parametrize("ask", CALLS)
def test_a_broken_answer_leaves_doubt(talk: Talk, ask: Ask) -> None:
    with running_faulty_upstream(talk) as faulty:
        error = failure(faulty.url, ask, seconds=0.9)
        assert isinstance(error, UpstreamBroken)
        assert (error.status, error.nothing_happened) == (502, False)
        assert error.retryable is (ask is not chat)
        assert len(faulty.asked) == 1


@pytest.mark.parametrize("ask", CALLS)
def test_an_endless_answer_is_given_up(ask: Ask) -> None:
    with running_faulty_upstream(endless) as faulty:
        error = failure(faulty.url, ask, seconds=5)
        assert isinstance(error, UpstreamBroken)
    assert ANSWER_MAX < 10**7


def test_a_redirect_is_not_followed() -> None:
    with running_faulty_upstream(answering({}, 302, "Location: /v1/user/balance")) as faulty:
        error = failure(faulty.url, balance)
        assert isinstance(error, UpstreamBroken)
        assert error.retryable is False
        assert "CONNECTOR_UPSTREAM_URL" in error.message
        assert len(faulty.asked) == 1


@pytest.mark.parametrize(
    "surplus",
    [
        http(200, b'{"balanceFormatted": "999 credits"}'),
        http(200, b'{"balanceFormatted": "999 credits"}')[:20],
        b"x",
        b"\r\n\r\n",
    ],
)
def test_what_stands_behind_an_answer_is_never_the_next_ones(surplus: bytes) -> None:
    first, second = http(200, b'{"balanceFormatted": "1 credits"}'), b'{"balanceFormatted": "2 x"}'
    with (
        running_faulty_upstream(in_turn(saying(first + surplus), saying(http(200, second)))) as one,
        upstream_at(one.url) as upstream,
    ):
        assert "1" in str(balance(upstream))
        told = str(balance(upstream))
        assert "2" in told
        assert "999" not in told
        assert one.connections == 2
