"""Queries: how triggers do, for the operator: of all paywalls together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, distinct, func, select

from connector.store.hook_rows import ACTIVE, OFF
from connector.store.outbox_rows import is_pending
from connector.store.subscription_rows import Subscription, with_live_hooks
from connector.store.timestamps import now
from connector.store.trigger_tables import deliveries, hooks, subscriptions

OVERDUE_SECONDS = 120
RECENT_SECONDS = 7 * 86_400


@dataclass(frozen=True)
class OffHook:
    """A hook that was switched off, and why."""

    id: str
    trigger: str
    problem: str


@dataclass(frozen=True)
class Outbox:
    """What is not sent yet: `waiting` rows in all; `oldest_due` in seconds is for how long the
    oldest due one is due. `overdue` hooks, whose target took the last push, have something that
    is due for longer than two minutes."""

    waiting: int
    oldest_due: float
    overdue: int


@dataclass(frozen=True)
class Gap:
    """A paywall of which events may be missing for good; `recent`: found in the last 7 days."""

    paywall_id: str
    since: datetime
    note: str
    recent: bool


def subscribed(connection: Connection) -> list[Subscription]:
    """The subscriptions of paywalls with a live hook."""
    return with_live_hooks(connection)


def hooks_of(connection: Connection) -> tuple[int, list[OffHook]]:
    """How many hooks are on, and those that are off, newest first."""
    live = connection.execute(
        select(func.count()).select_from(hooks).where(hooks.c.state == ACTIVE)
    ).scalar_one()
    off = connection.execute(
        select(hooks.c.id, hooks.c.trigger, hooks.c.problem)
        .where(hooks.c.state == OFF)
        .order_by(hooks.c.created_at.desc())
    )
    return live, [OffHook(*row) for row in off]


def outbox(connection: Connection) -> Outbox:
    """How full the outbox is, and whether anybody empties it."""
    moment: datetime = connection.execute(select(now())).scalar_one()
    waiting, oldest = connection.execute(
        select(func.count(), func.min(deliveries.c.next_at)).where(is_pending)
    ).one()
    overdue = connection.execute(
        select(func.count(distinct(deliveries.c.hook_id)))
        .join(hooks, hooks.c.id == deliveries.c.hook_id)
        .where(
            is_pending,
            deliveries.c.next_at < now(-OVERDUE_SECONDS),
            hooks.c.state == ACTIVE,
            hooks.c.failing_since.is_(None),
        )
    ).scalar_one()
    late = (moment - oldest).total_seconds() if oldest is not None else 0.0
    return Outbox(waiting, max(0.0, late), overdue)


def gaps(connection: Connection) -> list[Gap]:
    """Where events may be missing for good, newest first."""
    rows = connection.execute(
        select(
            subscriptions.c.paywall_id,
            subscriptions.c.gap_since,
            subscriptions.c.gap_note,
            (subscriptions.c.gap_since > now(-RECENT_SECONDS)).label("recent"),
        )
        .where(subscriptions.c.gap_since.is_not(None))
        .order_by(subscriptions.c.gap_since.desc())
    )
    return [Gap(row.paywall_id, row.gap_since, row.gap_note, bool(row.recent)) for row in rows]
