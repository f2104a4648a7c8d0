"""The actions alone, as OpenAPI for tools that make an agent's tools of it: GPT Actions, Dify,
Flowise, Open WebUI.

They read less than all of OpenAPI: no references, one type each, one way to send a key, short
descriptions. Source: https://developers.openai.com/api/docs/actions/production (300 letters for an
operation, 700 for a value, `x-openai-isConsequential`).
"""

from __future__ import annotations

import json
from typing import Any

from connector import __version__
from connector.catalog.actions import Action, Kind, actions
from connector.catalog.tool_schemas import given, taken

_JSON = "application/json"
_ONCE = " Repeat it with the same values when it fails: it counts once."
_ABOUT = (
    "Charges users of a paywall, tells what they have, and gives money back. A refused charge is a "
    "normal answer: show the user its message, and the link in action_url if there is one."
)


def text(address: str) -> str:
    """The description as JSON, for a connector with this public address."""
    described = {
        "openapi": "3.1.0",
        "info": {"title": "Paywalls", "version": __version__, "description": _ABOUT},
        "servers": [{"url": address}],
        "paths": {f"/v1{action.path}": {"post": _operation(action)} for action in actions()},
        "components": {"securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}}},
        "security": [{"bearer": []}],
    }
    return json.dumps(described, indent=2, ensure_ascii=False) + "\n"


def _operation(action: Action) -> dict[str, Any]:
    row = given(action)
    answer = {"type": "array", "items": row} if action.many else row
    return {
        "operationId": action.key,
        "summary": action.label,
        "description": action.sentence + (_ONCE if action.exactly_once else ""),
        "x-openai-isConsequential": action.kind is Kind.WRITE,
        "requestBody": {
            "required": True,
            "content": {_JSON: {"schema": _taken(action)}},
        },
        "responses": {
            "200": {
                "description": "What came of it.",
                "content": {_JSON: {"schema": answer}},
            },
            "default": {
                "description": "It could not be done: “message” says why, and what to do.",
                "content": {"application/problem+json": {"schema": _PROBLEM}},
            },
        },
    }


def _taken(action: Action) -> dict[str, Any]:
    """What the form of a tool shows; an object says what it may hold, which some importers want."""
    schema = taken(action.form())
    for field in schema["properties"].values():
        if field["type"] == "object":
            field |= {"properties": {}, "additionalProperties": True}
    return schema


_PROBLEM = {
    "type": "object",
    "properties": {
        "message": {"type": "string", "description": "What happened and what to do."},
        "retryable": {"type": "boolean", "description": "Whether sending it again is useful."},
    },
}
