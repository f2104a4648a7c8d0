"""The table of people who are signed in to the console."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from connector.store.tables import metadata
from connector.store.timestamps import Moment

# Who is signed in: `id` is a hash of what the browser shows, `sealed_keys` the keys and tokens that
# were signed in with, `chosen` which of them is looked at. A row, and the keys in it, ends with the
# session, also where no keys are kept.
console_sessions = Table(
    "console_sessions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("sealed_keys", Text, nullable=False),
    Column("chosen", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Index(None, "ends_at"),
)
