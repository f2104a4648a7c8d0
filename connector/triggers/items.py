"""An event as builders see it: one flat item, the same by polling and by push.

`id seq type created_at received_at user paywall_id`, every payload field in snake_case, and
`payload_json`. Fields that upstream adds later appear too; those of the catalog are always there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from connector import jsontext
from connector.catalog.events import EVENTS_BY_TYPE, Event
from connector.money import plain
from connector.store.event_rows import EventRow

Item = dict[str, Any]
FIRST = ("id", "seq", "type", "created_at", "received_at", "user", "paywall_id")
_TAKEN = (*FIRST, "payload_json")
_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_DIGITS_MAX = 400
_NOT_WORD = re.compile(r"[^0-9a-z]+")


def item(row: EventRow, users: Mapping[str, str]) -> Item:
    """The flat item of a stored event; `users` maps wallet ids to the caller's own user ids."""
    event = jsontext.loads(row.body)
    data = event.get("data")
    return flat(
        event_id=row.event_id,
        seq=row.seq,
        type=row.type,
        created_at=row.created_at,
        received_at=row.received_at,
        user=row.external_id or users.get(row.wallet_id, ""),
        paywall_id=str(event.get("paywallId") or ""),
        data=data if isinstance(data, dict) else {},
    )


def flat(
    *,
    event_id: str,
    seq: int,
    type: str,
    created_at: datetime,
    received_at: datetime,
    user: str,
    paywall_id: str,
    data: Mapping[str, Any],
) -> Item:
    """The item from its parts; payload fields never replace the first ones."""
    item: Item = {
        "id": event_id,
        "seq": seq,
        "type": type,
        "created_at": shown(created_at),
        "received_at": shown(received_at),
        "user": user,
        "paywall_id": paywall_id,
    }
    template = _template(type)
    payload = dict(template.fillers)
    for name, value in data.items():
        key = snake(name)
        if value is None and key in payload:
            continue
        if name in template.amounts and isinstance(value, str | int | Decimal):
            payload[key] = _amount(value)
        elif isinstance(value, str):
            payload[key] = value
        else:
            payload.update(_leaves(key, value))
    payload.pop("paywall_id", None)
    for name in _TAKEN:
        if name in payload:
            payload[f"data_{name}"] = payload.pop(name)
    item.update(payload)
    item["payload_json"] = jsontext.dumps(data).decode()
    return item


@dataclass(frozen=True)
class _Template:
    """What is known of a type's payload before an event is read: the fields that are always there,
    and upstream's names of amounts."""

    fillers: Mapping[str, object]
    amounts: frozenset[str]


@lru_cache(maxsize=256)
def _template(type: str) -> _Template:
    known: Event | None = EVENTS_BY_TYPE.get(type)
    fields = known.fields if known else ()
    return _Template(
        {f.key: 0 if f.type == "integer" else "" for f in fields},
        frozenset(f.name for f in fields if f.type == "amount"),
    )


def sample(event: Event) -> Item:
    """The item of a made-up event with every field filled."""
    moment = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
    return flat(
        event_id=f"evt_sample_{event.key}",
        seq=1,
        type=event.type,
        created_at=moment,
        received_at=moment,
        user="customer-42",
        paywall_id=str(event.sample["paywall_id"]),
        data=jsontext.loads(jsontext.dumps(event.upstream_sample)),
    )


def shown(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC with an offset."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@lru_cache(maxsize=4_096)
def snake(name: str) -> str:
    """`walletUserId` gives `wallet_user_id`; anything that is not a letter or digit gives `_`."""
    return _NOT_WORD.sub("_", _CAPITAL.sub("_", name).lower()).strip("_") or "field"


def _amount(value: str | int | Decimal) -> str:
    return _number(value) if isinstance(value, Decimal) else str(value)


def _number(value: Decimal) -> str:
    """In digits, except for one that would fill the memory (`1e300000000`)."""
    return plain(value) if abs(value.adjusted()) <= _DIGITS_MAX else str(value)


def _leaves(name: str, value: object) -> Iterator[tuple[str, object]]:
    """Flat pairs of a value: objects by joined names, lists as one text, null as ""."""
    if isinstance(value, dict):
        for inner, leaf in value.items():
            yield from _leaves(f"{name}_{snake(inner)}", leaf)
    elif isinstance(value, list):
        yield (
            name,
            ", ".join(v if isinstance(v, str) else jsontext.dumps(v).decode() for v in value),
        )
    elif isinstance(value, Decimal):
        yield name, _number(value)
    else:
        yield name, "" if value is None else value
