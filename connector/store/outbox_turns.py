"""Queries: what is due, in fair turns.

Work goes round the paywalls, and in each of them round its hooks, in the order of their ids, so
that a long queue of one never hides another's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CTE,
    BindParameter,
    ColumnElement,
    Connection,
    Integer,
    ScalarSelect,
    Select,
    String,
    bindparam,
    func,
    literal,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from connector.store.hook_rows import ACTIVE
from connector.store.outbox_rows import PER_TARGET, is_pending
from connector.store.timestamps import Moment, now
from connector.store.trigger_tables import deliveries, hooks

_PAYWALLS = 500


@dataclass(frozen=True)
class Queue:
    """A hook with something pending: the ids of what is due, the oldest first."""

    hook_id: str
    target: str
    live: bool
    failing: bool
    due: tuple[str, ...]


@dataclass(frozen=True)
class Waiting:
    """Paywalls with something that was due at `moment` (the database's clock); behind which id to
    go on, "" at the end."""

    moment: datetime
    paywalls: tuple[str, ...]
    last: str


def waiting(connection: Connection, after_paywall: str) -> Waiting:
    """The next paywalls behind an id that have something due."""
    moment, first = connection.execute(_first_due).one()
    if first is None or first > moment:
        return Waiting(moment, (), "")
    given = {"after_paywall": after_paywall, "most": _PAYWALLS, "moment": moment}
    walked = connection.execute(_paywalls, given).all()
    last = walked[-1].id if len(walked) == _PAYWALLS else ""
    return Waiting(moment, tuple(row.id for row in walked if row.is_due), last)


def due(
    connection: Connection, paywall_id: str, after_hook: str, most: int, moment: datetime
) -> list[Queue]:
    """The next `most` hooks of a paywall behind an id that have something pending, with what was
    due at `moment`."""
    given = {
        "paywall": paywall_id,
        "after_hook": after_hook,
        "most": most,
        "moment": moment,
    }
    rows = connection.execute(_queues(connection.dialect.name), given)
    return [
        Queue(hook_id, target, state == ACTIVE, since is not None, tuple((ids or "").split()))
        for hook_id, target, state, since, ids in rows
    ]


_first_due = select(
    now(), select(func.min(deliveries.c.next_at)).where(is_pending).scalar_subquery()
)

_paywall = bindparam("paywall", type_=String)
_moment = bindparam("moment", type_=Moment)


def _walk(
    column: ColumnElement[str], after: BindParameter[str], *which: ColumnElement[bool]
) -> CTE:
    """The next ids in `column` behind `after` of what is pending, each once, in their order, at
    most `most` of them, numbered; from one place of the index to the next."""

    def following(last: ColumnElement[str]) -> ScalarSelect[str]:
        # In the order of the index of what is pending: the smallest alone is looked for elsewhere.
        return (
            select(column)
            .where(is_pending, *which, column > last)
            .order_by(column, deliveries.c.next_at)
            .limit(1)
            .scalar_subquery()
        )

    start = select(following(after).label("id"), literal(1).label("number")).cte(
        "walk", recursive=True
    )
    return start.union_all(
        select(following(start.c.id), start.c.number + 1).where(
            start.c.id.is_not(None), start.c.number < bindparam("most", type_=Integer)
        )
    )


def _due(walk: CTE, dialect: str) -> ScalarSelect[str]:
    """What is due of a hook, as many ids as can be sent at a time, in one text."""
    # The clock itself would keep PostgreSQL from using the index.
    first = (
        select(deliveries.c.id, deliveries.c.next_at)
        .where(
            deliveries.c.paywall_id == _paywall,
            deliveries.c.hook_id == walk.c.id,
            is_pending,
            deliveries.c.next_at <= _moment,
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
    after = bindparam("after_hook", type_=String)
    walk = _walk(deliveries.c.hook_id, after, deliveries.c.paywall_id == _paywall)
    return (
        select(
            walk.c.id,
            hooks.c.target_hash,
            hooks.c.state,
            hooks.c.failing_since,
            _due(walk, dialect),
        )
        .join(hooks, hooks.c.id == walk.c.id)
        .order_by(walk.c.number)
    )


def _waiting() -> Select[Any]:
    walk = _walk(deliveries.c.paywall_id, bindparam("after_paywall", type_=String))
    is_due = (
        select(literal(1))
        .where(
            deliveries.c.paywall_id == walk.c.id,
            is_pending,
            deliveries.c.next_at <= _moment,
        )
        .correlate(walk)
        .exists()
    )
    return (
        select(walk.c.id, is_due.label("is_due"))
        .where(walk.c.id.is_not(None))
        .order_by(walk.c.number)
    )


_paywalls = _waiting()
