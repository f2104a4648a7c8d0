"""What features cost, as the ledger and builders need it."""

from __future__ import annotations

from decimal import Decimal

from sqlalchemy import Connection

from connector.api.authentication import Caller
from connector.api.services import Services
from connector.catalog.actions import Values
from connector.ledger.intents import NotForSale, Pricing
from connector.money import plain, plain_or_empty
from connector.pricing import usage as pricing
from connector.pricing.usage import LimitReached, Usage
from connector.triggers.items import shown


def pricing_of(parts: Services, caller: Caller, values: Values) -> Pricing:
    """What makes the price of a use of a feature, within what the caller's token may move."""
    maximum = parts.settings.max_amount

    def price(connection: Connection, entry_id: str) -> Decimal:
        try:
            amount = pricing.price(
                connection,
                caller.paywall.id,
                entry_id,
                values["user"],
                values["feature"],
                values["quantity"],
                maximum,
            )
        except LimitReached as limit:
            raise NotForSale(
                {"success": False, "outcome": limit.outcome, "message": limit.message}
            ) from None
        if caller.token is not None:
            caller.token.require_amount(amount)
        return amount

    return Pricing(price, feature=values["feature"])


def left_of_the_day(parts: Services, caller: Caller, values: Values) -> Values:
    """What a user has left of a feature, right after it was used."""
    found = parts.store.read(
        lambda connection: pricing.usage(
            connection, caller.paywall.id, values["user"], values["feature"]
        )
    )
    return _counts(found)


def usage_of(parts: Services, caller: Caller, values: Values) -> Values:
    """The answer of Get Usage. Raises InvalidField for a feature that has no rule."""
    found = parts.store.read(
        lambda connection: pricing.known_usage(
            connection, caller.paywall.id, values["user"], values["feature"]
        )
    )
    rule = found.rule
    return {
        "success": True,
        "outcome": found.outcome,
        "message": found.message,
        "user": values["user"],
        "feature": values["feature"],
        "price": plain_or_empty(rule.price if rule else None),
        **_counts(found),
    }


def _counts(found: Usage) -> Values:
    return {
        "free_left": found.free_left,
        "spent_today": plain(found.spent_today),
        "cap_left": plain_or_empty(found.cap_left),
        "resets_at": shown(found.day.ends),
    }
