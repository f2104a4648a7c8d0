"""Queries: putting events into the outbox, and the log of what became of them.

One row per hook and event, for ever under the same id.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Executable,
    String,
    bindparam,
    delete,
    literal,
    literal_column,
    select,
)

from connector.catalog.events import ANY_EVENT, EVENTS_BY_TYPE
from connector.store.hook_rows import Hook, is_live
from connector.store.outbox_rows import PENDING, STATES
from connector.store.paging import older_than
from connector.store.prepared import Prepared
from connector.store.tables import paywalls
from connector.store.timestamps import fixed, now
from connector.store.trigger_tables import (
    deliveries,
    delivery_attempts,
    hooks,
    user_pairs,
)
from connector.store.upsert import insert_for

_ROW_ID = {
    "sqlite": "'dlv_' || lower(hex(randomblob(12)))",
    "postgresql": "'dlv_' || substr(replace(gen_random_uuid()::text, '-', ''), 1, 24)",
}


@dataclass(frozen=True)
class LoggedAttempt:
    """One push: `status` is None without an answer."""

    number: int
    at: datetime
    status: int | None
    latency_ms: int
    answer: str
    problem: str


@dataclass(frozen=True)
class Delivery:
    """An event on its way to a hook, or a sample (`event_seq` None), with its attempts."""

    id: str
    hook_id: str
    trigger: str
    event_seq: int | None
    event_id: str
    state: str
    next_at: datetime
    created_at: datetime
    updated_at: datetime
    attempts: tuple[LoggedAttempt, ...] = ()


def fan_out(
    connection: Connection,
    paywall_id: str,
    *,
    event_seq: int,
    event_id: str,
    type: str,
    wallet_id: str,
    external_id: str,
) -> int:
    """Put an event into the outbox of every live hook that wants it, in the event's own
    transaction; how many. Where a hook is for one user and nobody knows yet whose wallet this is,
    that is decided when it is sent."""
    known = EVENTS_BY_TYPE.get(type)
    user = external_id or _user_of(connection, paywall_id, wallet_id)
    given = {
        "paywall": paywall_id,
        "seq": event_seq,
        "event": event_id,
        "any": ANY_EVENT,
        "trigger": known.key if known else ANY_EVENT,
    }
    if wallet_id and not user:
        return _fan_out_to_all.changed(connection, given)
    return _fan_out.changed(connection, given | {"user": user})


def _fanning_out(dialect: str, *whose: ColumnElement[bool]) -> Executable:
    rows = (
        select(
            literal_column(_ROW_ID[dialect]),
            *(hooks.c.paywall_id, hooks.c.id),
            *(bindparam("seq", type_=BigInteger), bindparam("event", type_=String)),
            *fresh(now()),
        )
        .where(
            hooks.c.paywall_id == bindparam("paywall"),
            is_live,
            hooks.c.trigger.in_(
                [bindparam("any", type_=String), bindparam("trigger", type_=String)]
            ),
            *whose,
        )
        .with_for_update(read=True, key_share=True)
    )
    return insert_for(dialect)(deliveries).from_select(COLUMNS, rows).on_conflict_do_nothing()


_fan_out = Prepared(
    lambda dialect: _fanning_out(
        dialect, hooks.c.user_id.in_([literal_column("''"), bindparam("user", type_=String)])
    )
)
_fan_out_to_all = Prepared(_fanning_out)


def add_sample(connection: Connection, hook: Hook, event_id: str) -> str:
    """Put the sample of a hook's trigger into its outbox; the delivery's id."""
    delivery_id = "dlv_" + secrets.token_hex(12)
    connection.execute(
        deliveries.insert().values(
            id=delivery_id,
            paywall_id=hook.paywall_id,
            hook_id=hook.id,
            event_seq=None,
            event_id=event_id,
            **dict(zip(FRESH, fresh(now()), strict=True)),
        )
    )
    return delivery_id


def listing(
    connection: Connection,
    paywall_id: str,
    *,
    delivery_id: str = "",
    hook_id: str = "",
    event_id: str = "",
    state: str = "",
    since: datetime | None = None,
    before: str = "",
    limit: int = 100,
) -> list[Delivery]:
    """The log of a paywall, the newest first, as far as it fits all filters; `before` is the id of
    a delivery of which only older ones are wanted. Raises InvalidField if there is none such."""
    wanted: list[ColumnElement[bool]] = [deliveries.c.paywall_id == paywall_id]
    for column, value in (
        (deliveries.c.id, delivery_id),
        (deliveries.c.hook_id, hook_id),
        (deliveries.c.event_id, event_id),
        (deliveries.c.state, state),
    ):
        if value:
            wanted.append(column == value)
    if since is not None:
        wanted.append(deliveries.c.created_at >= since)
    if before:
        wanted.append(
            older_than(
                connection,
                (deliveries.c.created_at, deliveries.c.id),
                deliveries.c.paywall_id == paywall_id,
                deliveries.c.id == before,
                missing="This delivery is not in the log (any more).",
            )
        )
    shown = [n for n in Delivery.__dataclass_fields__ if n in deliveries.c]
    # Asked for each row: joined, SQLite would begin with the hooks and sort all deliveries.
    trigger = select(hooks.c.trigger).where(hooks.c.id == deliveries.c.hook_id).scalar_subquery()
    query = (
        select(*(deliveries.c[name] for name in shown), trigger.label("trigger"))
        .where(*wanted)
        .order_by(deliveries.c.created_at.desc(), deliveries.c.id.desc())
        .limit(limit)
    )
    # Of a hook, one question for each state: the index leads to the newest of one.
    one_by_one = hook_id and not state and not delivery_id and not event_id
    kinds = [(deliveries.c.state == kind,) for kind in STATES] if one_by_one else [()]
    found = [row for kind in kinds for row in connection.execute(query.where(*kind))]
    rows = sorted(found, key=lambda row: (row.created_at, row.id), reverse=True)[:limit]
    tried = _attempts(connection, [row.id for row in rows])
    # A moment has passed between the two queries: what was tried in it is not shown yet.
    return [
        Delivery(**{**row._mapping, "attempts": tuple(tried.get(row.id, [])[: row.attempts])})
        for row in rows
    ]


def purge(connection: Connection, days: int, limit: int = 500) -> int:
    """Delete at most `limit` deliveries, with their attempts, that are older than `days` and not
    waiting any more."""
    old = (
        select(deliveries.c.id)
        .join(paywalls, paywalls.c.id == deliveries.c.paywall_id)
        .where(deliveries.c.created_at < fixed(now(-days * 86_400)), deliveries.c.state != PENDING)
        .limit(limit)
    )
    return connection.execute(delete(deliveries).where(deliveries.c.id.in_(old))).rowcount


FRESH = ("state", "attempts", "tries", "next_at", "token", "created_at", "updated_at")
COLUMNS = ("id", "paywall_id", "hook_id", "event_seq", "event_id", *FRESH)
"""The columns of a row that an INSERT … SELECT fills, in its order."""


def fresh(due: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    """The values of `FRESH` for a row that was just put into the outbox."""
    return [literal(PENDING), literal(0), literal(0), due, literal(0), now(), now()]


def row_id(connection: Connection) -> ColumnElement[str]:
    """A new id for each row of an INSERT … SELECT."""
    return literal_column(_ROW_ID[connection.dialect.name])


def _user_of(connection: Connection, paywall_id: str, wallet_id: str) -> str:
    if not wallet_id:
        return ""
    return (
        connection.execute(
            select(user_pairs.c.external_id).where(
                user_pairs.c.paywall_id == paywall_id, user_pairs.c.wallet_id == wallet_id
            )
        ).scalar()
        or ""
    )


def _attempts(
    connection: Connection, delivery_ids: Sequence[str]
) -> dict[str, list[LoggedAttempt]]:
    by_delivery: dict[str, list[LoggedAttempt]] = {}
    rows = connection.execute(
        select(
            delivery_attempts.c.delivery_id,
            *(delivery_attempts.c[name] for name in LoggedAttempt.__dataclass_fields__),
        )
        .where(delivery_attempts.c.delivery_id.in_(delivery_ids))
        .order_by(delivery_attempts.c.delivery_id, delivery_attempts.c.number)
    )
    for delivery_id, *values in rows:
        by_delivery.setdefault(delivery_id, []).append(LoggedAttempt(*values))
    return by_delivery
