"""Using a feature by its rule: what is free of it, what it costs, and what is left of the day.

Everything is counted in the transaction that takes the reference, and held by its row of the
ledger until that is decided, so that calls at the same time never share a free one or pass a cap.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from connector.catalog.outcomes import CAP_REACHED, QUOTA_REACHED
from connector.errors import InvalidField, quoted
from connector.money import millionths, of_millionths, plain
from connector.pricing.rules import Rule, rule_of
from connector.store import counter_rows, feature_rows, settings_rows
from connector.store.clock import Day
from connector.store.counter_rows import Counter

AVAILABLE = "available"
_OURS = {
    QUOTA_REACHED: "Today's free uses of “{name}” are used up.",
    CAP_REACHED: "Today's limit for “{name}” is reached.",
}
_NAMED = 100
"""How many letters of the names of a paywall's features are told to who asks for another one."""


class LimitReached(Exception):
    """A day's quota or cap is used up: the outcome, and the sentence for the user."""

    def __init__(self, outcome: str, message: str) -> None:
        super().__init__(outcome)
        self.outcome, self.message = outcome, message


@dataclass(frozen=True)
class Usage:
    """What a user has of a feature today. `rule` is None where its rule was deleted; `cap_left` is
    None without a cap."""

    rule: Rule | None
    day: Day
    free_left: int
    spent_today: Decimal
    cap_left: Decimal | None

    @property
    def outcome(self) -> str:
        """Whether the feature can be used once more."""
        if self.free_left > 0 or self.rule is None:
            return AVAILABLE
        if self.rule.price is None:
            return QUOTA_REACHED
        short = self.cap_left is not None and self.cap_left < self.rule.price
        return CAP_REACHED if short else AVAILABLE

    @property
    def message(self) -> str:
        """The same for the user."""
        if self.rule is None:
            return ""
        if self.outcome != AVAILABLE:
            return limit_message(self.rule, self.outcome, self.day)
        if self.free_left > 0:
            return f"Free: {self.free_left} more today."
        return f"The price is {plain(self.rule.price or Decimal(0))}."


def price(
    connection: Connection,
    paywall_id: str,
    entry_id: str,
    user: str,
    feature: str,
    quantity: int,
    maximum: Decimal,
) -> Decimal:
    """Count a use, held by a row of the ledger; what it costs, 0 if all of it is free.

    Raises InvalidField for an unknown feature, or more than `maximum`; LimitReached where the
    day's quota or a cap does not allow all of it.
    """
    root, day = settings_rows.today(connection, paywall_id)
    row = feature_rows.get(connection, root, feature)
    if row is None:
        raise _unknown(connection, root, feature)
    rule, subject = rule_of(row), feature_rows.subject(root, feature)
    free = 0
    if rule.free_per_day:
        counter = Counter(counter_rows.FREE, subject, user, day.name)
        free = counter_rows.take_part(connection, counter, quantity, rule.free_per_day, entry_id)
    if free == quantity:
        return Decimal(0)
    if rule.price is None:
        raise LimitReached(QUOTA_REACHED, limit_message(rule, QUOTA_REACHED, day))
    amount = rule.price * (quantity - free)
    if amount > maximum:
        raise InvalidField(
            f"{quantity} of “{feature}” cost {plain(amount)}, and one call may cost at most "
            f"{plain(maximum)} here. Send a smaller quantity.",
            field="quantity",
        )
    for who, cap in (("", rule.cap_per_day), (user, rule.cap_per_user_day)):
        counter = Counter(counter_rows.SPENT, subject, who, day.name)
        most = counter_rows.NO_LIMIT if cap is None else millionths(cap)
        if counter_rows.take(connection, counter, millionths(amount), most, entry_id) is None:
            raise LimitReached(CAP_REACHED, limit_message(rule, CAP_REACHED, day))
    return amount


def usage(connection: Connection, paywall_id: str, user: str, feature: str) -> Usage:
    """What a user has of a feature today."""
    root, day = settings_rows.today(connection, paywall_id, lock=False)
    row = feature_rows.get(connection, root, feature)
    subject = feature_rows.subject(root, feature)

    def used(kind: str, who: str) -> int:
        return counter_rows.used(connection, Counter(kind, subject, who, day.name))

    rule = None if row is None else rule_of(row)
    spent = of_millionths(used(counter_rows.SPENT, user))
    if rule is None:
        return Usage(None, day, 0, spent, None)
    free_left = (rule.free_per_day or 0) - used(counter_rows.FREE, user)
    left = []
    if rule.cap_per_user_day is not None:
        left.append(rule.cap_per_user_day - spent)
    if rule.cap_per_day is not None:
        left.append(rule.cap_per_day - of_millionths(used(counter_rows.SPENT, "")))
    cap_left = max(min(left), Decimal(0)) if left else None
    return Usage(rule, day, max(free_left, 0), spent, cap_left)


def known_usage(connection: Connection, paywall_id: str, user: str, feature: str) -> Usage:
    """The same for a feature that has a rule. Raises InvalidField for another one."""
    found = usage(connection, paywall_id, user, feature)
    if found.rule is None:
        root, _ = settings_rows.today(connection, paywall_id, lock=False)
        raise _unknown(connection, root, feature)
    return found


def limit_message(rule: Rule, outcome: str, day: Day) -> str:
    """What a user is told at the limit: the owner's words, or ours."""
    if rule.limit_message:
        return rule.limit_message.replace("{resets_at}", day.end_told)
    said = _OURS[outcome].format(name=rule.name)
    return f"{said} It starts anew on {day.end_told}."


def _unknown(connection: Connection, root: str, feature: str) -> InvalidField:
    names = [row.name for row in feature_rows.listing(connection, root)]
    if not names:
        return InvalidField(
            "This paywall has no features yet. Its owner makes one with a price or a number of "
            "free uses: PUT /v1/features/<name>.",
            field="feature",
        )
    shown: list[str] = []
    while len(shown) < len(names) and len(", ".join([*shown, names[len(shown)]])) <= _NAMED:
        shown.append(names[len(shown)])
    more = f" and {len(names) - len(shown)} more" if len(shown) < len(names) else ""
    return InvalidField(
        f"There is no feature called “{quoted(feature)}”. There are: {', '.join(shown)}{more}.",
        field="feature",
    )
