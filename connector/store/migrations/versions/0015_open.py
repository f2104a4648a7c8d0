"""What is not decided is found without looking at what is.

The index has few rows, but making it reads the ledger once.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_OPEN = sa.text("state IN ('pending', 'in_doubt', 'unknown')")


def upgrade() -> None:
    op.create_index(
        "ix_ledger_open",
        "ledger",
        ["state", "first_sent_at"],
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def downgrade() -> None:
    op.drop_index("ix_ledger_open", table_name="ledger")
