"""Sums of each day and user, what needs somebody's attention, and references by their beginning.

The ledger's new index is the only thing here that is made of rows that are there.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_BEGINNING = "ix_ledger_paywall_id_reference"


def upgrade() -> None:
    op.create_table(
        "ledger_sums",
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("shard", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("currency", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paywall_id"], ["paywalls.id"], name="fk_ledger_sums_paywall_id_paywalls"
        ),
        sa.PrimaryKeyConstraint(
            "paywall_id", "day", "user_id", "shard", "action", "currency", name="pk_ledger_sums"
        ),
    )
    op.create_index("ix_ledger_sums_day", "ledger_sums", ["day"])
    op.create_table(
        "attention",
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("noted_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paywall_id"], ["paywalls.id"], name="fk_attention_paywall_id_paywalls"
        ),
        sa.PrimaryKeyConstraint("paywall_id", "day", "kind", "subject", name="pk_attention"),
    )
    op.create_index("ix_attention_paywall_id_noted_at", "attention", ["paywall_id", "noted_at"])
    op.create_index("ix_attention_day", "attention", ["day"])
    op.create_index(
        _BEGINNING,
        "ledger",
        ["paywall_id", "reference"],
        postgresql_ops={"reference": "varchar_pattern_ops"},
    )


def downgrade() -> None:
    op.drop_index(_BEGINNING, table_name="ledger")
    op.drop_table("attention")
    op.drop_table("ledger_sums")
