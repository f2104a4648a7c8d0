"""What was used, which row of the ledger a refund belongs to, and the builder's own note.

The new columns are empty at first, so nothing is written anew and the index is made of no rows.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

_GIVEN_BACK = sa.text("refund_of IS NOT NULL")


def upgrade() -> None:
    op.add_column("ledger", sa.Column("feature", sa.String(length=64), nullable=True))
    op.add_column("ledger", sa.Column("refund_of", sa.String(length=32), nullable=True))
    op.add_column("ledger", sa.Column("description", sa.Text(), nullable=True))
    op.create_index(
        "ix_ledger_refund_of",
        "ledger",
        ["refund_of"],
        sqlite_where=_GIVEN_BACK,
        postgresql_where=_GIVEN_BACK,
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_refund_of", table_name="ledger")
    op.drop_column("ledger", "description")
    op.drop_column("ledger", "refund_of")
    op.drop_column("ledger", "feature")
