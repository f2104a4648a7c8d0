"""The tables of what a paywall's owner sets: how its day is counted, and what features cost."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, String, Table, Text

from connector.store.tables import metadata
from connector.store.timestamps import Moment

paywall_settings = Table(
    "paywall_settings",
    metadata,
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), primary_key=True),
    Column("timezone", String(64), nullable=False),
    Column("currency_label", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
)

# One rule per paywall and feature. Sums are in millionths; NULL is what was not set.
features = Table(
    "features",
    metadata,
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("price", BigInteger, nullable=True),
    Column("free_per_day", Integer, nullable=True),
    Column("cap_per_user_day", BigInteger, nullable=True),
    Column("cap_per_day", BigInteger, nullable=True),
    Column("limit_message", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
)
