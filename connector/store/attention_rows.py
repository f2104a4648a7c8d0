"""Queries: what somebody should know of a paywall that no other row tells, once a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from connector.store import day_retention, settings_rows
from connector.store.sum_tables import attention
from connector.store.timestamps import fixed, now
from connector.store.upsert import insert_for

KEY_REFUSED = "key_refused"
DOUBLE_CHARGE = "possible_double_charge"
CALLERS_KEY, KEPT_KEY = "caller", "kept"
"""Which key was refused: one that somebody called with, or the one kept for tokens and webhooks."""


@dataclass(frozen=True)
class Note:
    """Something to know: what `kind` of thing, to what, to whom first that day, and when."""

    kind: str
    subject: str
    user_id: str
    day: str
    noted_at: datetime


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
        insert.values(**values, user_id=user_id, noted_at=now()).on_conflict_do_nothing()
    )
    return done.rowcount == 1


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
    connection: Connection, paywall_ids: Sequence[str], days: int, most: int, user_id: str = ""
) -> list[Note]:
    """What was written down in the last days, only about a user if one is given; the newest
    first."""
    columns = [attention.c[name] for name in Note.__dataclass_fields__]
    query = (
        select(*columns)
        .where(
            attention.c.paywall_id.in_(paywall_ids),
            attention.c.noted_at > fixed(now(-days * 86_400)),
            *([attention.c.user_id == user_id] if user_id else []),
        )
        .order_by(attention.c.noted_at.desc())
        .limit(most)
    )
    return [Note(*row) for row in connection.execute(query)]


def purge(connection: Connection, days: int) -> int:
    """Forget what was written down before so many days, a few at a time."""
    return day_retention.purge(connection, attention, days)
