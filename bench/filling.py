"""Filling a paywall's tables with what years would bring, past the connector."""

from __future__ import annotations

import json
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Table, text, update

from bench.inflow import Inflow
from connector.store import Store
from connector.store.sum_rows import SHARDS
from connector.store.sum_tables import ledger_sums
from connector.store.tables import ledger
from connector.store.timestamps import now
from connector.store.trigger_tables import events, subscriptions

USERS, DAYS = 5_000, 90
_AT_ONCE = 20_000
_TYPES = (
    "paywall.balance.depleted",
    "paywall.balance.charge.created",
    "paywall.usage.charge.created",
)
_STATES = ("done",) * 97 + ("free",) * 3
_UNKNOWN_EVERY = 5_000
Row = dict[str, Any]


def fill_events(flow: Inflow, count: int) -> None:
    """Put so many events into a paywall."""
    store = flow.store()
    try:
        paywall_id = flow.paywall_id(store)
        insert(store, events, event_rows(paywall_id, range(1, count + 1)))
        numbered = update(subscriptions).where(subscriptions.c.paywall_id == paywall_id)
        store.write(lambda c: c.execute(numbered.values(last_seq=count, read_at=now())))
        store.write(lambda c: c.execute(text("ANALYZE")))
    finally:
        store.close()


def fill_ledger(flow: Inflow, count: int) -> None:
    """Put so many rows into its ledger, with their sums: of 5,000 users in 90 days, some of them
    unknown."""
    store = flow.store()
    try:
        paywall_id = flow.paywall_id(store)
        insert(store, ledger, ledger_rows(paywall_id, range(count), count))
        insert(store, ledger_sums, sum_rows(paywall_id, count))
        store.write(lambda c: c.execute(text("ANALYZE")))
    finally:
        store.close()


def insert(store: Store, table: Table, rows: Iterable[Row]) -> None:
    """Put rows into a table, many at once."""
    more = iter(rows)
    while some := list(islice(more, _AT_ONCE)):
        store.write(lambda c, some=some: c.execute(table.insert(), some))  # type: ignore[misc]


def event_rows(paywall_id: str, numbers: range) -> Iterator[Row]:
    """Events with these numbers."""
    moment = datetime.now(UTC) - timedelta(days=7)
    for number in numbers:
        kind, user = _TYPES[number % len(_TYPES)], number % 1000
        event_id = f"evt_{number:010d}"
        data = {"walletUserId": f"wallet_{user}", "externalUserId": f"user_{user}", "amount": 0.5}
        body = {
            "id": event_id,
            "paywallId": "pw_sandbox_bench",
            "type": kind,
            "createdAt": moment.isoformat(),
            "subject": {"type": "user", "id": f"wallet_{user}", "externalId": f"user_{user}"},
            "data": data,
            "metadata": {},
        }
        yield {
            "paywall_id": paywall_id,
            "event_id": event_id,
            "seq": number,
            "type": kind,
            "created_at": moment,
            "received_at": moment + timedelta(milliseconds=number / 10),
            "wallet_id": f"wallet_{user}",
            "external_id": f"user_{user}",
            "body": json.dumps(body),
        }


def _state(number: int) -> str:
    return "unknown" if number % _UNKNOWN_EVERY == 0 else _STATES[number % len(_STATES)]


def _when(number: int, count: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=DAYS) * (1 - number / count)


def ledger_rows(paywall_id: str, numbers: range, count: int) -> Iterator[Row]:
    """Charges with these numbers, of `count` in all."""
    for number in numbers:
        when = _when(number, count)
        answer = {"success": True, "outcome": "charged", "message": "0.5 was charged."}
        yield {
            "id": f"led_{number:016x}",
            "paywall_id": paywall_id,
            "action": "charge",
            "reference": f"order-{number}",
            "values_hash": "0" * 64,
            "user_id": f"user_{number % USERS}",
            "amount": "0.5",
            "state": _state(number),
            "try_number": 1,
            "upstream_key": f"pwc-{number:040x}",
            "was_in_doubt": False,
            "first_sent_at": when,
            "lease_until": when,
            "token": 1,
            "answer": json.dumps({"result": answer}),
            "created_at": when,
            "updated_at": when,
        }


def sum_rows(paywall_id: str, count: int) -> Iterator[Row]:
    """The sums of the first `count` of them."""
    sums: dict[tuple[str, str, int], int] = defaultdict(int)
    for number in range(count):
        if _state(number) == "done":
            day, user = f"{_when(number, count):%Y-%m-%d}", f"user_{number % USERS}"
            sums[day, user, 0] += 1
            sums[day, "", zlib.crc32(user.encode()) % SHARDS] += 1
    for (day, user, shard), times in sums.items():
        yield {
            "paywall_id": paywall_id,
            "day": day,
            "user_id": user,
            "shard": shard,
            "action": "charge",
            "currency": "",
            "number": times,
            "units": times * 500_000,
        }
