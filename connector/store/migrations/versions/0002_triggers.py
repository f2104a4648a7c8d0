"""What triggers remember: subscriptions, endpoints, events, hooks, deliveries."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_COUNTED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_PENDING_ROWS = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_table(
        "endpoints",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("subscription_id", sa.String(length=255), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("retired_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["paywall_id"], ["paywalls.id"], name="fk_endpoints_paywall_id"),
        sa.PrimaryKeyConstraint("id", name="pk_endpoints"),
    )
    op.create_index("ix_endpoints_paywall_id", "endpoints", ["paywall_id"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", _COUNTED, nullable=False),
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("type", sa.String(length=255), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("wallet_id", sa.String(length=255), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["paywall_id"], ["paywalls.id"], name="fk_events_paywall_id"),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("paywall_id", "event_id", name="uq_events_paywall_id_event_id"),
        sa.UniqueConstraint("paywall_id", "seq", name="uq_events_paywall_id_seq"),
    )
    op.create_index(
        "ix_events_paywall_id_type_seq", "events", ["paywall_id", "type", "seq"], unique=False
    )
    op.create_index("ix_events_received_at", "events", ["received_at"], unique=False)
    op.create_table(
        "hooks",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("target_url", sa.Text(), nullable=False),
        sa.Column("target_hash", sa.String(length=64), nullable=False),
        sa.Column("trigger", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("failed_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["paywall_id"], ["paywalls.id"], name="fk_hooks_paywall_id"),
        sa.PrimaryKeyConstraint("id", name="pk_hooks"),
        sa.UniqueConstraint(
            "paywall_id",
            "target_hash",
            "trigger",
            "user_id",
            name="uq_hooks_paywall_id_target_hash_trigger_user_id",
        ),
    )
    op.create_table(
        "subscriptions",
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("last_seq", sa.BigInteger(), nullable=False),
        sa.Column("endpoint_id", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("checked_at", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("kept_key", sa.Text(), nullable=True),
        sa.Column("read_at", sa.BigInteger(), nullable=True),
        sa.Column("read_lease_until", sa.BigInteger(), nullable=False),
        sa.Column("gap_since", sa.BigInteger(), nullable=True),
        sa.Column("gap_note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paywall_id"], ["paywalls.id"], name="fk_subscriptions_paywall_id"
        ),
        sa.PrimaryKeyConstraint("paywall_id", name="pk_subscriptions"),
    )
    op.create_table(
        "unreadable",
        sa.Column("id", _COUNTED, nullable=False),
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["paywall_id"], ["paywalls.id"], name="fk_unreadable_paywall_id"),
        sa.PrimaryKeyConstraint("id", name="pk_unreadable"),
    )
    op.create_index("ix_unreadable_received_at", "unreadable", ["received_at"], unique=False)
    op.create_table(
        "user_pairs",
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("wallet_id", sa.String(length=255), nullable=False),
        sa.Column("external_id", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["paywall_id"], ["paywalls.id"], name="fk_user_pairs_paywall_id"),
        sa.PrimaryKeyConstraint("paywall_id", "wallet_id", name="pk_user_pairs"),
    )
    op.create_index(
        "ix_user_pairs_paywall_id_external_id",
        "user_pairs",
        ["paywall_id", "external_id"],
        unique=False,
    )
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("hook_id", sa.String(length=32), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["hook_id"], ["hooks.id"], name="fk_deliveries_hook_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["paywall_id"], ["paywalls.id"], name="fk_deliveries_paywall_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("hook_id", "event_seq", name="uq_deliveries_hook_id_event_seq"),
    )
    for name, columns in (
        ("ix_deliveries_due", ["hook_id", "next_at"]),
        ("ix_deliveries_next_at", ["next_at"]),
    ):
        op.create_index(
            name,
            "deliveries",
            columns,
            unique=False,
            sqlite_where=_PENDING_ROWS,
            postgresql_where=_PENDING_ROWS,
        )
    op.create_index("ix_deliveries_event_id", "deliveries", ["event_id"], unique=False)
    op.create_index(
        "ix_deliveries_paywall_id_created_at",
        "deliveries",
        ["paywall_id", "created_at"],
        unique=False,
    )
    op.create_table(
        "delivery_attempts",
        sa.Column("delivery_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["deliveries.id"],
            name="fk_delivery_attempts_delivery_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_delivery_attempts"),
    )


def downgrade() -> None:
    for table in (
        "delivery_attempts",
        "deliveries",
        "user_pairs",
        "unreadable",
        "subscriptions",
        "hooks",
        "events",
        "endpoints",
    ):
        op.drop_table(table)
