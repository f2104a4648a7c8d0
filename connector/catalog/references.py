"""The reference: what is paid for, the key of exactly-once (docs/exactly-once.md)."""

from __future__ import annotations

from connector.catalog.fields import Identifier
from connector.catalog.lost_values import lost_reference
from connector.errors import InvalidField, quoted

REFERENCE_MAX = 255


class NewReference(Identifier):
    """A reference that names something new; in others stands what was named before."""


def reference(what: str = "charge") -> NewReference:
    """What is paid for; the key of exactly-once (docs/exactly-once.md)."""
    return NewReference(
        "Reference",
        "What this is for, such as the order or message number. The same reference is only ever "
        f"counted once, so a retry is safe; use a new one for every new {what}.",
        missing="Say what this is for, such as the order or message number, so that a retry never "
        "counts twice. Fill in “Reference”.",
        example="order-1001",
        max_length=REFERENCE_MAX,
        required=True,
    )


def chat_reference() -> NewReference:
    """What a chat is for, where it is to be asked only once (docs/long-chats.md)."""
    return NewReference(
        "Reference",
        "What this is for, such as the message number. With it the message is asked and paid for "
        "only once, however long the answer takes: send the same again to get it.",
        example="message-1001",
        max_length=REFERENCE_MAX,
    )


def refuse_lost_reference(reference: str, field: str = "reference") -> None:
    """Raises InvalidField for a reference whose number was lost: everything whose number is
    missing would share it, and only the first would be charged.

    The ledger asks, not the form: what was begun under such a reference must come to its end.
    """
    if lost_reference(reference):
        raise InvalidField(
            f"The number in “{field.replace('_', ' ').title()}” is missing: it is "
            f"“{quoted(reference)}”. Choose the field with the order or message number again in "
            "your tool, so that each one has a reference of its own.",
            field=field,
            reference=reference,
        )
