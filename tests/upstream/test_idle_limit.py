"""A stream has no deadline, but may not be silent for longer than `idle` seconds."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from connector.errors import UpstreamTimeout
from connector.upstream import Client
from tests.upstream.faulty_upstream import (
    Talk,
    hang_up,
    running_faulty_upstream,
    saying,
    silent,
)

IDLE = 0.2
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"


def pieces(url: str, idle: float, content: bytes = b"{}") -> Iterator[bytes]:
    """What comes of a stream, as it comes."""
    client = Client(url, idle=idle)
    try:
        answer = client.stream("POST", "/chat/completions", key="k", content=content, headers={})
        try:
            yield from answer.chunks()
        finally:
            answer.close()
    finally:
        hang_up(client)


@pytest.mark.parametrize(
    "talk",
    [silent, saying(HEAD[:20]), saying(HEAD), saying(HEAD + b"data: 1\n\n")],
    ids=["nothing", "half a head", "a head", "a piece"],
)
def test_silence_ends_a_stream(talk: Talk) -> None:
    with running_faulty_upstream(talk) as faulty:
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout) as late:
            list(pieces(faulty.url, IDLE))
        assert IDLE <= time.monotonic() - began < IDLE + 5
        assert not late.value.retryable
        assert len(faulty.asked) == 1


def test_each_byte_starts_the_limit_anew() -> None:
    """Gaps far below the limit, which together are longer; then silence."""
    idle, gap, more = 2.0, 0.25, 9

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(HEAD)
        for _ in range(more):
            over.wait(gap)
            connection.sendall(b"x")
        over.wait(60)

    came = []

    def read(url: str) -> None:
        for piece in pieces(url, idle):
            came.append((piece, time.monotonic()))

    with running_faulty_upstream(talk) as faulty:
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            read(faulty.url)
        ended, last = time.monotonic(), came[-1][1]
        assert b"".join(piece for piece, _ in came) == b"x" * more
        assert last - began >= gap * more > idle
        assert ended - last >= idle


def test_a_request_that_nobody_takes_ends_too() -> None:
    with running_faulty_upstream(silent, takes_body=False) as faulty:
        began = time.monotonic()
        with pytest.raises(UpstreamTimeout):
            list(pieces(faulty.url, IDLE, b"x" * 20_000_000))
        assert IDLE <= time.monotonic() - began < IDLE + 5
        assert len(faulty.asked) == 1
