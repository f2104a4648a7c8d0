"""What the facade remembers: server secrets' check values, paywalls, keys, the ledger."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "server_secrets",
        sa.Column("tag", sa.String(32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tag", name="pk_server_secrets"),
    )
    op.create_table(
        "paywalls",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("upstream_id", sa.String(255), nullable=True),
        sa.Column("merged_into", sa.String(32), nullable=True),
        sa.Column("has_aliases", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_paywalls"),
        sa.ForeignKeyConstraint(["merged_into"], ["paywalls.id"], name="fk_paywalls_merged_into"),
        sa.UniqueConstraint("upstream_id", name="uq_paywalls_upstream_id"),
    )
    op.create_index("ix_paywalls_merged_into", "paywalls", ["merged_into"])
    op.create_table(
        "paywall_keys",
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("secret_tag", sa.String(32), nullable=False),
        sa.Column("paywall_id", sa.String(32), nullable=False),
        sa.Column("verified_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("fingerprint", name="pk_paywall_keys"),
        sa.ForeignKeyConstraint(["paywall_id"], ["paywalls.id"], name="fk_paywall_keys_paywall_id"),
    )
    op.create_index("ix_paywall_keys_paywall_id", "paywall_keys", ["paywall_id"])
    op.create_table(
        "ledger",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("paywall_id", sa.String(32), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("reference", sa.String(255), nullable=False),
        sa.Column("values_hash", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(128), nullable=False),
        sa.Column("amount", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("try_number", sa.Integer(), nullable=False),
        sa.Column("upstream_key", sa.String(64), nullable=False),
        sa.Column("was_in_doubt", sa.Boolean(), nullable=False),
        sa.Column("first_sent_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_ledger"),
        sa.ForeignKeyConstraint(["paywall_id"], ["paywalls.id"], name="fk_ledger_paywall_id"),
        sa.UniqueConstraint(
            "paywall_id", "action", "reference", name="uq_ledger_paywall_id_action_reference"
        ),
    )
    op.create_index("ix_ledger_state_updated_at", "ledger", ["state", "updated_at"])


def downgrade() -> None:
    for table in ("ledger", "paywall_keys", "paywalls", "server_secrets"):
        op.drop_table(table)
