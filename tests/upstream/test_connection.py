"""What happens to a connection: kept, checked, dropped; and what never leaves on it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from connector.errors import UpstreamUnreachable
from connector.upstream import Client
from tests.upstream.calls import balance, failure
from tests.upstream.faulty_upstream import (
    answering,
    hang_up,
    http,
    in_turn,
    leaving,
    running_faulty_upstream,
    saying,
    upstream_at,
)

GOOD = {"balance": "1", "balanceFormatted": "$1"}
STREAM = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"


def test_a_stream_is_given_on_as_it_comes_and_half_read_drops_the_connection() -> None:
    with running_faulty_upstream(in_turn(saying(STREAM), answering(GOOD))) as faulty:
        client = Client(faulty.url)
        for connections in (1, 2):
            answer = client.stream("GET", "/models", key="k", content=None, headers={})
            assert next(answer.chunks())
            answer.close()
            assert faulty.connections == connections
        hang_up(client)
        assert faulty.gone.acquire(timeout=5)
        assert faulty.gone.acquire(timeout=5)


def test_a_stream_read_to_its_end_keeps_the_connection() -> None:
    with running_faulty_upstream(saying(STREAM + b"0\r\n\r\n")) as faulty:
        client = Client(faulty.url)
        for _ in range(3):
            answer = client.stream("GET", "/models", key="k", content=None, headers={})
            assert answer.whole() == b"abc"
            answer.close()
        assert faulty.connections == 1
        hang_up(client)


@pytest.mark.parametrize("end", [b"Connection: close\r\n", b""])
def test_an_announced_end_is_believed(end: bytes) -> None:
    version = b"1.1" if end else b"1.0"
    body = b'{"balance": "1"}'
    head = b"HTTP/" + version + b" 200 OK\r\n" + end + b"Content-Length: 16\r\n\r\n"
    with running_faulty_upstream(saying(head + body)) as faulty, upstream_at(faulty.url) as up:
        for _ in range(2):
            assert balance(up).raw == "1"
        assert faulty.connections == 2


def test_a_refusal_of_a_large_request_is_told() -> None:
    with running_faulty_upstream(leaving(http(413, b"{}"))) as faulty:
        client = Client(faulty.url)
        answer = client.stream(
            "POST", "/chat/completions", key="k", content=b"x" * 2_000_000, headers={}
        )
        assert answer.status == 413
        answer.close()
        hang_up(client)


@pytest.mark.parametrize("key", ["k\r\nX-Evil: 1", "k\n", "k\x00", " "])
def test_a_key_that_would_be_another_header_is_never_sent(key: str) -> None:
    with (
        running_faulty_upstream(answering(GOOD)) as faulty,
        upstream_at(faulty.url, key=key) as upstream,
        pytest.raises(UpstreamUnreachable),
    ):
        balance(upstream)
    assert faulty.asked == []


def test_a_host_without_tls_did_nothing() -> None:
    with running_faulty_upstream(leaving(b"no TLS here")) as faulty:
        error = failure(faulty.url.replace("http:", "https:"), balance)
        assert isinstance(error, UpstreamUnreachable)


def test_without_the_c_parser_httpx_sends() -> None:
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.modules['gunicorn_h1c'] = None\n"
            "from connector.upstream import wire; print(wire.network.__name__)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "FallbackTransport"
