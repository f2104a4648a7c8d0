"""Since when there is an event of what needs attention.

What was noted before is taken as announced: it was read where it stood. The table is small.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_UNTOLD = sa.text("announced_at IS NULL")


def upgrade() -> None:
    op.add_column("attention", sa.Column("announced_at", sa.BigInteger(), nullable=True))
    op.execute("UPDATE attention SET announced_at = noted_at")
    op.create_index("ix_attention_subject", "attention", ["subject"])
    op.create_index(
        "ix_attention_unannounced",
        "attention",
        ["noted_at"],
        sqlite_where=_UNTOLD,
        postgresql_where=_UNTOLD,
    )


def downgrade() -> None:
    op.drop_index("ix_attention_unannounced", table_name="attention")
    op.drop_index("ix_attention_subject", table_name="attention")
    op.drop_column("attention", "announced_at")
