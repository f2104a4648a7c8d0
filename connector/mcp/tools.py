"""The tools: every action of the catalog, as a model sees it.

Source: https://modelcontextprotocol.io/specification/2026-07-28/server/tools. Schemas are plain,
without `$ref` and with one type each, because some clients read no others; what a value must look
like beyond that is told in words, and by the sentence that refuses it.
"""

from __future__ import annotations

from typing import Any

from connector.api.action_routes import right_of
from connector.api.json_schema import accepted, answered
from connector.catalog.actions import Action, Kind, actions, fields_of
from connector.catalog.fields import Words, shown
from connector.catalog.json_fields import Messages
from connector.catalog.references import NewReference
from connector.security.rights import allows
from connector.security.tokens import Token

Schema = dict[str, Any]

_TOLD = ("type", "minimum", "maximum", "maxLength", "minItems", "maxItems", "maxProperties")
"""Of what a field's schema says, the part that all clients and models understand."""
_REFERENCE = (
    "What this is for, such as the order or message number. Send the same value when you repeat "
    "this call, so that it never counts twice, and a new one for a new purchase."
)
_MESSAGE: Schema = {
    "type": "object",
    "properties": {"role": {"type": "string"}, "content": {"type": "string"}},
    "required": ["role", "content"],
}


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
    return {
        "type": "object",
        "properties": {name: _taken(field) for name, field in words.items()},
        "required": [name for name, field in words.items() if field.required],
        "additionalProperties": "metadata" in words,  # flat metadata_… fields are taken too
    }


def _taken(field: Words) -> Schema:
    help = _REFERENCE if isinstance(field, NewReference) else field.help
    plain = {"type": "string"} | {k: v for k, v in accepted(field).items() if k in _TOLD}
    if isinstance(field, Messages):
        plain["items"] = _MESSAGE
    return {**plain, "title": field.label, "description": f"{help} Example: {shown(field.example)}"}


def _output(action: Action) -> Schema:
    row = {
        "type": "object",
        "properties": {
            name: {
                "type": answered(field)["type"],
                "title": field.metadata["title"],
                "description": field.metadata["description"],
            }
            for name, field in fields_of(action.output).items()
        },
        "required": list(fields_of(action.output)),
    }
    if not action.many:
        return row
    items = {"type": "array", "items": row}
    return {"type": "object", "properties": {"items": items}, "required": ["items"]}
