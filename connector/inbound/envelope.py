"""The event in a delivery, read from upstream's JSON.

Source of the form: https://docs.paywalls.ai/how-to-guides/webhooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from connector import jsontext
from connector.brands import canonical


@dataclass(frozen=True)
class InboundEvent:
    """An upstream event that could be read; `body` is its own JSON text, `type` the catalog's."""

    id: str
    type: str
    paywall_id: str
    created_at: datetime
    wallet_id: str
    external_id: str
    body: str


def read(body: bytes) -> InboundEvent | None:
    """The event in a delivery's body, wrapped (`{delivery, event}`) or bare; None if it is
    neither."""
    try:
        parsed = jsontext.loads(body)
    except ValueError:
        return None
    if isinstance(parsed, dict) and isinstance(parsed.get("event"), dict):
        parsed = parsed["event"]
    return event_of(parsed)


def event_of(parsed: Any) -> InboundEvent | None:
    """The event in upstream's JSON, or None without an id, a type, a paywall and a time."""
    if not isinstance(parsed, dict):
        return None
    event_id, paywall = _name(parsed.get("id")), _name(parsed.get("paywallId"))
    kind = _type(parsed.get("type"))
    created_at = _moment(parsed.get("createdAt"))
    if not (event_id and kind and paywall) or created_at is None:
        return None
    data, subject = _object(parsed.get("data")), _object(parsed.get("subject"))
    return InboundEvent(
        id=event_id,
        type=kind,
        paywall_id=paywall,
        created_at=created_at,
        wallet_id=_text(data.get("walletUserId")),
        external_id=_text(data.get("externalUserId")) or _text(subject.get("externalId")),
        body=jsontext.dumps(parsed).decode(),
    )


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _name(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 255 and value.isprintable() else ""


def _type(value: object) -> str:
    """An event's type as the catalog writes it, or ""."""
    return _name(canonical(value)) if _name(value) and isinstance(value, str) else ""


def _text(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 255 and "\0" not in value else ""


def _moment(value: object) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # such as the last hour of the year 9999, in the west
        return None
