"""What is said on both wires besides calls of tools, and what each refuses."""

from __future__ import annotations

from typing import Any

import pytest

from connector.catalog.actions import actions
from tests.api.builder import Builder
from tests.mcp.agent import NEWER, OLDER, ask, error, post, result

WIRES = pytest.mark.parametrize("wire", [OLDER, NEWER])
META = "io.modelcontextprotocol/protocolVersion"


def walk(schema: Any) -> list[dict[str, Any]]:
    """A schema and all that stand in it."""
    parts = list(schema.get("properties", {}).values())
    parts += [schema["items"]] if "items" in schema else []
    return [schema, *(inner for part in parts for inner in walk(part))]


@WIRES
def test_every_action_is_a_tool(builder: Builder, wire: str) -> None:
    tools = result(ask(builder, wire, "tools/list"))["tools"]
    assert [tool["name"] for tool in tools] == [action.key for action in actions()]
    for tool in tools:
        assert tool["description"].startswith(tool["description"][0].upper())
        for schema in (tool["inputSchema"], tool["outputSchema"]):
            assert schema["type"] == "object"
            for part in walk(schema):
                assert isinstance(part["type"], str)
                assert not {"$ref", "anyOf", "oneOf", "$defs"} & part.keys()


def test_a_client_learns_which_tools_move_money(builder: Builder) -> None:
    tools = result(ask(builder, OLDER, "tools/list"))["tools"]
    hints = {tool["name"]: tool["annotations"] for tool in tools}
    reads = {name for name, hint in hints.items() if hint["readOnlyHint"]}
    careful = {name for name, hint in hints.items() if hint["destructiveHint"]}
    again = {name for name, hint in hints.items() if hint["idempotentHint"]}
    assert reads == {"usage", "balance", "connection", "transactions", "models", "me"}
    assert careful == {"charge", "use", "chat", "refund", "deposit", "disconnect"}
    assert again == reads | {"charge", "use", "refund", "deposit", "topup_link"}
    assert {tool["name"]: tool["title"] for tool in tools}["charge"] == "Charge User"


def test_models_are_told_to_repeat_with_the_same_reference(builder: Builder) -> None:
    tools = {tool["name"]: tool for tool in result(ask(builder, OLDER, "tools/list"))["tools"]}
    for name in ("charge", "use", "deposit"):
        told = tools[name]["inputSchema"]["properties"]["reference"]["description"]
        assert "Send the same value when you repeat this call" in told
        assert "a new one for a new purchase" in told
        assert "unique" not in told


@pytest.mark.parametrize(
    ("asked", "agreed"),
    [
        ("2025-11-25", "2025-11-25"),
        ("2025-06-18", "2025-06-18"),
        ("2025-03-26", "2025-03-26"),
        ("2024-11-05", "2025-11-25"),
        ("2026-07-28", "2025-11-25"),
        (None, "2025-11-25"),
    ],
)
def test_a_handshake_agrees_on_a_version(builder: Builder, asked: str | None, agreed: str) -> None:
    body = {"jsonrpc": "2.0", "id": 7, "method": "initialize", "params": {"protocolVersion": asked}}
    told = result(post(builder, body))
    assert told["protocolVersion"] == agreed
    assert told["serverInfo"]["name"] == "paywalls-connector"
    assert told["capabilities"] == {"tools": {"listChanged": False}}
    ready = post(builder, {"jsonrpc": "2.0", "method": "notifications/initialized"})
    assert (ready.status_code, ready.data) == (202, b"")
    assert result(post(builder, {"jsonrpc": "2.0", "id": 7, "method": "ping"})) == {}


def test_the_stateless_wire_tells_all_about_itself(builder: Builder) -> None:
    told = result(ask(builder, NEWER, "server/discover"))
    assert told["supportedVersions"] == [NEWER]
    listed = result(ask(builder, NEWER, "tools/list"))
    for one in (told, listed):
        assert one["resultType"] == "complete"
        assert (one["ttlMs"], one["cacheScope"]) == (300_000, "private")
        assert one["_meta"]["io.modelcontextprotocol/serverInfo"]["name"] == "paywalls-connector"
    assert "ttlMs" not in result(ask(builder, OLDER, "tools/list"))


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("MCP-Protocol-Version", "2025-11-25"),
        ("Mcp-Method", "tools/list"),
        ("Mcp-Method", ""),
        ("Mcp-Name", "charge"),
        ("Mcp-Name", "=?base64?!!?="),
        ("Mcp-Name", ""),
    ],
)
def test_a_header_that_says_something_else_is_refused(
    builder: Builder, header: str, value: str
) -> None:
    sent = {"name": "balance", "arguments": {"user": "ann"}}
    answer = ask(builder, NEWER, "tools/call", {header: value}, **sent)
    assert f"“{header}” must say the same" in error(answer, 400, -32020)
    assert builder.operations() == []


def test_a_name_in_base64_is_the_same_name(builder: Builder) -> None:
    sent = {"name": "balance", "arguments": {"user": "ann"}}
    answer = ask(builder, NEWER, "tools/call", {"Mcp-Name": "=?base64?YmFsYW5jZQ==?="}, **sent)
    assert result(answer)["isError"] is False


