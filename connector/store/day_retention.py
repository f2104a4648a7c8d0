"""Queries: forgetting what was counted by the day."""

from __future__ import annotations

from sqlalchemy import Connection, Table, delete, select

from connector.store.timestamps import fixed, now


def purge(connection: Connection, table: Table, days: int, limit: int = 500) -> int:
    """Delete at most `limit` rows of a table whose `day` is over for more than `days`; how many
    were deleted."""
    last = connection.execute(select(fixed(now(-days * 86_400)))).scalar_one()
    key = list(table.primary_key)
    old = connection.execute(select(*key).where(table.c.day < f"{last:%Y-%m-%d}").limit(limit))
    count = 0
    for row in old.all():
        conditions = (column == value for column, value in zip(key, row, strict=True))
        count += connection.execute(delete(table).where(*conditions)).rowcount
    return count
