"""The tables of the triggers: what comes in, where it is pushed, and what became of that."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from connector.store.tables import metadata
from connector.store.timestamps import Moment

# How events of a paywall come in: its upstream subscription, and the last number given to an event.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), primary_key=True),
    Column("last_seq", BigInteger, nullable=False),
    Column("endpoint_id", String(64), nullable=True),
    Column("state", String(16), nullable=False),
    Column("problem", Text, nullable=False),
    Column("checked_at", Moment, nullable=True),
    Column("lease_until", Moment, nullable=False),
    Column("token", Integer, nullable=False),
    Column("kept_key", Text, nullable=True),
    Column("read_at", Moment, nullable=True),
    Column("read_lease_until", Moment, nullable=False),
    Column("gap_since", Moment, nullable=True),
    Column("gap_note", Text, nullable=False),
    Column("kept_since", Moment, nullable=True),
    Column("key_refused_at", Moment, nullable=True),
)

# The addresses that upstream posts events to; retired ones still take what is on its way.
endpoints = Table(
    "endpoints",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), nullable=False, index=True),
    Column("subscription_id", String(255), nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("retired_at", Moment, nullable=True),
)

# Every event once. `seq` is given in commit order, from the paywall's own counter.
events = Table(
    "events",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), nullable=False),
    Column("event_id", String(255), nullable=False),
    Column("seq", BigInteger, nullable=True),
    Column("type", String(255), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("received_at", Moment, nullable=False, index=True),
    Column("wallet_id", String(255), nullable=False),
    Column("external_id", String(255), nullable=False),
    Column("body", Text, nullable=False),
    UniqueConstraint("paywall_id", "event_id"),
    UniqueConstraint("paywall_id", "seq"),
    Index(None, "paywall_id", "type", "seq"),
    Index(None, "paywall_id", "external_id", "seq"),
    Index(None, "paywall_id", "wallet_id", "seq"),
    Index(None, "paywall_id", "received_at"),
)

# Signed bodies that could not be read as an event, kept so that nothing is lost.
unreadable = Table(
    "unreadable",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), nullable=False),
    Column("received_at", Moment, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
)

# Which of the caller's users a wallet id belongs to.
user_pairs = Table(
    "user_pairs",
    metadata,
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), primary_key=True),
    Column("wallet_id", String(255), primary_key=True),
    Column("external_id", String(255), nullable=False),
    Index(None, "paywall_id", "external_id"),
)

# Where to push which events; `user_id` is "" for all users. A deleted hook stays, without its
# secret and with its own id as `target_hash`, for as long as the log of its deliveries.
LIVE_HOOKS = text("state = 'active'")
hooks = Table(
    "hooks",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), nullable=False),
    Column("target_url", Text, nullable=False),
    Column("target_hash", String(64), nullable=False),
    Column("trigger", String(64), nullable=False),
    Column("user_id", String(128), nullable=False),
    Column("secret", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("problem", Text, nullable=False),
    Column("failing_since", Moment, nullable=True),
    Column("failed_at", Moment, nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("token_id", String(32), nullable=True),
    UniqueConstraint("paywall_id", "target_hash", "trigger", "user_id"),
    Index(
        "ix_hooks_live",
        "paywall_id",
        "trigger",
        "user_id",
        sqlite_where=LIVE_HOOKS,
        postgresql_where=LIVE_HOOKS,
    ),
)

# The outbox, and the log of what was sent: one row per hook and event. `event_seq` is null for a
# test's sample, `attempts` counts all, `tries` those since it was last put into the outbox.
# A pending row is due at `next_at`; whoever claims it moves that to the end of the lease.
PENDING_ROWS = text("state = 'pending'")
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), nullable=False),
    Column("hook_id", String(32), ForeignKey("hooks.id", ondelete="CASCADE"), nullable=False),
    Column("event_seq", BigInteger, nullable=True),
    Column("event_id", String(255), nullable=False, index=True),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("token", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("hook_id", "event_seq"),
    Index(
        "ix_deliveries_due",
        "paywall_id",
        "hook_id",
        "next_at",
        sqlite_where=PENDING_ROWS,
        postgresql_where=PENDING_ROWS,
    ),
    Index(
        "ix_deliveries_waiting",
        "paywall_id",
        "next_at",
        sqlite_where=PENDING_ROWS,
        postgresql_where=PENDING_ROWS,
    ),
    Index(
        "ix_deliveries_next_at",
        "next_at",
        sqlite_where=PENDING_ROWS,
        postgresql_where=PENDING_ROWS,
    ),
    Index(None, "paywall_id", "created_at"),
    Index(None, "paywall_id", "state", "created_at"),
    Index(None, "hook_id", "state", "created_at"),
    Index(None, "created_at"),
)

delivery_attempts = Table(
    "delivery_attempts",
    metadata,
    Column(
        "delivery_id", String(32), ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True
    ),
    Column("number", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("status", Integer, nullable=True),
    Column("latency_ms", Integer, nullable=False),
    Column("answer", Text, nullable=False),
    Column("problem", Text, nullable=False),
)
