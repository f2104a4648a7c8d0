"""An agent's client for the shape of what is said, over both wires."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

from tests.api.builder import Builder

OLDER, NEWER = "2025-11-25", "2026-07-28"
_META = "io.modelcontextprotocol/"


def post(who: Builder, body: object, headers: dict[str, str] | None = None) -> TestResponse:
    """POST a message, or bytes as they are, with the builder's key."""
    sent = {"data": body} if isinstance(body, bytes) else {"json": body}
    return who.client.post(
        "/mcp",
        headers={"Content-Type": "application/json"} | who.bearer | (headers or {}),
        **sent,
    )


def ask(
    who: Builder, wire: str, method: str, headers: dict[str, str] | None = None, **params: Any
) -> TestResponse:
    """Send a request as a client of this version does; `headers` replace its own."""
    own = {"MCP-Protocol-Version": wire}
    if wire == NEWER:
        own["Mcp-Method"] = method
        if "name" in params:
            own["Mcp-Name"] = params["name"]
        params["_meta"] = {f"{_META}protocolVersion": wire, f"{_META}clientCapabilities": {}}
    message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
    return post(who, message, own | (headers or {}))


def result(answer: TestResponse) -> dict[str, Any]:
    """The result in an answer that has one."""
    assert answer.status_code == 200, answer.text
    assert answer.content_type == "application/json"
    told = answer.get_json()
    assert (told["jsonrpc"], told["id"]) == ("2.0", 7)
    assert "result" in told, told
    found: dict[str, Any] = told["result"]
    return found


def call(who: Builder, wire: str, name: str, /, **arguments: Any) -> dict[str, Any]:
    """The result of a tool."""
    return result(ask(who, wire, "tools/call", name=name, arguments=arguments))


def said(told: dict[str, Any]) -> str:
    """The sentence of a tool that failed."""
    assert told["isError"] is True, told
    assert "structuredContent" not in told
    (content,) = told["content"]
    assert content["type"] == "text"
    text: str = content["text"]
    return text


def error(answer: TestResponse, status: int, code: int) -> str:
    """The sentence of a JSON-RPC error."""
    assert answer.status_code == status, answer.text
    told = answer.get_json()
    assert told["jsonrpc"] == "2.0"
    assert told["error"]["code"] == code, told
    message: str = told["error"]["message"]
    return message
