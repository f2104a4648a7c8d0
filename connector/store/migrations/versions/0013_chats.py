"""Chats that are asked at most once per reference, and answers for callback addresses."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_KEPT = sa.text("answer IS NOT NULL")
_PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_table(
        "chats",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("reference", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.String(length=128), nullable=False),
        sa.Column("values_hash", sa.String(length=64), nullable=False),
        sa.Column("secret_tag", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("callback_url", sa.Text(), nullable=False),
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["paywall_id"], ["paywalls.id"], name="fk_chats_paywall_id_paywalls"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_chats"),
        sa.UniqueConstraint("paywall_id", "reference", name="uq_chats_paywall_id_reference"),
    )
    op.create_index("ix_chats_state_lease_until", "chats", ["state", "lease_until"])
    op.create_index("ix_chats_updated_at", "chats", ["updated_at"])
    op.create_index(
        "ix_chats_kept", "chats", ["updated_at"], sqlite_where=_KEPT, postgresql_where=_KEPT
    )
    op.create_table(
        "chat_callbacks",
        sa.Column("id", sa.String(length=48), nullable=False),
        sa.Column("chat_id", sa.String(length=32), nullable=False),
        sa.Column("paywall_id", sa.String(length=32), nullable=False),
        sa.Column("token_id", sa.String(length=32), nullable=False),
        sa.Column("target_url", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("token", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["chat_id"],
            ["chats.id"],
            name="fk_chat_callbacks_chat_id_chats",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["paywall_id"], ["paywalls.id"], name="fk_chat_callbacks_paywall_id_paywalls"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_chat_callbacks"),
    )
    op.create_index("ix_chat_callbacks_chat_id", "chat_callbacks", ["chat_id"])
    op.create_index(
        "ix_chat_callbacks_pending",
        "chat_callbacks",
        ["next_at"],
        sqlite_where=_PENDING,
        postgresql_where=_PENDING,
    )
    op.create_index(
        "ix_chat_callbacks_kept",
        "chat_callbacks",
        ["created_at"],
        sqlite_where=_KEPT,
        postgresql_where=_KEPT,
    )


def downgrade() -> None:
    op.drop_table("chat_callbacks")
    op.drop_table("chats")
