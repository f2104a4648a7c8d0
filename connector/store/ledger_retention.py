"""Queries: forgetting rows of the ledger that are old."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select

from connector.store.ledger_rows import DONE, FREE
from connector.store.tables import ledger
from connector.store.timestamps import fixed, now


def purge(connection: Connection, days: int, limit: int = 500) -> int:
    """Delete at most `limit` decided rows that are older than `days`, with what they hold; how many
    were deleted."""
    removed = 0
    for state in (DONE, FREE):  # one by one, each in the order of its index
        old = (
            select(ledger.c.id)
            .where(ledger.c.state == state, ledger.c.updated_at < fixed(now(-days * 86_400)))
            .order_by(ledger.c.updated_at)
            .limit(limit - removed)
        )
        removed += connection.execute(delete(ledger).where(ledger.c.id.in_(old))).rowcount
    return removed
