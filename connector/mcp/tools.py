"""The tools: every action of the catalog, as a model sees it.

Source: https://modelcontextprotocol.io/specification/2026-07-28/server/tools.
"""

from __future__ import annotations

from typing import Any

from connector.api.action_routes import right_of
from connector.catalog.actions import Action, Kind, actions
from connector.catalog.tool_schemas import given, taken
from connector.security.rights import allows
from connector.security.tokens import Token

Schema = dict[str, Any]


def tools(token: Token | None) -> list[Schema]:
    """The tools that the holder of a token may use, all of them for the key itself."""
    user = token.user if token else ""
    return [tool(action, user) for action in actions() if token is None or may(token, action)]


def may(token: Token, action: Action) -> bool:
    """Whether a token may use the tool of an action."""
    return allows(token.actions, right_of(action).any_of)


def tool(action: Action, user: str = "") -> Schema:
    """One tool; `user` is the one user that the caller's token is for, "" for all."""
    writes = action.kind is Kind.WRITE
    return {
        "name": action.key,
        "title": action.label,
        "description": _description(action),
        "inputSchema": _input(action, user),
        "outputSchema": _output(action),
        "annotations": {
            "title": action.label,
            "readOnlyHint": not writes,
            "destructiveHint": writes and not action.get,
            "idempotentHint": bool(action.exactly_once or action.get),
            "openWorldHint": not action.stored,
        },
    }


def _description(action: Action) -> str:
    told = [action.sentence]
    if action.exactly_once is not None:
        told.append(
            "When it fails or no answer comes, call it again with the same values; it counts once."
        )
    if action.outcomes:
        told += ["", "Outcomes:"]
        told += [f"- {name}: {words}" for name, words in action.outcomes.items()]
    return "\n".join(told)


def _input(action: Action, user: str) -> Schema:
    words = {name: f for name, f in action.words().items() if not (user and name == "user")}
    extra = "metadata" in words  # flat metadata_… fields are taken too
    return {**taken(words), "additionalProperties": extra}


def _output(action: Action) -> Schema:
    row = given(action)
    if not action.many:
        return row
    items = {"type": "array", "items": row}
    return {"type": "object", "properties": {"items": items}, "required": ["items"]}
