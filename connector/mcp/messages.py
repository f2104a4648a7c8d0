"""JSON-RPC 2.0: reading a message of a client, and what is answered to it.

Source: https://www.jsonrpc.org/specification
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from connector.api.request_body import json_value
from connector.errors import InputError, quoted

PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS = -32700, -32600, -32601, -32602
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
"""MCP's own, since 2026-07-28."""
FAILED = -32000
"""Ours, for what went wrong before a tool was called; the data tell what."""

Id = str | int | Decimal | None


@dataclass(frozen=True)
class Message:
    """A request, or a notification, which has no `id` and is not answered."""

    id: Id
    method: str
    params: dict[str, Any]
    notification: bool


class RpcError(Exception):
    """What a client cannot be answered, as JSON-RPC tells it: `data` is None for nothing to add."""

    def __init__(self, code: int, message: str, data: object = None, id: Id = None) -> None:
        super().__init__(message)
        self.code, self.message, self.data, self.id = code, message, data, id


def read(raw: bytes) -> Message:
    """The one message in a body. Raises RpcError."""
    try:
        sent = json_value(raw)
    except InputError as unreadable:
        code = PARSE_ERROR if unreadable.status == 400 else INVALID_REQUEST
        raise RpcError(code, unreadable.message) from None
    if isinstance(sent, list):
        raise RpcError(
            INVALID_REQUEST,
            "Several messages in one list are not read here. Send each one in its own request.",
        )
    if not isinstance(sent, dict) or sent.get("jsonrpc") != "2.0":
        raise RpcError(
            INVALID_REQUEST,
            'This is no message of JSON-RPC 2.0: it must be one object with "jsonrpc": "2.0".',
        )
    notification, id = "id" not in sent, sent.get("id")
    if not notification and (isinstance(id, bool) or not isinstance(id, str | int | Decimal)):
        raise RpcError(INVALID_REQUEST, "The “id” of a message must be text or a number.")
    method, params = sent.get("method"), sent.get("params", {})
    if not isinstance(method, str):
        raise RpcError(
            INVALID_REQUEST,
            "The message has no “method”. Nothing is asked of clients here, so no answer is read.",
            id=id,
        )
    if not isinstance(params, dict):
        raise RpcError(INVALID_PARAMS, "The “params” of a message must be an object.", id=id)
    return Message(id, method, params, notification)


def result(id: Id, told: dict[str, Any]) -> dict[str, Any]:
    """The answer to a request."""
    return {"jsonrpc": "2.0", "id": id, "result": told}


def failure(error: RpcError, id: Id) -> dict[str, Any]:
    """The answer to a request that cannot be answered."""
    told: dict[str, Any] = {"code": error.code, "message": error.message}
    if error.data is not None:
        told["data"] = error.data
    return {"jsonrpc": "2.0", "id": id if error.id is None else error.id, "error": told}


def unknown_method(method: str) -> RpcError:
    """The refusal of a method that is not there."""
    return RpcError(
        METHOD_NOT_FOUND, f"There is no method “{quoted(method)}” here: only tools are offered."
    )
