"""The fields that every call has that may charge: notes to keep with it, and its request."""

from __future__ import annotations

from connector.catalog.fields import Text
from connector.catalog.json_fields import Metadata


def description(example: str) -> Text:
    """A short note for the builder's own records."""
    return Text(
        "Description",
        "A short note for your own records.",
        example=example,
        max_length=500,
        template_ok=True,
    )


def charge_metadata() -> Metadata:
    """More notes, as names with values."""
    return Metadata(
        "Metadata",
        "More notes to keep with the charge, as names with values.",
        example={"plan": "pro"},
        template_ok=True,
    )


def request_number() -> Text:
    """By which the call is found in the connector's log."""
    return Text("Request", "The number of this request in the connector's log.", example="req_8f3c")
