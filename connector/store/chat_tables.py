"""The tables of chats with a reference, and of answers that are pushed to callback addresses."""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from connector.store.tables import metadata
from connector.store.timestamps import Moment

_KEPT = text("answer IS NOT NULL")
_PENDING = text("state = 'pending'")

# What makes a chat be asked at most once: one row per paywall and reference. What was asked is not
# kept, only `values_hash`, made under the server secret with `secret_tag`; `answer` is sealed, and
# kept for a day. `callback_url` is "" where nobody wants to be called back; `token_id` is the token
# that asked for that, "" for the key itself.
chats = Table(
    "chats",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), nullable=False),
    Column("reference", String(255), nullable=False),
    Column("user_id", String(128), nullable=False),
    Column("values_hash", String(64), nullable=False),
    Column("secret_tag", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("token", Integer, nullable=False),
    Column("lease_until", Moment, nullable=False),
    Column("answer", Text, nullable=True),
    Column("callback_url", Text, nullable=False),
    Column("token_id", String(32), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    UniqueConstraint("paywall_id", "reference"),
    Index(None, "state", "lease_until"),
    Index(None, "updated_at"),
    Index("ix_chats_kept", "updated_at", sqlite_where=_KEPT, postgresql_where=_KEPT),
)

# Answers to be pushed, sealed until they were taken; the id is the push's own.
chat_callbacks = Table(
    "chat_callbacks",
    metadata,
    Column("id", String(48), primary_key=True),
    Column("chat_id", String(32), ForeignKey("chats.id", ondelete="CASCADE"), nullable=False),
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), nullable=False),
    Column("token_id", String(32), nullable=False),
    Column("target_url", Text, nullable=False),
    Column("answer", Text, nullable=True),
    Column("state", String(16), nullable=False),
    Column("tries", Integer, nullable=False),
    Column("token", Integer, nullable=False),
    Column("next_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index(None, "chat_id"),
    Index(
        "ix_chat_callbacks_pending",
        "next_at",
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    ),
    Index("ix_chat_callbacks_kept", "created_at", sqlite_where=_KEPT, postgresql_where=_KEPT),
)
