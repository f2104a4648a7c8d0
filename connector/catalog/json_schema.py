"""JSON Schema for our fields: what each kind of them takes, and what it holds in an answer.

Source: https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

from typing import Any

from connector.catalog.fields import Amount, Count, Flag, Number, Text
from connector.catalog.json_fields import (
    MESSAGES_MAX,
    METADATA_MAX,
    ROLES,
    Messages,
    Metadata,
)
from connector.money import AMOUNT_PATTERN

# ECMA-262, as JSON Schema wants it. What cannot be seen is more than a pattern can say in short:
# control characters, and the usual invisible spaces and marks.
_CONTROLS = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
_UNSEEN = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u061c\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000"
    r"\ufeff\ufff9-\uffff"
)
_LINES = f"^[^{_CONTROLS}]*$"
_ONE_LINE = f"^[^ {_UNSEEN}][^{_UNSEEN}]*$"
_ANSWERED_AMOUNT = r"^(-?[0-9]+(\.[0-9]+)?)?$"


def accepted(field: object) -> dict[str, Any]:
    """JSON Schema for what a field of an input takes, beside its words.

    Numbers as text, text as numbers and JSON as text are taken as well, but nobody needs to know.
    """
    match field:
        case Amount():
            above_0 = {} if field.zero_ok else {"not": {"pattern": r"^0+(\.0+)?$"}}
            return {"type": "string", "format": "decimal", "pattern": AMOUNT_PATTERN, **above_0}
        case Number():
            return {"type": "number", "minimum": field.low, "maximum": field.high}
        case Count():
            return {"type": "integer", "minimum": field.low, "maximum": field.high}
        case Flag():
            return {"type": "boolean"}
        case Metadata():
            return {"type": "object", "maxProperties": METADATA_MAX}
        case Messages():
            return {"type": "array", "minItems": 1, "maxItems": MESSAGES_MAX, "items": _MESSAGE}
        case Text():
            pattern = _LINES if field.lines else _ONE_LINE
            return {"minLength": 1, "maxLength": field.max_length, "pattern": pattern}
    return {}


_MESSAGE = {
    "type": "object",
    "properties": {
        "role": {"type": "string", "enum": list(ROLES)},
        "content": {"type": ["string", "array", "null"], "items": {"type": "object"}},
    },
    "required": ["role"],
}


def answered(field: object) -> dict[str, Any]:
    """JSON Schema for what a field of an answer holds; unknown text and amounts are empty."""
    match field:
        case Flag():
            return {"type": "boolean"}
        case Count():
            return {"type": "integer", "minimum": 0}
        case Amount():
            return {"type": "string", "pattern": _ANSWERED_AMOUNT}
    return {"type": "string"}
