"""Queries: what was used on a day, and what each row of the ledger holds of it.

Locks are taken in one order: the row of the ledger first, then its counters by kind and subject
(free, spent by all, spent by the user, token). What a token moves is known last: the price of a
call depends on how much of it is free.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, select, update

from connector.store import day_retention
from connector.store.prepared import Prepared
from connector.store.tables import ledger
from connector.store.token_tables import counters, ledger_holds
from connector.store.upsert import insert_for

FREE = "free"
"""Counts how often a user had a feature for free."""
SPENT = "spent"
"""Sums up what a feature cost a user, or all users together; in millionths."""
TOKEN = "token"  # noqa: S105 -- the kind of a counter
"""Sums up what a token moved; in millionths."""
NO_LIMIT = 2**62


@dataclass(frozen=True, order=True)
class Counter:
    """What is counted: `kind` and `subject` say of what, `user_id` is "" for all users together,
    `day` is a date such as 2026-01-31."""

    kind: str
    subject: str
    user_id: str
    day: str


_add = Prepared(
    lambda dialect: (
        insert_for(dialect)(counters)
        .values(
            kind=bindparam("kind"),
            subject=bindparam("subject"),
            user_id=bindparam("user_id"),
            day=bindparam("day"),
            units=bindparam("more"),
        )
        .on_conflict_do_update(
            index_elements=[
                counters.c.kind,
                counters.c.subject,
                counters.c.user_id,
                counters.c.day,
            ],
            set_={"units": counters.c.units + bindparam("more")},
            where=counters.c.units + bindparam("more") <= bindparam("most"),
        )
        .returning(counters.c.units)
    )
)


def take(
    connection: Connection, counter: Counter, units: int, most: int, entry_id: str
) -> int | None:
    """Count `units` more, held by a row of the ledger, if that makes at most `most` of the day; how
    many there are then, or None."""
    if units > most:
        return None
    values = {
        "kind": counter.kind,
        "subject": counter.subject,
        "user_id": counter.user_id,
        "day": counter.day,
        "more": units,
        "most": most,
    }
    row = _add.first(connection, values)
    if row is None:
        return None
    connection.execute(
        ledger_holds.insert().values(
            ledger_id=entry_id,
            kind=counter.kind,
            subject=counter.subject,
            user_id=counter.user_id,
            day=counter.day,
            units=units,
        )
    )
    return int(row[0])


def take_part(
    connection: Connection, counter: Counter, units: int, most: int, entry_id: str
) -> int:
    """Count `units` more or, where that would make more than `most` of the day, as many as are
    left; how many it were."""
    left = units
    while left > 0:
        if take(connection, counter, left, most, entry_id) is not None:
            return left
        left = min(units, most - used(connection, counter, lock=True))
    return 0


def used(connection: Connection, counter: Counter, *, lock: bool = False) -> int:
    """How much of a day is used."""
    query = select(counters.c.units).where(
        counters.c.kind == counter.kind,
        counters.c.subject == counter.subject,
        counters.c.user_id == counter.user_id,
        counters.c.day == counter.day,
    )
    units = connection.execute(query.with_for_update() if lock else query).scalar()
    return units or 0


def rename(connection: Connection, paywall_id: str, old: str, new: str) -> None:
    """What was counted under one subject counts under another, with what the paywall's rows of the
    ledger hold of it."""
    rows = connection.execute(
        delete(counters)
        .where(counters.c.kind.in_((FREE, SPENT)), counters.c.subject == old)
        .returning(counters.c.kind, counters.c.user_id, counters.c.day, counters.c.units)
    ).all()
    for kind, user_id, day, units in sorted(rows):
        values = {"kind": kind, "subject": new, "user_id": user_id, "day": day}
        _add.first(connection, {**values, "more": units, "most": NO_LIMIT})
    connection.execute(
        update(ledger_holds)
        .where(
            ledger_holds.c.subject == old,
            ledger_holds.c.ledger_id.in_(
                select(ledger.c.id).where(ledger.c.paywall_id == paywall_id)
            ),
        )
        .values(subject=new)
    )


_held = Prepared(
    lambda _: select(
        ledger_holds.c.kind,
        ledger_holds.c.subject,
        ledger_holds.c.user_id,
        ledger_holds.c.day,
        ledger_holds.c.units,
    ).where(ledger_holds.c.ledger_id == bindparam("row"))
)


def give_back(connection: Connection, entry_id: str) -> None:
    """What a row of the ledger holds is free again, on the day on which it was taken."""
    rows = sorted(_held.rows(connection, {"row": entry_id}))
    for kind, subject, user_id, day, units in rows:
        connection.execute(
            update(counters)
            .where(
                counters.c.kind == kind,
                counters.c.subject == subject,
                counters.c.user_id == user_id,
                counters.c.day == day,
            )
            .values(units=counters.c.units - units)
        )
    if rows:
        connection.execute(delete(ledger_holds).where(ledger_holds.c.ledger_id == entry_id))


def purge(connection: Connection, days: int) -> int:
    """Forget counters of days that are over for more than `days`, a few at a time."""
    return day_retention.purge(connection, counters, days)
