"""Queries: what went through on a day, summed up for each user and for all."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, and_, bindparam, case, func, select

from connector.store import day_retention, settings_rows
from connector.store.prepared import Prepared
from connector.store.sum_tables import ledger_sums
from connector.store.upsert import insert_for

_MOST = 2**63 - 1
"""Millionths, the largest number of the column: a sum beyond that stays there."""
SHARDS = 8
"""So many rows share what is summed up of all users, so that calls do not wait for one of them."""
_KEY = ("paywall_id", "day", "user_id", "shard", "action", "currency")


@dataclass(frozen=True)
class Sum:
    """What went through of an action on a day: how often, and how much in millionths. `user_id` is
    "" for all users together, `currency` the label that the paywall's amounts had."""

    day: str
    user_id: str
    action: str
    currency: str
    number: int
    units: int


@dataclass(frozen=True)
class Added:
    """Something that went through just now: an action of a user, and how much in millionths."""

    paywall_id: str
    user_id: str
    action: str
    units: int


_add = Prepared(
    lambda dialect: (
        insert_for(dialect)(ledger_sums)
        .values(**{name: bindparam(name) for name in (*_KEY, "number", "units")})
        .on_conflict_do_update(
            index_elements=[ledger_sums.c[name] for name in _KEY],
            set_={
                "number": ledger_sums.c.number + bindparam("number"),
                "units": case(
                    (_MOST - ledger_sums.c.units < bindparam("units"), _MOST),
                    else_=ledger_sums.c.units + bindparam("units"),
                ),
            },
        )
    )
)


def add(connection: Connection, added: Sequence[Added]) -> None:
    """These count for their users and for all, on the day that it is at their paywalls. Rows are
    locked in one order, whatever goes on beside this."""
    if not added:
        return
    days = {
        paywall_id: settings_rows.labelled_today(connection, paywall_id)
        for paywall_id in {one.paywall_id for one in added}
    }
    counted: dict[tuple[str | int, ...], list[int]] = {}
    for one in added:
        today = days[one.paywall_id]
        shard = zlib.crc32(one.user_id.encode()) % SHARDS
        for user, place in (("", shard), (one.user_id, 0)):
            key = (today.root, today.day.name, user, place, one.action, today.currency_label)
            sums = counted.setdefault(key, [0, 0])
            sums[0] += 1
            sums[1] = min(_MOST, sums[1] + one.units)
    _add.each(
        connection,
        [
            {**dict(zip(_KEY, key, strict=True)), "number": number, "units": units}
            for key, (number, units) in sorted(counted.items())
        ],
    )


def of_days(
    connection: Connection, paywall_ids: Sequence[str], days: Sequence[str], user_id: str = ""
) -> list[Sum]:
    """The sums of a user, or with "" of all, on these days; the newest day first."""
    key = ledger_sums.c.day, ledger_sums.c.action, ledger_sums.c.currency
    query = (
        select(*key, func.sum(ledger_sums.c.number), func.sum(ledger_sums.c.units))
        .where(
            ledger_sums.c.paywall_id.in_(paywall_ids),
            ledger_sums.c.day.in_(days),
            ledger_sums.c.user_id == user_id,
        )
        .group_by(*key)
        .order_by(key[0].desc(), key[2], key[1])
    )
    return [
        Sum(day, user_id, action, currency, number, int(units))
        for day, action, currency, number, units in connection.execute(query)
    ]


def of_users(
    connection: Connection, paywall_ids: Sequence[str], day: str, taking: Sequence[str], most: int
) -> list[Sum]:
    """The sums of the `most` users of whom most was taken on a day, by the actions `taking`, each
    currency apart; those of one user in one currency stand together."""
    columns = ledger_sums.c
    of_the_day = (
        columns.paywall_id.in_(paywall_ids),
        columns.day == day,
        columns.user_id != "",
    )
    taken = func.sum(case((columns.action.in_(taking), columns.units), else_=0))
    biggest = (
        select(columns.user_id, columns.currency, taken.label("taken"))
        .where(*of_the_day)
        .group_by(columns.user_id, columns.currency)
        .order_by(taken.desc(), columns.user_id, columns.currency)
        .limit(most)
        .subquery()
    )
    query = (
        select(
            columns.user_id,
            columns.action,
            columns.currency,
            func.sum(columns.number),
            func.sum(columns.units),
        )
        .join(
            biggest,
            and_(biggest.c.user_id == columns.user_id, biggest.c.currency == columns.currency),
        )
        .where(*of_the_day)
        .group_by(columns.user_id, columns.action, columns.currency, biggest.c.taken)
        .order_by(biggest.c.taken.desc(), columns.user_id, columns.currency, columns.action)
    )
    return [
        Sum(day, user, action, currency, number, int(units))
        for user, action, currency, number, units in connection.execute(query)
    ]


def purge(connection: Connection, days: int) -> int:
    """Forget sums of days that are over for more than `days`, a few at a time."""
    return day_retention.purge(connection, ledger_sums, days)
