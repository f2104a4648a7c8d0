"""INSERT … ON CONFLICT: both databases know it, SQLAlchemy has it in each one's own `insert`."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite

Insert = sqlite.Insert | postgresql.Insert


def insert_for(dialect: str) -> Callable[[Table], Insert]:
    """The `insert` of a dialect ("sqlite" or "postgresql"), which has `on_conflict_do_…`."""
    return sqlite.insert if dialect == "sqlite" else postgresql.insert
