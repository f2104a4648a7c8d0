"""Who sends too much, or sends in vain, reads the answer instead of a broken connection."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
