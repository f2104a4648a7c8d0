"""Queries: the outbox as the worker sees it: what is due, claiming it, and how it ended.

A claim is a lease with a fencing token: the row is due again when the lease ends, and only who
holds the newest token may write how it went. Work on it goes round all hooks in the order of their
ids, so that a long queue of one never hides another's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    ColumnElement,
    Connection,
    Integer,
    ScalarSelect,
    Select,
    String,
    bindparam,
    delete,
    func,
    literal,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from connector.store import task_rows
from connector.store.hook_rows import ACTIVE
from connector.store.task_rows import Task
from connector.store.timestamps import Moment, now
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
class Queue:
    """A hook with something pending: the ids of what is due, the oldest first."""

    hook_id: str
    target: str
    live: bool
    failing: bool
    due: tuple[str, ...]


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


def due(connection: Connection, after_hook: str, most: int) -> list[Queue]:
    """The next `most` hooks behind an id that have something pending; nothing if none is due."""
    moment, first = connection.execute(_first_due).one()
    if first is None or first > moment:
        return []
    given = {"after_hook": after_hook, "most": most, "moment": moment}
    rows = connection.execute(_queues(connection.dialect.name), given)
    return [
        Queue(hook_id, target, state == ACTIVE, since is not None, tuple((ids or "").split()))
        for hook_id, target, state, since, ids in rows
    ]


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


def _next_hook(hook_id: ColumnElement[str]) -> ScalarSelect[str]:
    return (
        select(func.min(deliveries.c.hook_id))
        .where(is_pending, deliveries.c.hook_id > hook_id)
        .scalar_subquery()
    )


def _due(walk: CTE, dialect: str) -> ScalarSelect[str]:
    """What is due of a hook, as many ids as can be sent at a time, in one text."""
    # The clock itself would keep PostgreSQL from using the index.
    first = (
        select(deliveries.c.id, deliveries.c.next_at)
        .where(
            deliveries.c.hook_id == walk.c.hook_id,
            is_pending,
            deliveries.c.next_at <= bindparam("moment", type_=Moment),
        )
        .order_by(deliveries.c.next_at)
        .limit(PER_TARGET)
        .correlate(walk)
        .subquery()
    )
    if dialect == "sqlite":
        return select(func.group_concat(first.c.id, " ")).scalar_subquery()
    together = aggregate_order_by(literal(" "), first.c.next_at)
    return select(func.string_agg(first.c.id, together)).scalar_subquery()


@cache
def _queues(dialect: str) -> Select[Any]:
    """Made once: the worker asks this all the time, and putting it together costs more."""
    start = select(
        _next_hook(bindparam("after_hook", type_=String)).label("hook_id"),
        literal(1).label("number"),
    ).cte("walk", recursive=True)
    walk = start.union_all(
        select(_next_hook(start.c.hook_id), start.c.number + 1).where(
            start.c.hook_id.is_not(None), start.c.number < bindparam("most", type_=Integer)
        )
    )
    return (
        select(
            walk.c.hook_id,
            hooks.c.target_hash,
            hooks.c.state,
            hooks.c.failing_since,
            _due(walk, dialect),
        )
        .join(hooks, hooks.c.id == walk.c.hook_id)
        .order_by(walk.c.number)
    )


_first_due = select(
    now(), select(func.min(deliveries.c.next_at)).where(is_pending).scalar_subquery()
)
