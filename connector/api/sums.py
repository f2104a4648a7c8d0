"""What went through by the day and by user, as builders see it; two currencies are never added."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from sqlalchemy import Connection

from connector.api.services import Services
from connector.catalog.actions import Values, actions
from connector.money import of_millionths, plain
from connector.store import settings_rows, sum_rows
from connector.store.paywall_rows import Paywall
from connector.store.sum_rows import Sum

DAYS = 30
USERS = 100
_TAKEN, _GIVEN_BACK, _DEPOSITED = "taken", "given_back", "deposited"


def by_day(parts: Services, paywall: Paywall, user: str = "", days: int = DAYS) -> list[Values]:
    """What went through on the last days of a paywall, of all users or one, the newest first."""

    def read(connection: Connection) -> list[Sum]:
        today = settings_rows.labelled_today(connection, paywall.id).day.name
        first = date.fromisoformat(today)
        names = [f"{first - timedelta(days=back)}" for back in range(days)]
        return sum_rows.of_days(connection, paywall.ids, names, user)

    return _shown(parts.store.read(read), user)


def is_day(text: str) -> bool:
    """Whether this is a day as the sums name it, such as 2026-01-31."""
    try:
        return f"{date.fromisoformat(text)}" == text
    except ValueError:
        return False


def on_day(parts: Services, paywall: Paywall, user: str, day: str) -> list[Values]:
    """What went through on a day for one user."""
    sums = parts.store.read(lambda c: sum_rows.of_days(c, paywall.ids, [day], user))
    return _shown(sums, user)


def by_user(parts: Services, paywall: Paywall, day: str) -> list[Values]:
    """What went through on a day for the users of whom most was taken, those first."""
    taking = [key for key, kind in _kinds().items() if kind == _TAKEN]
    sums = parts.store.read(
        lambda connection: sum_rows.of_users(connection, paywall.ids, day, taking, USERS)
    )
    return _shown(sums)


def _shown(sums: Iterable[Sum], user: str = "") -> list[Values]:
    """One row for each day, user and currency, in the order of the sums."""
    kinds = _kinds()
    rows: dict[tuple[str, str, str], dict[str, int]] = {}
    for one in sums:
        key = one.day, one.user_id or user, one.currency
        row = rows.setdefault(
            key, {"number": 0, **dict.fromkeys((_TAKEN, _GIVEN_BACK, _DEPOSITED), 0)}
        )
        kind = kinds.get(one.action, _DEPOSITED)
        row[kind] += one.units
        row["number"] += one.number if kind == _TAKEN else 0
    return [
        {
            "day": day,
            "user": whose,
            "currency": currency,
            "number": row["number"],
            **{name: plain(of_millionths(row[name])) for name in (_TAKEN, _GIVEN_BACK, _DEPOSITED)},
        }
        for (day, whose, currency), row in rows.items()
    ]


def _kinds() -> dict[str, str]:
    """What each exactly-once action does with money."""
    kinds = {}
    for one in actions():
        if one.exactly_once:
            gives_back = _GIVEN_BACK if one.exactly_once.refunds else _DEPOSITED
            kinds[one.key] = _TAKEN if one.exactly_once.refundable else gives_back
    return kinds
