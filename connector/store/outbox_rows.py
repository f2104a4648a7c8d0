"""Queries: the outbox as the worker sees it: what is due, claiming it, and how it ended.

A claim is a lease with a fencing token: the row is due again when the lease ends, and only who
holds the newest token may write how it went.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    Connection,
    delete,
    func,
    literal_column,
    select,
    update,
)

from connector.store import task_rows
from connector.store.hook_rows import ACTIVE
from connector.store.task_rows import Task
from connector.store.timestamps import now
from connector.store.trigger_tables import deliveries, delivery_attempts, hooks

PENDING, SENT, FAILED, SKIPPED = "pending", "sent", "failed", "skipped"
DROPPED = "dropped"
"""Not a state: nobody was meant to get this, so the row is removed."""
STATES = (PENDING, SENT, FAILED, SKIPPED)
LEASE_SECONDS = 60
PER_TARGET = 4
"""How many pushes to one address are under way at a time, in one process."""
_DROP_STEP = 500

# A partial index serves only those who name its condition word by word.
is_pending: ColumnElement[bool] = deliveries.c.state == literal_column("'pending'")


@dataclass(frozen=True)
class Attempt:
    """One push: `status` is None without an answer, `problem` "" when it was taken."""

    status: int | None
    latency_ms: int
    answer: str
    problem: str


@dataclass(frozen=True)
class Ended:
    """How work on a task ended. `state` pending: once more after `delay` seconds."""

    task: Task
    state: str
    delay: int = 0
    attempt: Attempt | None = None


def claim(connection: Connection, delivery_ids: Sequence[str]) -> list[Task]:
    """Take a lease on those of the deliveries that are still due and that nobody else takes."""
    free = (
        select(deliveries.c.id)
        .where(deliveries.c.id.in_(delivery_ids), is_pending, deliveries.c.next_at <= now())
        .with_for_update(skip_locked=True)
    )
    taken = connection.execute(
        update(deliveries)
        .where(deliveries.c.id.in_(free))
        .values(next_at=now(LEASE_SECONDS), token=deliveries.c.token + 1)
        .returning(deliveries.c.id, deliveries.c.token)
    )
    tokens = {row.id: row.token for row in taken}
    return task_rows.load(connection, tokens) if tokens else []


def settle(connection: Connection, ended: Sequence[Ended]) -> None:
    """Write down how tasks ended, unless they were taken over; a late success always counts."""
    moment: datetime = connection.execute(select(now())).scalar_one()
    sent = [one.task.id for one in ended if one.state == SENT]
    numbers: dict[str, int] = {}
    if sent:
        unsent = (deliveries.c.id.in_(sent), deliveries.c.state != SENT)
        numbers |= _change(connection, unsent, SENT, moment, tried=True)
    for one in ended:
        mine = (deliveries.c.id == one.task.id, deliveries.c.token == one.task.token, is_pending)
        if one.state == DROPPED:
            connection.execute(delete(deliveries).where(*mine))
        elif one.state != SENT:
            due = moment + timedelta(seconds=one.delay)
            tried = one.attempt is not None
            numbers |= _change(connection, mine, one.state, moment, due, tried=tried)
    attempts = [
        {
            "delivery_id": one.task.id,
            "number": numbers[one.task.id],
            "at": moment,
            "status": one.attempt.status,
            "latency_ms": one.attempt.latency_ms,
            "answer": one.attempt.answer,
            "problem": one.attempt.problem,
        }
        for one in ended
        if one.attempt is not None and one.task.id in numbers
    ]
    if attempts:
        connection.execute(delivery_attempts.insert(), attempts)


def drop_waiting(connection: Connection, hook_id: str) -> None:
    """What waits for a hook that is off or deleted counts as failed; a few hundred at a time."""
    some = (
        select(deliveries.c.id)
        .join(hooks, hooks.c.id == deliveries.c.hook_id)
        .where(deliveries.c.hook_id == hook_id, is_pending, hooks.c.state != ACTIVE)
        .order_by(deliveries.c.next_at)
        .limit(_DROP_STEP)
        .with_for_update(of=deliveries, skip_locked=True)
    )
    connection.execute(
        update(deliveries).where(deliveries.c.id.in_(some)).values(state=FAILED, updated_at=now())
    )


def measure(connection: Connection) -> tuple[int, float]:
    """How many deliveries are pending, and the age of the oldest in seconds."""
    count, oldest, moment = connection.execute(
        select(func.count(), func.min(deliveries.c.created_at), now()).where(is_pending)
    ).one()
    return count, (moment - oldest).total_seconds() if oldest is not None else 0.0


def _change(
    connection: Connection,
    which: Sequence[ColumnElement[bool]],
    state: str,
    moment: datetime,
    due: datetime | None = None,
    *,
    tried: bool,
) -> dict[str, int]:
    """Move rows to `state`; the number of attempts of each by id."""
    changed = connection.execute(
        update(deliveries)
        .where(*which)
        .values(
            state=state,
            attempts=deliveries.c.attempts + int(tried),
            tries=deliveries.c.tries + 1,
            token=deliveries.c.token + 1,  # written once, even if this is repeated
            next_at=due or moment,
            updated_at=moment,
        )
        .returning(deliveries.c.id, deliveries.c.attempts)
    )
    return {row.id: row.attempts for row in changed}
