"""A field of an action as a parameter of the node."""

from __future__ import annotations

from typing import Any

from connector.catalog.fields import (
    Amount,
    Count,
    Flag,
    Number,
    Text,
    Words,
    shown,
)
from connector.catalog.json_fields import Messages, Metadata
from connector.catalog.references import NewReference
from connector.specs.n8n.words import description, placeholder

Json = dict[str, Any]

REFERENCE = "={{ $workflow.id }}-{{ $execution.id }}-{{ $nodeId }}-{{ $runIndex }}-{{ $itemIndex }}"
"""Stays the same when the node tries again, and differs for every item and turn of a loop."""
REFERENCE_ADVICE = (
    "Best is the number of what is paid for, such as the order's or the message's: it stays the "
    "same when the whole workflow runs again. What is filled in here stays the same only while "
    "this node tries again. As a tool of an AI agent: one without $runIndex, and Retry On Fail off."
)
CHAT_REFERENCE_ADVICE = (
    "Best is the number of the message: then it is asked and paid for once, also when the whole "
    "workflow runs again. What is filled in here stays the same only while this node tries again. "
    "Without a reference every call is a question of its own, and an answer that takes longer than "
    "20 seconds is lost."
)
COLLECTION = "additionalFields"
_LIMIT = {"default": 50, "description": "Max number of results to return"}
"""In n8n's own words, as its linter wants them."""
_LONG = 10_000


def parameter(name: str, field: Words) -> Json:
    """The parameter for a field; what is filled in is sent under the field's own name."""
    described: Json = {"displayName": field.label, "name": name, **_kind(field)}
    if field.required:
        described["required"] = True
    if isinstance(field, NewReference):
        described["default"] = REFERENCE
    elif name == "model":
        described |= _model_list(field)
    if isinstance(field, Text | Amount) and name != "model":
        described["placeholder"] = placeholder(shown(field.example))
    described["description"] = _described(field)
    described["routing"] = {"send": {"type": "body", "property": name}}
    return described


def optional(name: str, field: Words) -> Json:
    """The same inside a collection, where nothing is required and numbers begin with an example."""
    described = parameter(name, field)
    described.pop("required", None)
    if isinstance(field, Number | Count):
        described["default"] = field.example
    if name == "limit":
        described |= _LIMIT
    return described


def model(field: Words) -> Json:
    """The choice of a model for a node that sends it by itself."""
    described = parameter("model", field)
    del described["routing"]
    return described


def notice(name: str, html: str) -> Json:
    """A box with words between the fields, which is not sent."""
    return {"displayName": html, "name": name, "type": "notice", "default": ""}


def is_long(field: Words) -> bool:
    """Whether people write whole paragraphs into a field."""
    return isinstance(field, Text) and field.max_length > _LONG


def _kind(field: Words) -> Json:
    """n8n's type and an empty value of it.

    Source: https://docs.n8n.io/integrations/creating-nodes/build/reference/node-ui-elements/
    """
    match field:
        case Flag():
            return {"type": "boolean", "default": False}
        case Count():
            bounds = {"minValue": field.low, "maxValue": field.high}
            return {"type": "number", "typeOptions": bounds, "default": field.low}
        case Number():
            limits = {"minValue": field.low, "maxValue": field.high, "numberPrecision": 2}
            return {"type": "number", "typeOptions": limits, "default": field.low}
        case Metadata():
            return {"type": "json", "default": "{}"}
        case Messages():
            return {"type": "json", "default": "[]"}
        case Text() if is_long(field):
            return {"type": "string", "typeOptions": {"rows": 4}, "default": ""}
    return {"type": "string", "default": ""}


def _described(field: Words) -> str:
    text = description(field.help)
    if isinstance(field, Flag):
        return f"Whether {text[:1].lower()}{text[1:]}"
    if isinstance(field, Metadata | Messages):
        return f"{text.rstrip('.')}. For example {shown(field.example)}."
    return text


def _model_list(field: Words) -> Json:
    """A list to choose from that is asked of the connector, or a name that is typed in."""
    return {
        "type": "resourceLocator",
        "default": {"mode": "list", "value": ""},
        "modes": [
            {
                "displayName": "From List",
                "name": "list",
                "type": "list",
                "placeholder": "Choose a model…",
                "typeOptions": {"searchListMethod": "listModels", "searchable": True},
            },
            {
                "displayName": "ID",
                "name": "id",
                "type": "string",
                "placeholder": placeholder(shown(field.example)),
            },
        ],
    }
