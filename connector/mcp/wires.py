"""The two wires of MCP: the one with a handshake, until 2025-11-25, and the stateless one since
2026-07-28, on which every request says all about itself and its headers say it too.

Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/transports and
https://modelcontextprotocol.io/specification/2026-07-28/basic/transports
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

from werkzeug.datastructures import Headers

from connector import __version__
from connector.errors import quoted
from connector.mcp.messages import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    PARSE_ERROR,
    UNSUPPORTED_VERSION,
    Message,
    RpcError,
)

NEWER = ("2026-07-28",)
OLDER = ("2025-11-25", "2025-06-18", "2025-03-26")
"""The newest first."""

_META = "io.modelcontextprotocol/"
_VERSION, _CAPABILITIES = f"{_META}protocolVersion", f"{_META}clientCapabilities"
_SERVER = {
    "name": "paywalls-connector",
    "title": "Paywalls Connector",
    "version": __version__,
}
_CAPABLE = {"tools": {"listChanged": False}}
_INSTRUCTIONS = (
    "Charges users of a paywall, tells their balance and gives money back. A refused charge is a "
    "normal answer: show the user its message, and the link in action_url if there is one. Repeat "
    "a call that failed with the same reference, so that it never counts twice."
)
_TTL = {"ttlMs": 300_000, "cacheScope": "private"}
"""How long a client may keep a list of tools; a token's rights never change."""
_STATUS = {METHOD_NOT_FOUND: 404}


def is_newer(message: Message, headers: Headers) -> bool:
    """Whether a message came over the stateless wire. Raises RpcError where that is told wrongly,
    or for a version that is not spoken here."""
    meta = message.params.get("_meta")
    told = isinstance(meta, dict) and _VERSION in meta
    version = headers.get("MCP-Protocol-Version")
    if not told and (version is None or version in OLDER):
        return False
    if message.notification:  # of which the newer wire knows none, and demands nothing
        _check_version(version)
        return True
    if not isinstance(meta, dict) or not {_VERSION, _CAPABILITIES} <= meta.keys():
        _check_version(version)
        raise RpcError(
            INVALID_PARAMS,
            f"Each request must say in “_meta” its “{_VERSION}” and “{_CAPABILITIES}”.",
        )
    _same("MCP-Protocol-Version", version, meta[_VERSION], f"“{_VERSION}”")
    _same("Mcp-Method", headers.get("Mcp-Method"), message.method, "“method”")
    if message.method == "tools/call" and message.params.get("name") is not None:
        _same("Mcp-Name", _decoded(headers.get("Mcp-Name")), message.params["name"], "“name”")
    _check_version(version)
    return True


def negotiated(asked: object) -> str:
    """The version that a handshake agrees on: the client's own, or else our newest."""
    return asked if isinstance(asked, str) and asked in OLDER else OLDER[0]


def greeting(asked: object) -> dict[str, Any]:
    """The result of `initialize`."""
    return {
        "protocolVersion": negotiated(asked),
        "capabilities": _CAPABLE,
        "serverInfo": _SERVER,
        "instructions": _INSTRUCTIONS,
    }


def discovery() -> dict[str, Any]:
    """The result of `server/discover`."""
    return {
        "supportedVersions": list(NEWER),
        "capabilities": _CAPABLE,
        "instructions": _INSTRUCTIONS,
        **_TTL,
    }


def listed(tools: list[dict[str, Any]], *, newer: bool) -> dict[str, Any]:
    """The result of `tools/list`."""
    return {"tools": tools, **(_TTL if newer else {})}


def finished(told: dict[str, Any], *, newer: bool) -> dict[str, Any]:
    """A result with what each one has on its wire."""
    if not newer:
        return told
    return {"resultType": "complete", **told, "_meta": {f"{_META}serverInfo": _SERVER}}


def status_of(error: RpcError, *, newer: bool) -> int:
    """The HTTP status of a JSON-RPC error. The older wire has none of its own for what was asked
    well-formed, and its clients show no sentence but that of a 200."""
    if newer:
        return _STATUS.get(error.code, 400)
    return 400 if error.code in (PARSE_ERROR, UNSUPPORTED_VERSION) else 200


def _check_version(version: str | None) -> None:
    if version not in NEWER:
        raise RpcError(
            UNSUPPORTED_VERSION,
            f"The version “{quoted(version or '')}” of MCP is not spoken here. Use one of "
            f"{', '.join((*NEWER, *OLDER))}.",
            {"supported": list(NEWER), "requested": version or ""},
        )


def _same(header: str, sent: str | None, told: object, where: str) -> None:
    if sent is None or sent != told:
        raise RpcError(
            HEADER_MISMATCH, f"The header “{header}” must say the same as {where} in the message."
        )


def _decoded(value: str | None) -> str | None:
    """A header's text; what a header cannot hold comes as `=?base64?…?=`. None if it is broken."""
    if value is None or not (value.startswith("=?base64?") and value.endswith("?=")):
        return value
    try:
        return base64.b64decode(value[9:-2], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
