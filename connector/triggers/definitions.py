"""The triggers that builders can choose: one per event, and one for all of them."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from connector.catalog.events import ANY_EVENT, EVENTS, Event
from connector.errors import NotFound, quoted
from connector.triggers.items import Item, sample


@dataclass(frozen=True)
class Trigger:
    """`key` is published and never changes; `type` is upstream's event type, or "" for all."""

    key: str
    type: str
    label: str
    description: str
    of_interest: bool
    fields: tuple[tuple[str, str, str], ...]
    sample: Item

    def listed(self) -> dict[str, Any]:
        """As `GET /v1/triggers` shows it."""
        return {
            "key": self.key,
            "label": self.label,
            "description": self.description,
            "fields": [
                {"key": key, "label": label, "type": kind} for key, label, kind in self.fields
            ],
            "sample": self.sample,
        }


_COMMON = (
    ("id", "Event", "text"),
    ("seq", "Number", "integer"),
    ("type", "Event Type", "text"),
    ("created_at", "Created At", "datetime"),
    ("received_at", "Received At", "datetime"),
    ("user", "User ID", "text"),
    ("paywall_id", "Paywall", "text"),
)
_PAYLOAD = ("payload_json", "Payload as JSON", "text")
_TYPES = {"amount": "text", "url": "text", "list": "text", "date": "text"}


def _of(event: Event) -> Trigger:
    shown = sample(event)
    own = tuple(
        (field.key, field.label, _TYPES.get(field.type, field.type))
        for field in event.fields
        if field.key != "paywall_id"
    )
    return Trigger(
        key=event.key,
        type=event.type,
        label=event.label,
        description=event.sentence,
        of_interest=event.of_interest,
        fields=(*_COMMON, *own, _PAYLOAD),
        sample=shown,
    )


def _any() -> Trigger:
    shown = sample(EVENTS[0])
    return Trigger(
        key=ANY_EVENT,
        type="",
        label="Any Event",
        description="Triggers when anything happens in your paywall.",
        of_interest=True,
        fields=(*_COMMON, _PAYLOAD),
        sample={key: shown[key] for key, _, _ in (*_COMMON, _PAYLOAD)},
    )


_WANTED_FIRST = sorted(EVENTS, key=lambda event: not event.of_interest)
TRIGGERS: dict[str, Trigger] = {
    trigger.key: trigger for trigger in (_any(), *(_of(event) for event in _WANTED_FIRST))
}
"""In the order in which every tool shows them: what people want first, what is internal last."""


def find(key: str) -> Trigger:
    """The trigger with this key. Raises NotFound with the closest one, or all of them."""
    trigger = TRIGGERS.get(key)
    if trigger is not None:
        return trigger
    close = difflib.get_close_matches(key, TRIGGERS, n=1)
    raise NotFound(
        f"There is no trigger called “{quoted(key)}”. "
        + (f"Did you mean “{close[0]}”? " if close else "")
        + "GET /v1/triggers lists all of them: "
        + ", ".join(TRIGGERS)
        + "."
    )
