"""Queries: what events say about a ledger row of which nobody knows whether it happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import product

from sqlalchemy import Connection, func, select

from connector.store import event_rows
from connector.store.event_rows import EventRow
from connector.store.ledger_rows import DONE, Entry
from connector.store.tables import ledger
from connector.store.trigger_tables import events

MOST_EVENTS = 500
_columns = [events.c[name] for name in EventRow.__dataclass_fields__]


def received(
    connection: Connection, ids: Sequence[str], types: Sequence[str], user: str, since: datetime
) -> list[EventRow]:
    """Events of these types that may be a user's, received since a moment, the oldest first, at
    most `MOST_EVENTS`. Where no wallet of the user is known, any event may be theirs."""
    theirs = event_rows.wallets_of(connection, ids, user)
    kept = events.c.type.in_(types), events.c.received_at >= since
    if theirs:  # wallet by wallet: those of a user are few, those since a moment may be all
        queries = [
            select(*_columns)
            .where(events.c.paywall_id == one, events.c.wallet_id == wallet, *kept)
            .order_by(events.c.seq)
            for one, wallet in product(ids, {*theirs, user})
        ]
    else:
        queries = [
            select(*_columns)
            .where(events.c.paywall_id.in_(ids), *kept)
            .order_by(events.c.received_at)
        ]
    rows = [
        EventRow(*row) for query in queries for row in connection.execute(query.limit(MOST_EVENTS))
    ]
    return sorted(rows, key=lambda row: row.received_at)[:MOST_EVENTS]


def done_beside(
    connection: Connection,
    ids: Sequence[str],
    entry: Entry,
    actions: Sequence[str],
    since: datetime,
) -> int:
    """How many other rows of these actions, of the same user and amount, were done since a
    moment."""
    # Written so that only the index by user serves: those by state or action lead through far more.
    others = select(ledger.c.id).where(
        ledger.c.paywall_id.in_(ids),
        func.lower(ledger.c.action).in_(actions),
        ledger.c.user_id == entry.user_id,
        ledger.c.amount == entry.amount,
        ledger.c.id != entry.id,
        func.lower(ledger.c.state) == DONE,
        ledger.c.updated_at >= since,
    )
    return len(connection.execute(others.limit(MOST_EVENTS)).all())


ON_ITS_WAY = timedelta(minutes=75)
"""For how long upstream sends an event again at most. Source: https://docs.paywalls.ai,
how-to guides, webhooks: 8 tries, the first two 30 s apart, each wait twice the one before."""
