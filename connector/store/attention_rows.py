"""Queries: what somebody should know of a paywall, once per cause and day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from connector.store import day_retention, settings_rows
from connector.store.sum_tables import attention
from connector.store.tables import paywalls
from connector.store.timestamps import fixed, now
from connector.store.upsert import insert_for

KEY_REFUSED = "key_refused"
DOUBLE_CHARGE = "possible_double_charge"
CHARGE_IN_DOUBT, CHARGE_UNKNOWN = "charge_in_doubt", "charge_unknown"
WEBHOOK_OFF = "webhook_off"
EVENTS_MISSING = "events_may_be_missing"
CALLERS_KEY, KEPT_KEY = "caller", "kept"
"""Which key was refused: one that somebody called with, or the one kept for tokens and webhooks."""


@dataclass(frozen=True)
class Note:
    """Something to know: at which paywall, what `kind` of thing, to what, to whom first that day,
    and when."""

    paywall_id: str
    kind: str
    subject: str
    user_id: str
    day: str
    noted_at: datetime


_KEY = ("paywall_id", "day", "kind", "subject")
_columns = [attention.c[name] for name in Note.__dataclass_fields__]


def note(connection: Connection, paywall_id: str, kind: str, subject: str, user_id: str) -> bool:
    """Write something down, unless that was done today; whether it was new."""
    root, day = settings_rows.today(connection, paywall_id, lock=False)
    insert = insert_for(connection.dialect.name)(attention)
    values = {
        "paywall_id": root,
        "day": day.name,
        "kind": kind,
        "subject": subject,
    }
    done = connection.execute(
        insert.values(**values, user_id=user_id, noted_at=now())
        .on_conflict_do_nothing()
        .returning(attention.c.paywall_id)
    )
    return done.first() is not None


def noted(connection: Connection, paywall_id: str, kind: str, subject: str) -> bool:
    """Whether it was written down today."""
    root, day = settings_rows.today(connection, paywall_id, lock=False)
    found = connection.execute(
        select(attention.c.noted_at).where(
            attention.c.paywall_id == root,
            attention.c.day == day.name,
            attention.c.kind == kind,
            attention.c.subject == subject,
        )
    )
    return found.first() is not None


def latest(
    connection: Connection,
    paywall_ids: Sequence[str],
    days: int,
    most: int,
    user_id: str = "",
    *,
    kinds: Sequence[str],
) -> list[Note]:
    """What of these kinds was written down in the last days, only about a user if one is given; the
    newest first."""
    query = (
        select(*_columns)
        .where(
            attention.c.paywall_id.in_(paywall_ids),
            attention.c.kind.in_(kinds),
            attention.c.noted_at > fixed(now(-days * 86_400)),
            *([attention.c.user_id == user_id] if user_id else []),
        )
        .order_by(attention.c.noted_at.desc())
        .limit(most)
    )
    return [Note(*row) for row in connection.execute(query)]


def count_today(connection: Connection, paywall_id: str, kind: str) -> int:
    """How much of a kind was written down today."""
    root, day = settings_rows.today(connection, paywall_id, lock=False)
    found = select(func.count()).where(
        attention.c.paywall_id == root, attention.c.day == day.name, attention.c.kind == kind
    )
    return connection.execute(found).scalar_one()


@dataclass(frozen=True)
class Unannounced:
    """A note of which there is no event yet, and the paywall that its own has become: the id here
    and upstream's."""

    note: Note
    root: str
    upstream_id: str


def announce(connection: Connection, most: int) -> list[Unannounced]:
    """Take at most so much of which there is no event yet, the oldest first; what somebody else
    takes right now is left to them. The events are made in this transaction. What stands at a
    paywall that has no name upstream yet waits: without one no trigger can fire."""
    named = paywalls.alias()
    waiting = (
        select(*_columns, named.c.id.label("root"), named.c.upstream_id)
        .join(paywalls, paywalls.c.id == attention.c.paywall_id)
        .join(named, named.c.id == func.coalesce(paywalls.c.merged_into, paywalls.c.id))
        .where(attention.c.announced_at.is_(None), named.c.upstream_id.is_not(None))
        .order_by(attention.c.noted_at)
        .limit(most)
        .with_for_update(skip_locked=True, of=attention)
    )
    found = [
        Unannounced(Note(*row), root, upstream_id)
        for *row, root, upstream_id in connection.execute(waiting)
    ]
    for taken in found:
        connection.execute(
            update(attention)
            .where(*(attention.c[name] == getattr(taken.note, name) for name in _KEY))
            .values(announced_at=now())
        )
    return found


def purge(connection: Connection, days: int) -> int:
    """Forget what was written down before so many days, a few at a time."""
    return day_retention.purge(connection, attention, days)
