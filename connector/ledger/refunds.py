"""Giving back what a row of the ledger took: never more than that, and what follows when all of it
was given back.

A refund is a row of its own that names the other one. What it gives back counts from the moment its
reference is taken until it is known that it did not happen, so refunds at the same time, or one
that is in doubt, never add up to more than was taken. The row that was paid is locked meanwhile;
locks are taken in the order refund, paid row, counters.
"""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection

from connector.catalog import outcomes
from connector.catalog.verdicts import Verdict
from connector.errors import InvalidField, StillInDoubt
from connector.ledger.intents import NotForSale
from connector.money import plain
from connector.store import counter_rows, ledger_rows, refund_rows
from connector.store.ledger_rows import DONE, Entry

ALL_GIVEN_BACK = "All of this was given back before, so there is nothing more to give back."
_NOT_DECIDED = (
    "It is not known yet whether another refund of this went through. Send that one again, with "
    "the same values, to find out; then send this one again."
)
_REFUNDED = Verdict(
    result={
        "success": False,
        "outcome": outcomes.REFUNDED,
        "message": "This payment was refunded.",
    }
)


def total(refunds: list[Entry]) -> Decimal:
    """What these refunds give back together."""
    return sum((Decimal(refund.amount) for refund in refunds), Decimal(0))


def given_back(connection: Connection, entry_id: str) -> Decimal:
    """What is known to have been given back of a row."""
    return total(_known(refund_rows.of(connection, entry_id)))


def _known(refunds: list[Entry]) -> list[Entry]:
    return [refund for refund in refunds if refund.state == DONE]


def amount_of(
    connection: Connection, paid_id: str, asked: Decimal | None, beside: str
) -> Decimal | None:
    """What the refund with the id `beside` gives back of a row that was paid: as much as is asked,
    or all that is left. None where the row is not kept any more.

    Raises NotForSale where nothing is left, InvalidField for more than that, and StillInDoubt where
    another refund has to be decided before.
    """
    paid = ledger_rows.get(connection, paid_id, lock=True)
    if paid is None:
        return None
    others = refund_rows.of(connection, paid_id, beside=beside)
    known = _known(others)
    left = Decimal(paid.amount) - total(known)
    if left <= 0:
        result = {
            "success": False,
            "outcome": outcomes.NOTHING_TO_REFUND,
            "message": ALL_GIVEN_BACK,
        }
        raise NotForSale(result)
    if asked is not None and asked > left:
        raise InvalidField(
            f"At most {plain(left)} can be given back of this. Write that or less into “Amount”, "
            "or leave it empty to give back all that is left.",
            field="amount",
            reference=paid.reference,
        )
    held = total(others) - total(known)
    if held and (asked is None or asked > left - held):
        raise StillInDoubt(_NOT_DECIDED, reference=paid.reference, retry_after=5)
    return left if asked is None else asked


def happened(connection: Connection, paid_id: str) -> None:
    """A refund of this row has just been decided as done. When all of it is given back, so are the
    counts it holds, to the day on which they were taken; and its reference is answered as refunded
    from now on."""
    paid = ledger_rows.get(connection, paid_id, lock=True)
    if paid is not None and given_back(connection, paid_id) >= Decimal(paid.amount):
        counter_rows.give_back(connection, paid_id)
        refund_rows.answer_as(connection, paid_id, _REFUNDED.to_json())
