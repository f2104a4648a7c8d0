"""What follows, in the same transaction, when a row of the ledger is decided as done."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection

from connector.ledger import refunds
from connector.ledger.intents import Intent
from connector.money import millionths
from connector.store import sum_rows
from connector.store.ledger_rows import Entry


def row_went_through(connection: Connection, entry: Entry) -> None:
    """A row that was in doubt or unknown has just become done."""
    _went_through(
        connection,
        entry.paywall_id,
        entry.user_id,
        entry.action,
        Decimal(entry.amount),
        entry.refund_of,
    )


def went_through(connection: Connection, intent: Intent, amount: Decimal) -> None:
    """The row of an intent has just become done, with this amount."""
    refund_of = intent.pricing.refund_of if intent.pricing else None
    _went_through(connection, intent.paywall.id, intent.user, intent.action.key, amount, refund_of)


def _went_through(
    connection: Connection,
    paywall_id: str,
    user: str,
    action: str,
    amount: Decimal,
    refund_of: str | None,
) -> None:
    """It counts in the sums of the day; and what it gives back, as a refund, is given back."""
    if refund_of:
        refunds.happened(connection, refund_of)
    sum_rows.add(connection, paywall_id, user, action, millionths(amount))
