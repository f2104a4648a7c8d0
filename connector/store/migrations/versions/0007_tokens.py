"""Connector tokens, what is counted by the day, and since when a kept key is known or refused."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("secret_tag", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.Column("actions", sa.Text(), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("max_amount", sa.BigInteger(), nullable=True),
        sa.Column("max_per_day", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paywall_id"], ["paywalls.id"], name="fk_tokens_paywall_id_paywalls"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("fingerprint", name="uq_tokens_fingerprint"),
    )
    op.create_index("ix_tokens_paywall_id_created_at", "tokens", ["paywall_id", "created_at"])
    op.create_table(
        "counters",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "subject", "user_id", "day", name="pk_counters"),
    )
    op.create_index("ix_counters_day", "counters", ["day"])
    op.create_table(
        "ledger_holds",
        sa.Column("ledger_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ledger_id"],
            ["ledger.id"],
            name="fk_ledger_holds_ledger_id_ledger",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("ledger_id", "kind", "subject", "user_id", name="pk_ledger_holds"),
    )
    op.add_column("hooks", sa.Column("token_id", sa.String(length=32), nullable=True))
    op.add_column("subscriptions", sa.Column("kept_since", sa.BigInteger(), nullable=True))
    op.add_column("subscriptions", sa.Column("key_refused_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("subscriptions", "key_refused_at")
    op.drop_column("subscriptions", "kept_since")
    op.drop_column("hooks", "token_id")
    op.drop_table("ledger_holds")
    op.drop_index("ix_counters_day", "counters")
    op.drop_table("counters")
    op.drop_index("ix_tokens_paywall_id_created_at", "tokens")
    op.drop_table("tokens")
