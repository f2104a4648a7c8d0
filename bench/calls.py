"""The requests that are measured, as raw bytes, and a mark by which a right answer is known."""

from __future__ import annotations

import itertools
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass

KEY = "sk-paywalls-bench-0123456789abcdef"
USER = "user_42"
OLDER_WIRE, NEWER_WIRE = "2025-11-25", "2026-07-28"
"""The versions of MCP: with a handshake, and stateless."""
_ACCEPT = "Accept: application/json\r\n"
_HEAD = f"Host: 127.0.0.1\r\nUser-Agent: bench\r\nAuthorization: Bearer {KEY}\r\n"


@dataclass(frozen=True)
class Call:
    """A request, made anew each time, and the text that stands in every answer that did the work.

    `doubling` is text that must not stand there.
    """

    request: Callable[[], bytes]
    expect: bytes
    doubling: bytes = b"\0"


def balance(user: str = USER) -> Call:
    """`GET /v1/balance`, ours and the pass-through's."""
    return Call(_always(_get(f"/v1/balance?user={user}")), b'"outcome":"sufficient"')


def direct_balance() -> Call:
    """What upstream is asked for a balance."""
    return Call(_always(_get(f"/v1/user/balance?user={USER}")), b'"balanceFormatted"')


def charge() -> Call:
    """`POST /v1/charge`, every request with a reference of its own."""
    run, numbers = secrets.token_hex(4), itertools.count(1)
    body = {"user": USER, "amount": "0.50", "reference": "", "description": "One image"}

    def fresh() -> bytes:
        return _post("/v1/charge", body | {"reference": f"order-{run}-{next(numbers)}"})

    return Call(fresh, b'"outcome":"charged"', doubling=b'"duplicate":true')


def use(feature: str) -> Call:
    """`POST /v1/use` by one user, every request with a reference of its own."""
    run, numbers = secrets.token_hex(4), itertools.count(1)

    def fresh() -> bytes:
        reference = f"run-{run}-{next(numbers)}"
        return _post("/v1/use", {"user": USER, "feature": feature, "reference": reference})

    return Call(fresh, b'"outcome":"charged"', doubling=b'"duplicate":true')


def chat() -> Call:
    """`POST /v1/chat`, ours and the pass-through's."""
    body = {"user": USER, "model": "gpt-4o-mini", "prompt": "Say something about a fox."}
    return Call(_always(_post("/v1/chat", body)), b'"outcome":"answered"')


def completion(path: str, stream: bool = False) -> Call:
    """A chat in OpenAI's form, for LiteLLM, the OpenAI pass-throughs and upstream itself."""
    body = {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Say something about a fox."}],
        "user": USER,
        "stream": stream,
    }
    return Call(_always(_post(path, body)), b"chat.completion")


def tool_call(version: str) -> Call:
    """`tools/call` of `balance` over `/mcp`, as a client of this version of MCP sends it: with the
    version in a header, and since 2026-07-28 with all else about itself in each request."""
    params: dict[str, object] = {"name": "balance", "arguments": {"user": USER}}
    more = f"Accept: application/json, text/event-stream\r\nMCP-Protocol-Version: {version}\r\n"
    if version == NEWER_WIRE:
        meta = "io.modelcontextprotocol/"
        params["_meta"] = {f"{meta}protocolVersion": version, f"{meta}clientCapabilities": {}}
        more += "Mcp-Method: tools/call\r\nMcp-Name: balance\r\n"
    body = {"jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params}
    return Call(_always(_post("/mcp", body, more)), b'"outcome":"sufficient"')


def inbound(endpoint_id: str, body: Callable[[], bytes], sign: Callable[[bytes], str]) -> Call:
    """`POST /v1/inbound/<endpoint>` as upstream sends it, every request with a body of its own."""
    head = f"POST /v1/inbound/{endpoint_id} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    head += "Content-Type: application/json\r\n"

    def fresh() -> bytes:
        raw = body()
        about = f"X-Paywalls-Signature: {sign(raw)}\r\nContent-Length: {len(raw)}\r\n\r\n"
        return f"{head}{about}".encode() + raw

    return Call(fresh, b'"result":"stored"')


def cursor(key: str, after: Callable[[], int]) -> Call:
    """`GET /v1/triggers/any_event`: the hundred events behind a number."""
    head = f"Host: 127.0.0.1\r\nAccept: application/json\r\nAuthorization: Bearer {key}\r\n\r\n"

    def fresh() -> bytes:
        target = f"/v1/triggers/any_event?after={after()}&limit=100"
        return f"GET {target} HTTP/1.1\r\n{head}".encode()

    return Call(fresh, b'"payload_json"')


def _always(request: bytes) -> Callable[[], bytes]:
    return lambda: request


def _get(target: str) -> bytes:
    return f"GET {target} HTTP/1.1\r\n{_ACCEPT}{_HEAD}\r\n".encode()


def _post(target: str, body: object, more: str = "") -> bytes:
    raw = json.dumps(body).encode()
    head = f"POST {target} HTTP/1.1\r\n{more or _ACCEPT}{_HEAD}Content-Type: application/json\r\n"
    return f"{head}Content-Length: {len(raw)}\r\n\r\n".encode() + raw
