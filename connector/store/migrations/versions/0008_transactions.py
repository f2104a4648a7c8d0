"""The rows of the ledger by when they were made, for a paywall, a user of it, and a state."""

from alembic import op

revision = "0008"
down_revision = "0007"

_INDEXES = (
    ("paywall_id", "created_at", "id"),
    ("paywall_id", "user_id", "created_at", "id"),
    ("paywall_id", "state", "created_at", "id"),
)


def upgrade() -> None:
    for columns in _INDEXES:
        op.create_index(f"ix_ledger_{'_'.join(columns)}", "ledger", list(columns))


def downgrade() -> None:
    for columns in reversed(_INDEXES):
        op.drop_index(f"ix_ledger_{'_'.join(columns)}", "ledger")
