"""The tables of what a paywall's owner looks at: sums of the day, and what needs attention."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, text

from connector.store.tables import metadata
from connector.store.timestamps import Moment

# What went through on a day: how often, and how much in millionths, for each user and, with the
# user "", for all. Those of all are kept in several shards, so that calls do not wait for one row.
# Amounts under another label are another currency: they are never added.
ledger_sums = Table(
    "ledger_sums",
    metadata,
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("user_id", String(128), primary_key=True),
    Column("shard", Integer, primary_key=True, autoincrement=False),
    Column("action", String(64), primary_key=True),
    Column("currency", String(16), primary_key=True),
    Column("number", Integer, nullable=False),
    Column("units", BigInteger, nullable=False),
    Index(None, "day"),
)

# What somebody should know, once per cause and day. `kind` says what happened, `subject` to what,
# `user_id` to whom first, and `announced_at` since when there is an event of it.
_UNTOLD = text("announced_at IS NULL")
attention = Table(
    "attention",
    metadata,
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("kind", String(32), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("user_id", String(128), nullable=False),
    Column("noted_at", Moment, nullable=False),
    Column("announced_at", Moment),
    Index(None, "paywall_id", "noted_at"),
    Index(None, "day"),
    Index(None, "subject"),
    Index("ix_attention_unannounced", "noted_at", sqlite_where=_UNTOLD, postgresql_where=_UNTOLD),
)
