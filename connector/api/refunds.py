"""Refunds, as the ledger and builders need them: which row is given back, and how much of it."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection

from connector.api.authentication import Caller
from connector.api.services import Services
from connector.catalog.actions import Values, actions
from connector.catalog.outcomes import NOTHING_TO_REFUND
from connector.errors import InvalidField, StillInDoubt, StillInFlight, quoted
from connector.ledger import refunds
from connector.ledger.intents import NotForSale, Pricing
from connector.money import plain
from connector.store import transaction_rows
from connector.store.ledger_rows import DONE, FREE, Entry
from connector.store.transaction_rows import Asked

_ENOUGH = 20
"""How many rows of one reference are looked at: some users' and some merged paywalls'."""
_NOTHING_CHARGED = "Nothing was charged under this reference, so there is nothing to give back."


def paid_row(parts: Services, caller: Caller, values: Values) -> Entry:
    """The row that a refund is about: a charge, or a use of a feature, that is done.

    Raises InvalidField where there is none or more than one, StillInFlight or StillInDoubt for one
    that is not decided, and NotForSale for one that took nothing.
    """
    reference = values["reference"]
    keys = tuple(one.key for one in actions() if one.exactly_once and one.exactly_once.refundable)
    asked = Asked(keys, reference=reference)
    rows = parts.store.read(
        lambda connection: transaction_rows.listing(connection, caller.paywall.ids, asked, _ENOUGH)
    )
    own = [row for row in rows if row.kept_reference == reference]
    row = _the_one(parts, own or rows, reference, values.get("feature", ""))
    if row.leased:
        raise StillInFlight(
            f"“{quoted(reference)}” is being charged right now. Try again in a few seconds; it "
            "will not be given back twice.",
            reference=reference,
            retry_after=5,
        )
    if row.state not in (DONE, FREE):
        raise StillInDoubt(
            f"It is not known yet whether “{quoted(reference)}” was charged. Send that again, with "
            "the same values, to find out; then send the refund again.",
            reference=reference,
            retry_after=5,
        )
    if row.state == FREE or Decimal(row.amount) == 0:
        raise NotForSale(_nothing(row))
    return row


def pricing_of(parts: Services, caller: Caller, values: Values, paid: Entry) -> Pricing:
    """What makes the amount of a refund, within what the caller's token may move."""

    def price(connection: Connection, entry_id: str) -> Decimal:
        amount = refunds.amount_of(connection, paid.id, values.get("amount"), entry_id)
        if amount is None:
            raise _never_made(parts, paid.reference)
        if caller.token is not None:
            caller.token.require_amount(amount)
        return amount

    return Pricing(price, refund_of=paid.id)


def total_of(parts: Services, paid: Entry) -> str:
    """What was given back of a row until now."""
    return plain(parts.store.read(lambda connection: refunds.given_back(connection, paid.id)))


def _the_one(parts: Services, rows: list[Entry], reference: str, feature: str) -> Entry:
    if feature:
        used = [row for row in rows if row.feature == feature]
        if rows and not used:
            raise InvalidField(
                f"“{quoted(feature)}” was not used under the reference “{quoted(reference)}”. "
                "Leave “Feature” empty, or fill in the one that was used.",
                field="feature",
                reference=reference,
            )
        rows = used
    if not rows:
        raise _never_made(parts, reference)
    if len({row.action for row in rows}) > 1:
        raise InvalidField(
            f"A charge and a use of a feature both have the reference “{quoted(reference)}”. To "
            "give the use back, fill in “Feature” with the feature that was used; to give the "
            "charge back, add it to the user's balance with Deposit Credits.",
            field="feature",
            reference=reference,
        )
    if len({row.user_id for row in rows}) > 1:
        raise InvalidField(
            f"More than one user was charged under the reference “{quoted(reference)}”. Add the "
            "amount to the balance of the right user with Deposit Credits.",
            field="reference",
            reference=reference,
        )
    # Two keys may have charged one reference before they were known to be of one paywall.
    return min(rows, key=lambda row: (row.state != DONE, row.created_at, row.id))


def _never_made(parts: Services, reference: str) -> InvalidField:
    return InvalidField(
        f"There is no charge with the reference “{quoted(reference)}” here. Fill in the reference "
        "under which the user was charged, spelled the same; one that is older than "
        f"{parts.settings.ledger_retention_days} days is not kept any more.",
        field="reference",
        reference=reference,
    )


def _nothing(row: Entry) -> Values:
    return {
        "success": False,
        "outcome": NOTHING_TO_REFUND,
        "message": _NOTHING_CHARGED,
        "user": row.user_id,
        "reference": row.reference,
        "amount": "0",
        "refunded_total": "0",
        "duplicate": False,
    }
