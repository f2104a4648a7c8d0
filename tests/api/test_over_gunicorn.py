"""What only a real server shows: limits of bodies and requests that are no HTTP."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.api.builder import ERROR_KEYS, check_sentence
from tests.support.processes import SandboxPaywall, Server

OVER = 1024 * 1024 + 1


def exchange(server: Server, request: bytes) -> tuple[int, dict[str, Any]]:
    """Status and problem that answer raw bytes."""
    parts = urlsplit(server.address)
    with socket.create_connection((parts.hostname, parts.port), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while more := connection.recv(65_536):
            answer += more
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def check(status: int, problem: dict[str, Any], wanted: int) -> None:
    assert status == problem["status"] == wanted
    assert list(problem) == ERROR_KEYS
    check_sentence(problem["message"])


@pytest.mark.parametrize("chunked", [False, True], ids=["content-length", "chunked"])
@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("size", [OVER, 8 * OVER])
def test_a_body_over_1_mib_is_refused_with_a_sentence(
    connector: Server, paywall: SandboxPaywall, chunked: bool, kind: str, size: int
) -> None:
    body = b"user=" + b"a" * size

    def in_chunks() -> Iterator[bytes]:
        for start in range(0, len(body), 65_536):
            yield body[start : start + 65_536]

    answer = httpx.post(
        f"{connector.address}/v1/charge",
        content=in_chunks() if chunked else body,
        headers=paywall.bearer | {"Content-Type": kind},
        trust_env=False,
        timeout=20,
    )
    check(answer.status_code, answer.json(), 413)
    assert paywall.asked("charge") == []


def test_a_body_of_just_1_mib_is_read(connector: Server, paywall: SandboxPaywall) -> None:
    start, end = b'{"user": "ann", "zzz": "', b'"}'
    body = start + b"a" * (OVER - 1 - len(start) - len(end)) + end
    answer = httpx.post(
        f"{connector.address}/v1/charge",
        content=body,
        headers=paywall.bearer | {"Content-Type": "application/json"},
        trust_env=False,
    )
    check(answer.status_code, answer.json(), 422)


@pytest.mark.parametrize(
    ("request_", "wanted"),
    [
        (b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX-API-Key: a\x00b\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET /v1/me?" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        (b"GET /v1/me HTTP/1.1\r\nHost: x\r\nX-Long: " + b"a" * 9_000 + b"\r\n\r\n", 431),
        (b"POST /v1/charge HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", 400),
        (b"GET /v1/nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 404),
        (b"BREW /v1/charge HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 405),
    ],
    ids=["nul", "nonsense", "long address", "long header", "length", "unknown", "method"],
)
def test_what_is_no_proper_request_gets_the_same_error_shape(
    connector: Server, request_: bytes, wanted: int
) -> None:
    check(*exchange(connector, request_), wanted)


def test_a_body_that_ends_too_early_is_malformed(
    connector: Server, paywall: SandboxPaywall
) -> None:
    head = (
        "POST /v1/charge HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {paywall.key}\r\nContent-Length: 500\r\nConnection: close\r\n\r\n"
    )
    status, problem = exchange(connector, head.encode() + b'{"user": "ann", "amount": "1"')
    check(status, problem, 400)
    assert paywall.asked("charge") == []
