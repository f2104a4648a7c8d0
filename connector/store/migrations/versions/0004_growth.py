"""Indexes for what took longer the more was stored: events of the last minutes, the log of
deliveries by state, old deliveries to purge, what the ledger still doubts.

At 1,000,000 events, deliveries and ledger rows this took 2.5 s on SQLite.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_OPEN = "state IN ('pending', 'in_doubt')"
_EVENTS, _DELIVERIES = "events", "deliveries"
_INDEXES = (
    ("ix_events_paywall_id_received_at", _EVENTS, ("paywall_id", "received_at"), ""),
    (
        "ix_deliveries_paywall_id_state_created_at",
        _DELIVERIES,
        ("paywall_id", "state", "created_at"),
        "",
    ),
    (
        "ix_deliveries_hook_id_state_created_at",
        _DELIVERIES,
        ("hook_id", "state", "created_at"),
        "",
    ),
    ("ix_deliveries_created_at", _DELIVERIES, ("created_at",), ""),
    ("ix_ledger_open", "ledger", ("first_sent_at",), _OPEN),
)


def upgrade() -> None:
    for name, table, columns, condition in _INDEXES:
        where = sa.text(condition) if condition else None
        op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    for name, table, *_ in reversed(_INDEXES):
        op.drop_index(name, table)