@pytest.mark.parametrize("version", ["2024-11-05", "2099-01-01", "x", ""])
def test_a_version_that_is_not_spoken_is_refused_with_those_that_are(
    builder: Builder, version: str
) -> None:
    answer = ask(builder, version, "tools/list")
    assert "is not spoken here" in error(answer, 400, -32022)
    assert "2026-07-28" in answer.get_json()["error"]["data"]["supported"]


@pytest.mark.parametrize("left_out", ["protocolVersion", "clientCapabilities"])
def test_the_stateless_wire_wants_to_know_its_client(builder: Builder, left_out: str) -> None:
    told = {"protocolVersion": NEWER, "clientCapabilities": {}}
    meta = {f"io.modelcontextprotocol/{k}": v for k, v in told.items() if k != left_out}
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/list", "params": {"_meta": meta}}
    headers = {"MCP-Protocol-Version": NEWER, "Mcp-Method": "tools/list"}
    assert left_out in error(post(builder, body, headers), 400, -32602)


@pytest.mark.parametrize(
    ("body", "code", "sentence"),
    [
        (b"{", -32700, "not valid JSON"),
        (b"", -32700, "not valid JSON"),
        (b"\xff", -32000, "UTF-8"),
        (b'{"jsonrpc": "2.0", "id": 1, "id": 2, "method": "ping"}', -32600, "more than once"),
        (b"7", -32600, "no message"),
        (b"{}", -32600, "no message"),
        (b'{"jsonrpc": "1.0", "id": 1, "method": "ping"}', -32600, "no message"),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "ping"}]', -32600, "in its own request"),
        (b"[]", -32600, "in its own request"),
        (b'{"jsonrpc": "2.0", "id": true, "method": "ping"}', -32600, "text or a number"),
        (b'{"jsonrpc": "2.0", "id": null, "method": "ping"}', -32600, "text or a number"),
        (b'{"jsonrpc": "2.0", "id": 1, "method": 7}', -32600, "no “method”"),
        (b'{"jsonrpc": "2.0", "id": 1, "result": {}}', -32600, "no “method”"),
        (b'{"jsonrpc": "2.0", "id": 1, "method": "ping", "params": [1]}', -32602, "an object"),
    ],
)
def test_what_is_no_message_is_told_what_one_is(
    builder: Builder, body: bytes, code: int, sentence: str
) -> None:
    answer = post(builder, body)
    assert sentence in error(answer, answer.status_code, code)
    assert answer.status_code in (400, 415)


@WIRES
def test_a_method_that_is_not_there(builder: Builder, wire: str) -> None:
    there_not = "initialize" if wire == NEWER else "server/discover"
    for method in (there_not, "resources/list", "nothing"):
        answer = ask(builder, wire, method)
        assert "only tools" in error(answer, 404 if wire == NEWER else 200, -32601)


@WIRES
def test_a_tool_that_is_not_there_is_told_those_that_are(builder: Builder, wire: str) -> None:
    answer = ask(builder, wire, "tools/call", name="pay", arguments={})
    assert "The tools are: charge, use" in error(answer, 400 if wire == NEWER else 200, -32602)
    answer = ask(builder, wire, "tools/call", name="balance", arguments=["ann"])
    assert "must be an object" in error(answer, 400 if wire == NEWER else 200, -32602)
    answer = ask(builder, wire, "tools/list", cursor="x")
    assert "one page" in error(answer, 400 if wire == NEWER else 200, -32602)


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "OPTIONS", "HEAD"])
def test_only_post_is_answered(builder: Builder, method: str) -> None:
    answer = builder.client.open("/mcp", method=method, headers=builder.bearer)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"


@WIRES
@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "localhost"),
        ("http://evil.example", "evil.example"),
        ("http://localhost:9", "localhost"),
        ("null", "localhost"),
        ("http://[", "localhost"),
    ],
)
def test_a_page_of_another_address_is_refused(
    builder: Builder, wire: str, origin: str, host: str
) -> None:
    answer = ask(builder, wire, "tools/list", {"Origin": origin, "Host": host})
    assert answer.status_code == 403
    assert answer.get_json()["error"]["data"]["code"] == "foreign_origin"


def test_a_page_of_this_machine_may_ask_a_connector_on_it(builder: Builder) -> None:
    headers = {"Origin": "http://localhost:8000", "Host": "localhost:8000"}
    assert result(ask(builder, OLDER, "tools/list", headers))["tools"]


@pytest.mark.parametrize(
    "headers", [{}, {"Authorization": "Basic x"}, {"Authorization": "Bearer "}]
)
def test_without_a_key_it_is_a_401(builder: Builder, headers: dict[str, str]) -> None:
    answer = builder.client.post("/mcp", json={}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("query", ["user=ann", "user=jos%E9", "x"])
def test_the_address_takes_no_values(builder: Builder, query: str) -> None:
    answer = builder.client.post(f"/mcp?{query}", json={}, headers=builder.bearer)
    assert "address" in error(answer, 400, -32000)


def test_a_key_in_the_address_is_refused(builder: Builder) -> None:
    answer = builder.client.post(f"/mcp?api_key={builder.key}", json={}, headers=builder.bearer)
    assert answer.status_code == 400
    assert builder.key not in answer.text
