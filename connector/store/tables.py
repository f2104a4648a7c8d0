"""The tables. Migrations make them; a test holds both against each other."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)

from connector.store.timestamps import Moment

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Check values of the server secrets that data here depends on.
server_secrets = Table(
    "server_secrets",
    metadata,
    Column("tag", String(32), primary_key=True),
    Column("created_at", Moment, nullable=False),
)

# Local paywalls: one for each key until upstream tells that two are the same.
paywalls = Table(
    "paywalls",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("upstream_id", String(255), nullable=True),
    Column("merged_into", String(32), ForeignKey("paywalls.id"), nullable=True, index=True),
    Column("has_aliases", Boolean, nullable=False, default=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("upstream_id"),
)

# Keyed fingerprints of callers' keys; never a key.
paywall_keys = Table(
    "paywall_keys",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("secret_tag", String(32), nullable=False),
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), nullable=False, index=True),
    Column("verified_at", Moment, nullable=True),
    Column("created_at", Moment, nullable=False),
)

_OPEN = text("state IN ('pending', 'in_doubt', 'unknown')")
_GIVEN_BACK = text("refund_of IS NOT NULL")

# What makes an action happen exactly once: one row per paywall, action and reference. Until a row
# is decided `sent` holds, sealed, what the first try sent besides user and amount; `sent_under` is
# the fingerprint of its key, `unanswered_at` when something was last sent without an answer.
# `feature` is what was used, `refund_of` the row whose money is given back, `description` the
# builder's own note.
ledger = Table(
    "ledger",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("paywall_id", String(32), ForeignKey("paywalls.id"), nullable=False),
    Column("action", String(64), nullable=False),
    Column("reference", String(255), nullable=False),
    Column("values_hash", String(64), nullable=False),
    Column("user_id", String(128), nullable=False),
    Column("amount", String(32), nullable=False),
    Column("state", String(16), nullable=False),
    Column("try_number", Integer, nullable=False),
    Column("upstream_key", String(64), nullable=False),
    Column("was_in_doubt", Boolean, nullable=False),
    Column("first_sent_at", Moment, nullable=False),
    Column("lease_until", Moment, nullable=False),
    Column("token", Integer, nullable=False),
    Column("answer", Text, nullable=True),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("sent", Text, nullable=True),
    Column("sent_under", String(64), nullable=True),
    Column("unanswered_at", Moment, nullable=True),
    Column("feature", String(64), nullable=True),
    Column("refund_of", String(32), nullable=True),
    Column("description", Text, nullable=True),
    UniqueConstraint("paywall_id", "action", "reference"),
    Index(None, "state", "updated_at"),
    Index(
        "ix_ledger_open",
        "state",
        "first_sent_at",
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    ),
    Index(None, "paywall_id", "created_at", "id"),
    Index(None, "paywall_id", "user_id", "created_at", "id"),
    Index(None, "paywall_id", "state", "created_at", "id"),
    Index(
        None,
        "paywall_id",
        "reference",
        postgresql_ops={"reference": "varchar_pattern_ops"},
    ),
    Index(None, "refund_of", sqlite_where=_GIVEN_BACK, postgresql_where=_GIVEN_BACK),
)

# A partial index serves only those who name its condition word by word.
is_open: ColumnElement[bool] = ledger.c.state.in_(
    [literal_column(f"'{state}'") for state in ("pending", "in_doubt", "unknown")]
)
"""Whether a row is not decided."""

# Tries of a row that were in doubt, or not the first: when, under which key, and how they ended.
ledger_tries = Table(
    "ledger_tries",
    metadata,
    Column("ledger_id", String(32), ForeignKey("ledger.id", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("upstream_key", String(64), nullable=False),
    Column("sent_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
    Column("ended", String(64), nullable=False),
)
