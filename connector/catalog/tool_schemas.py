"""What an action takes and gives, for whoever lets a model call it: plain JSON Schema, without
references and with one type each, because some clients read no others.

What a value must look like beyond that is told in words, and by the sentence that refuses it.
Source: https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from connector.catalog.actions import Action, fields_of
from connector.catalog.fields import Words, shown
from connector.catalog.json_fields import Messages
from connector.catalog.json_schema import accepted, answered
from connector.catalog.references import NewReference

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


def taken(fields: Mapping[str, Words]) -> Schema:
    """The schema of an object with these fields, each with its words and an example."""
    return {
        "type": "object",
        "properties": {name: _field(field) for name, field in fields.items()},
        "required": [name for name, field in fields.items() if field.required],
    }


def given(action: Action) -> Schema:
    """The schema of an answer of an action, or of one row where it answers with many."""
    fields = fields_of(action.output)
    return {
        "type": "object",
        "properties": {
            name: {
                "type": answered(field)["type"],
                "title": field.metadata["title"],
                "description": field.metadata["description"],
            }
            for name, field in fields.items()
        },
        "required": list(fields),
    }


def _field(field: Words) -> Schema:
    help = _REFERENCE if isinstance(field, NewReference) and field.required else field.help
    plain = {"type": "string"} | {k: v for k, v in accepted(field).items() if k in _TOLD}
    if isinstance(field, Messages):
        plain["items"] = _MESSAGE
    return {**plain, "title": field.label, "description": f"{help} Example: {shown(field.example)}"}
