"""Live hooks by what they want, so that an event which none of many wants asks for no more of them
than one that few want."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_LIVE = sa.text("state = 'active'")


def upgrade() -> None:
    op.create_index(
        "ix_hooks_live",
        "hooks",
        ["paywall_id", "trigger", "user_id"],
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )


def downgrade() -> None:
    op.drop_index("ix_hooks_live", "hooks")
