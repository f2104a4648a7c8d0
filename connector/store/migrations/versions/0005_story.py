"""The tries of a ledger row, so that its story can be told; events by user, for polls of one user
and for what an event says about a row in doubt; the outbox by paywall, for fair turns."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_OF_A_USER = ("external_id", "wallet_id")
_OPEN = sa.text("state IN ('pending', 'in_doubt')")
_PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    op.create_table(
        "ledger_tries",
        sa.Column("ledger_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("upstream_key", sa.String(length=64), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["ledger_id"],
            ["ledger.id"],
            name="fk_ledger_tries_ledger_id_ledger",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("ledger_id", "number", name="pk_ledger_tries"),
    )
    for column in _OF_A_USER:
        op.create_index(
            f"ix_events_paywall_id_{column}_seq", "events", ["paywall_id", column, "seq"]
        )

    op.drop_index("ix_ledger_open", "ledger")
    _index("ix_deliveries_waiting", "paywall_id", "next_at")
    op.drop_index("ix_deliveries_due", "deliveries")
    _index("ix_deliveries_due", "paywall_id", "hook_id", "next_at")


def _index(name: str, *columns: str) -> None:
    op.create_index(name, "deliveries", columns, sqlite_where=_PENDING, postgresql_where=_PENDING)


def downgrade() -> None:
    op.create_index(
        "ix_ledger_open", "ledger", ["first_sent_at"], sqlite_where=_OPEN, postgresql_where=_OPEN
    )
    op.drop_index("ix_deliveries_due", "deliveries")
    _index("ix_deliveries_due", "hook_id", "next_at")
    op.drop_index("ix_deliveries_waiting", "deliveries")
    for column in reversed(_OF_A_USER):
        op.drop_index(f"ix_events_paywall_id_{column}_seq", "events")
    op.drop_table("ledger_tries")
