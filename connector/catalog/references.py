"""The reference: what is paid for, the key of exactly-once (docs/exactly-once.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError

from connector.catalog.fields import Identifier

REFERENCE_MAX = 255
_UNFINISHED = re.compile(r"[a-z]+([-_:][a-z]+)*[-_:]")
"""Words and a separator with nothing behind it: `signup-form-`, where a tool found no number."""


class Reference(Identifier):
    """A reference that names one thing. What is only the beginning of one is refused: all charges
    whose number is missing would share it, and only the first of them would be charged."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if _UNFINISHED.fullmatch(text):
            raise ValidationError(
                f"“Reference” ends with “{text[-1]}”, as if the number behind it were missing: "
                f"“{text}”. Choose the field with the order or message number again, so that every "
                "charge has a reference of its own."
            )
        return text


def reference(what: str = "charge") -> Reference:
    """What is paid for; the key of exactly-once (docs/exactly-once.md)."""
    return Reference(
        "Reference",
        "What this is for, such as the order or message number. The same reference is only ever "
        f"counted once, so a retry is safe; use a new one for every new {what}.",
        missing="Say what this is for, such as the order or message number, so that a retry never "
        "counts twice. Fill in “Reference”.",
        example="order-1001",
        max_length=REFERENCE_MAX,
        required=True,
    )
