"""The tables of tokens, and of what is counted by the day."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, String, Table, Text, UniqueConstraint

from connector.store.tables import metadata
from connector.store.timestamps import Moment

# Connector tokens, each for the key of a paywall that is kept sealed; never a token itself. Sums
# are in millionths.
tokens = Table(
    "tokens",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("secret_tag", String(32), nullable=False),
    Column("label", String(100), nullable=False),
    Column("actions", Text, nullable=False),
    Column("user_id", String(128), nullable=False),
    Column("max_amount", BigInteger, nullable=True),
    Column("max_per_day", BigInteger, nullable=True),
    Column("expires_at", Moment, nullable=True),
    Column("revoked_at", Moment, nullable=True),
    Column("last_used_at", Moment, nullable=True),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("fingerprint"),
    Index(None, "paywall_id", "created_at"),
)

# What was used on a day, of which there is only so much: `kind` and `subject` say of what.
counters = Table(
    "counters",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("user_id", String(128), primary_key=True),
    Column("day", String(10), primary_key=True),
    Column("units", BigInteger, nullable=False),
    Index(None, "day"),
)

# What a row of the ledger holds of a counter, so that it can be given back.
ledger_holds = Table(
    "ledger_holds",
    metadata,
    Column("ledger_id", String(32), ForeignKey("ledger.id", ondelete="CASCADE"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("subject", String(64), primary_key=True),
    Column("user_id", String(128), primary_key=True),
    Column("day", String(10), nullable=False),
    Column("units", BigInteger, nullable=False),
)
