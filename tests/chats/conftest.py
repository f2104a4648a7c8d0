"""A paywall, an empty database of each kind and connectors in this process."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import httpx
import pytest

from connector.sandbox import create_sandbox
from tests.chats.chat_client import ChatClient
from tests.chats.rows import ChatRows
from tests.ledger.conftest import database, emptied, upstream
from tests.support.connected_app import Line
from tests.support.processes import SandboxPaywall

__all__ = ["client", "database", "emptied", "open_client", "paywall", "rows", "upstream"]

OpenClient = Callable[..., ChatClient]


@pytest.fixture
def line() -> Line:
    """The way to a sandbox in this process."""
    return Line(create_sandbox())


@pytest.fixture
def paywall(line: Line) -> Iterator[SandboxPaywall]:
    """A paywall whose user `ann` has a balance of 10."""
    name = f"test-{secrets.token_hex(8)}"
    paywall = SandboxPaywall("http://sandbox.example", name, transport=line)
    paywall.user("ann", balance="10")
    yield paywall
    paywall.close()


@pytest.fixture
def rows(emptied: str) -> Iterator[ChatRows]:
    """The database's chats, seen from behind."""
    rows = ChatRows(emptied)
    yield rows
    rows.close()


@pytest.fixture
def open_client(emptied: str, paywall: SandboxPaywall, line: Line) -> Iterator[OpenClient]:
    """Starts one more connector on the database; `transport` is the way upstream."""
    opened: list[ChatClient] = []

    def open_client(transport: httpx.BaseTransport = line, **settings: str) -> ChatClient:
        opened.append(ChatClient(emptied, transport, paywall, **settings))
        return opened[-1]

    yield open_client
    for client in opened:
        client.close()


@pytest.fixture
def client(open_client: OpenClient) -> ChatClient:
    """A connector on an empty database."""
    return open_client()
