"""What follows, in the same transaction, when a row of the ledger is decided as done."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection

from connector.ledger import refunds
from connector.ledger.intents import Intent
from connector.money import millionths
from connector.store import sum_rows
from connector.store.ledger_rows import Entry
from connector.store.sum_rows import Added


def row_went_through(connection: Connection, entry: Entry) -> None:
    """A row that was in doubt or unknown has just become done."""
    added = Added(entry.paywall_id, entry.user_id, entry.action, millionths(Decimal(entry.amount)))
    if entry.refund_of:
        refunds.happened(connection, entry.refund_of)
    sum_rows.add(connection, [added])


def went_through(connection: Connection, intent: Intent, amount: Decimal) -> Added:
    """The row of an intent has just become done, with this amount: what it gives back, as a refund,
    is given back. What is left to be added to the sums of the day."""
    if intent.pricing and intent.pricing.refund_of:
        refunds.happened(connection, intent.pricing.refund_of)
    return Added(intent.paywall.id, intent.user, intent.action.key, millionths(amount))
