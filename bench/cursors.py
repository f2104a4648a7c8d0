"""Reading on from a cursor: as fast behind a million stored events as behind a hundred thousand."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import click
from sqlalchemy import text, update

from bench import calls
from bench.contest import Contestant, compete, middle, ratio
from bench.figures import Figure
from bench.inflow import KEY, Inflow, inflow, sandbox
from bench.servers import Bench
from connector.store.timestamps import now
from connector.store.trigger_tables import events, subscriptions

FEW, MANY = 100_000, 1_000_000
AIM = 0.95
_PAGE = 100
_AT_ONCE = 20_000
_QUICK = 50
_TYPES = (
    "paywall.balance.depleted",
    "paywall.balance.charge.created",
    "paywall.usage.charge.created",
)


def measure(bench: Bench) -> list[Figure]:
    """The row of this group."""
    few, many = (FEW // _QUICK, MANY // _QUICK) if bench.rounds == 1 else (FEW, MANY)
    click.echo(f"Reading {_PAGE} events at a cursor: {many:,} stored against {few:,}")
    with ExitStack() as stack:
        upstream = stack.enter_context(sandbox(bench))
        contestants = []
        for count in (few, many):
            flow = stack.enter_context(inflow(bench, upstream, f"cursor-{count}"))
            _fill(flow, count)
            place = random.Random(count)  # noqa: S311 -- where to read
            call = calls.cursor(
                KEY,
                lambda count=count, place=place: place.randrange(count - _PAGE),  # type: ignore[misc]
            )
            contestants.append(Contestant(f"{count:,} stored", flow.server, call))
        results = compete(contestants, rounds=bench.rounds, seconds=bench.seconds)
    small, large = results.values()
    times = ratio(large, small, "rate")
    return [
        Figure(
            f"{_PAGE} events at a cursor, {many:,} stored against {few:,}",
            f"{middle(large, 'rate'):,.0f}/s, {middle(large, 'cpu_milliseconds'):.2f} ms CPU each",
            f"with {few:,}: {middle(small, 'rate'):,.0f}/s, "
            f"{middle(small, 'cpu_milliseconds'):.2f} ms CPU each",
            f"{times:.2f} ×",
            f"{ratio(small, large, 'cpu_milliseconds'):.2f} ×",
            f"≥ {AIM:g} ×",
            times >= AIM,
        )
    ]


def _fill(flow: Inflow, count: int) -> None:
    """Put events into the tables, past the connector."""
    store = flow.store()
    try:
        paywall_id = flow.paywall_id(store)
        rows = _rows(paywall_id, count)
        while some := list(islice(rows, _AT_ONCE)):
            store.write(lambda c, some=some: c.execute(events.insert(), some))  # type: ignore[misc]
        numbered = update(subscriptions).where(subscriptions.c.paywall_id == paywall_id)
        store.write(lambda c: c.execute(numbered.values(last_seq=count, read_at=now())))
        store.write(lambda c: c.execute(text("ANALYZE")))
    finally:
        store.close()


def _rows(paywall_id: str, count: int) -> Iterator[dict[str, Any]]:
    moment = datetime.now(UTC) - timedelta(days=7)
    for number in range(1, count + 1):
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
