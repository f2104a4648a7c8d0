"""Who sends too much, or sends in vain, reads the answer instead of a broken connection."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from flask import Flask, request
from werkzeug.test import EnvironBuilder, run_wsgi_app

from connector.api import body_limits
from tests.support import node
from tests.support.processes import SandboxPaywall, Server

SCRIPT = Path(__file__).parent / "large_body.js"
CHATS = "/openai/v1/chat/completions"


def by_node(server: Server, path: str, key: str, megabytes: int) -> list[str]:
    """What each of Node's clients gets: status and body, or the code of an error."""
    program = [str(node.BIN / "node"), str(SCRIPT)]
    arguments = [server.address + path, key, str(megabytes)]
    answers: list[str] = json.loads(node.run(program + arguments, SCRIPT.parent, seconds=60))
    return answers


@pytest.mark.parametrize(
    ("path", "megabytes", "says"),
    [
        (CHATS, 21, "fewer or smaller images"),
        (CHATS, 60, "fewer or smaller images"),
        ("/v1/chat/completions", 21, "fewer or smaller images"),
        ("/v1/charge", 2, "at most 1 MB"),
        ("/v1/triggers/any_event", 4, "at most 1 MB"),
    ],
)
def test_node_reads_what_was_too_much(
    connector: Server, paywall: SandboxPaywall, path: str, megabytes: int, says: str
) -> None:
    for answer in by_node(connector, path, paywall.key, megabytes):
        assert answer.startswith("413 "), answer
        assert says in answer


@pytest.mark.parametrize(
    ("path", "megabytes", "status"),
    [(CHATS, 15, 401), ("/openai/v1/images/edits", 30, 404), ("/v1/charge", 1, 401)],
)
def test_node_reads_why_its_large_body_was_in_vain(
    connector: Server, path: str, megabytes: int, status: int
) -> None:
    for answer in by_node(connector, path, "", megabytes):
        assert answer.startswith(f"{status} "), answer


def test_a_chat_in_chunks_may_be_as_large_as_any(
    connector: Server, paywall: SandboxPaywall
) -> None:
    for answer in by_node(connector, CHATS, paywall.key, 5):
        assert answer.startswith("400 "), answer  # spaces are no JSON
        assert "JSON" in answer


def test_the_same_connection_goes_on_after_a_refusal(
    connector: Server, paywall: SandboxPaywall
) -> None:
    parts = urlsplit(connector.address)
    head = f"Host: x\r\nAuthorization: Bearer {paywall.key}\r\n"
    with socket.create_connection((parts.hostname, parts.port), timeout=20) as connection:
        connection.sendall(
            f"POST /v1/charge HTTP/1.1\r\n{head}Content-Length: 2000000\r\n\r\n".encode()
            + b"x" * 2_000_000
        )
        answers = connection.makefile("rb")
        assert b" 413 " in answers.readline()
        length = 0
        while line := answers.readline().strip():
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        answers.read(length)
        connection.sendall(f"GET /v1/me HTTP/1.1\r\n{head}\r\n".encode())
        assert b" 200 " in answers.readline()


class Endless:
    """A body that never ends; `read` counts what was taken."""

    def __init__(self) -> None:
        self.taken = 0

    def read(self, size: int) -> bytes:
        self.taken += size
        return b"x" * size


@pytest.mark.parametrize(
    ("path", "limit"), [("/v1/charge", body_limits.BODY_MAX), (CHATS, 20_000_000)]
)
def test_no_more_than_a_bounded_part_is_thrown_away(app: Flask, path: str, limit: int) -> None:
    endless = Endless()
    environ = EnvironBuilder(path=path, method="POST").get_environ()
    environ |= {"wsgi.input": endless, "CONTENT_LENGTH": str(10**12)}
    _, status, _ = run_wsgi_app(app, environ)
    assert status.startswith(("401", "413"))
    assert limit < endless.taken <= body_limits.DRAIN_TIMES * limit + 65_536


def test_throwing_away_takes_no_longer_than_its_time(app: Flask) -> None:
    endless = Endless()
    environ = EnvironBuilder(path="/v1/charge", method="POST").get_environ()
    environ |= {"wsgi.input": endless, "CONTENT_LENGTH": str(10**12)}
    with app.request_context(environ):
        body_limits.drain(request, 0.0)
    assert endless.taken == 0
