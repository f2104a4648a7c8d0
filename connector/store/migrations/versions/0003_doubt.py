"""What a row in doubt remembers: what was sent, under which key, the last send without answer."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("ledger", sa.Column("sent", sa.Text(), nullable=True))
    op.add_column("ledger", sa.Column("sent_under", sa.String(length=64), nullable=True))
    op.add_column("ledger", sa.Column("unanswered_at", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE ledger SET unanswered_at = updated_at WHERE state IN ('pending', 'in_doubt')"
    )


def downgrade() -> None:
    for column in ("unanswered_at", "sent_under", "sent"):
        op.drop_column("ledger", column)
