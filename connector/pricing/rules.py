"""The rule of a feature: a price, how often it is free, and where it ends."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from connector.errors import InvalidField, quoted
from connector.money import millionths_or_none, of_millionths_or_none
from connector.store import Store, feature_rows
from connector.store.feature_rows import FeatureRow

MOST = 500
"""How many features a paywall may have."""
NAME_PATTERN = r"^[a-z0-9._-]{1,64}$"


@dataclass(frozen=True)
class Rule:
    """A feature's rule. None is what was not set: no price (then it is a quota), nothing free, no
    cap. `limit_message` is what a user is told at the limit, "" for our own words."""

    name: str
    price: Decimal | None = None
    free_per_day: int | None = None
    cap_per_user_day: Decimal | None = None
    cap_per_day: Decimal | None = None
    limit_message: str = ""
    updated_at: datetime | None = None


class Features:
    """The features of all paywalls."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, paywall_id: str, rule: Rule) -> Rule:
        """Set a rule, in place of the one that the feature may have; as it is then.

        Raises InvalidField for a name that cannot be one, a rule that would count nothing, or too
        many features.
        """
        check_name(rule.name)
        if rule.price is None and (rule.cap_per_user_day or rule.cap_per_day):
            raise InvalidField(
                "A cap limits what is spent, so it needs a price. Fill in “Price” too, or leave "
                "the cap away.",
                field="price",
            )
        if rule.price is None and rule.free_per_day is None:
            raise InvalidField(
                "Fill in “Price”, “Free per Day”, or both: without either there is nothing to "
                "count.",
                field="price",
            )
        if not self._store.write(
            lambda connection: feature_rows.put(
                connection,
                paywall_id,
                rule.name,
                price=millionths_or_none(rule.price),
                free_per_day=rule.free_per_day,
                cap_per_user_day=millionths_or_none(rule.cap_per_user_day),
                cap_per_day=millionths_or_none(rule.cap_per_day),
                limit_message=rule.limit_message,
                most=MOST,
            )
        ):
            raise InvalidField(
                f"This paywall has {MOST:,} features, as many as one may have. Delete those that "
                "are not used any more.",
                field="name",
            )
        return self.get(paywall_id, rule.name) or rule

    def get(self, paywall_id: str, name: str) -> Rule | None:
        """The rule of a feature, or None."""
        row = self._store.read(lambda connection: feature_rows.get(connection, paywall_id, name))
        return None if row is None else rule_of(row)

    def listing(self, paywall_id: str) -> list[Rule]:
        """The paywall's rules, by name."""
        rows = self._store.read(lambda connection: feature_rows.listing(connection, paywall_id))
        return [rule_of(row) for row in rows]

    def delete(self, paywall_id: str, name: str) -> bool:
        """Forget a rule; whether there was one."""
        return self._store.write(
            lambda connection: feature_rows.delete(connection, paywall_id, name)
        )


def check_name(name: str) -> None:
    """Raises InvalidField for what cannot be the name of a feature."""
    if not re.fullmatch(NAME_PATTERN, name):
        raise InvalidField(
            f"“{quoted(name)}” cannot be the name of a feature: use small letters a to z, digits, "
            "and - _ . between them, at most 64. Such as: pdf-parse.",
            field="name",
        )


def rule_of(row: FeatureRow) -> Rule:
    """A rule as it is kept."""
    return Rule(
        row.name,
        of_millionths_or_none(row.price),
        row.free_per_day,
        of_millionths_or_none(row.cap_per_user_day),
        of_millionths_or_none(row.cap_per_day),
        row.limit_message,
        row.updated_at,
    )
