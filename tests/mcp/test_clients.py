"""The clients that agents use, as they are: each charges a user at a running connector."""

from __future__ import annotations

import json
import secrets
from decimal import Decimal
from typing import Any

import pytest

from tests.mcp import software
from tests.support import node
from tests.support.processes import SandboxPaywall, Server

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("mcp")]
CLIENTS = pytest.mark.parametrize(
    ("major", "mode", "version"),
    [(1, "legacy", "2025-11-25"), (2, "legacy", "2025-11-25"), (2, "auto", "2026-07-28")],
)


def charge(user: str = "ann") -> dict[str, str]:
    """A charge for something new: the connector remembers what other tests paid."""
    return {"user": user, "amount": "0.25", "reference": f"order-{secrets.token_hex(4)}"}


def call(
    connector: Server, key: str, major: int, mode: str, tool: str, **arguments: object
) -> dict[str, Any]:
    """What the Python SDK of this major sees of a tool."""
    script = software.CLIENTS / f"sdk{major}.py"
    words = [f"{connector.address}/mcp", tool, json.dumps(arguments), mode]
    env = node.environment(MCP_KEY=key)
    command = [str(software.python(major)), str(script), *words]
    told: dict[str, Any] = json.loads(node.run(command, software.CLIENTS, seconds=120, env=env))
    return told


@CLIENTS
def test_the_python_sdk_charges_a_user(
    connector: Server, paywall: SandboxPaywall, major: int, mode: str, version: str
) -> None:
    paywall.user("ann", balance="1")
    values = charge()
    first, again = (call(connector, paywall.key, major, mode, "charge", **values) for _ in range(2))
    assert first["version"] == version
    assert "charge" in first["tools"]
    assert (first["failed"], first["structured"]["outcome"]) == (False, "charged")
    assert again["structured"]["duplicate"] is True
    assert paywall.balance("ann") == Decimal("0.75")


@CLIENTS
def test_the_python_sdk_sees_refusals_lists_and_failures(
    connector: Server, paywall: SandboxPaywall, major: int, mode: str, version: str
) -> None:
    """It checks what it is told against the tool's own schema."""
    paywall.user("poor", balance="0")
    refused = call(connector, paywall.key, major, mode, "charge", **charge("poor"))
    assert (refused["failed"], refused["structured"]["outcome"]) == (False, "topup_required")
    assert refused["structured"]["action_url"].startswith("http")
    models = call(connector, paywall.key, major, mode, "models")
    assert models["structured"]["items"][0]["id"]
    failed = call(connector, paywall.key, major, mode, "charge", user="ann", amount="1")
    assert (failed["failed"], failed["structured"]) == (True, None)
    assert "Fill in “Reference”" in failed["text"]


def test_the_inspector_charges_a_user(connector: Server, paywall: SandboxPaywall) -> None:
    paywall.user("ann", balance="1")
    address = f"{connector.address}/mcp"
    header = ["--header", f"Authorization: Bearer {paywall.key}"]
    command = [*software.program("mcp-inspector"), "--cli", address, "--transport", "http", *header]
    listed = node.run([*command, "--method", "tools/list"], software.CLIENTS, seconds=120)
    assert '"charge"' in listed
    pairs = [f"{name}={value}" for name, value in charge().items()]
    words = ["--method", "tools/call", "--tool-name", "charge", "--tool-arg", *pairs]
    told = node.run([*command, *words], software.CLIENTS, seconds=120)
    assert '"charged"' in told
    assert paywall.balance("ann") == Decimal("0.75")
