"""Queries: the one upstream subscription of a paywall, its endpoints, and reading back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    bindparam,
    or_,
    select,
    update,
)

from connector.store import attention_rows
from connector.store.hook_rows import ACTIVE
from connector.store.prepared import Prepared
from connector.store.tables import paywalls
from connector.store.timestamps import now
from connector.store.trigger_tables import endpoints, hooks, subscriptions
from connector.store.upsert import insert_for

NONE, READY, FAILED = "none", "ready", "failed"
LEASE_SECONDS = 30
FRESH_SECONDS = 600
"""For how long a subscription that was seen to be well is taken to be so."""


@dataclass(frozen=True)
class Subscription:
    """How events of a paywall come in; `made_at` is when the current subscription was made.
    `fresh` and `leased` are judged by the database's clock."""

    paywall_id: str
    last_seq: int
    endpoint_id: str | None
    state: str
    problem: str
    checked_at: datetime | None
    kept_key: str | None
    read_at: datetime | None
    gap_since: datetime | None
    gap_note: str
    token: int
    leased: bool
    fresh: bool
    made_at: datetime | None
    key_refused_at: datetime | None


@dataclass(frozen=True)
class Endpoint:
    """An address that upstream posts to, and whose events it takes; `upstream_id` may be ""."""

    id: str
    paywall_id: str
    subscription_id: str | None
    upstream_id: str


_judged = ("leased", "fresh")
_select = select(
    *(c for c in subscriptions.c if c.name in Subscription.__dataclass_fields__),
    (subscriptions.c.lease_until > now()).label("leased"),
    (subscriptions.c.checked_at > now(-FRESH_SECONDS)).label("fresh"),
    select(endpoints.c.created_at)
    .where(endpoints.c.id == subscriptions.c.endpoint_id)
    .scalar_subquery()
    .label("made_at"),
)


def get(connection: Connection, paywall_id: str) -> Subscription | None:
    """The subscription row of a paywall, if it has one."""
    row = connection.execute(_select.where(subscriptions.c.paywall_id == paywall_id)).first()
    return None if row is None else _of(dict(row._mapping))


def ensure(connection: Connection, paywall_id: str) -> None:
    """A row for this paywall, if it has none."""
    insert = insert_for(connection.dialect.name)
    connection.execute(
        insert(subscriptions)
        .values(
            paywall_id=paywall_id,
            last_seq=0,
            state=NONE,
            problem="",
            lease_until=now(-1),
            read_lease_until=now(-1),
            token=0,
            gap_note="",
        )
        .on_conflict_do_nothing()
    )


def take_lease(connection: Connection, paywall_id: str) -> int | None:
    """The right to care for a subscription for 30 s: a fencing token, or None if another has it."""
    ensure(connection, paywall_id)
    return connection.execute(
        update(subscriptions)
        .where(subscriptions.c.paywall_id == paywall_id, subscriptions.c.lease_until <= now())
        .values(lease_until=now(LEASE_SECONDS), token=subscriptions.c.token + 1)
        .returning(subscriptions.c.token)
    ).scalar()


def settle(
    connection: Connection,
    paywall_id: str,
    token: int,
    *,
    state: str,
    problem: str,
    endpoint_id: str | None,
) -> bool:
    """Write how caring ended and give the lease back; False if it was lost meanwhile. With an
    `endpoint_id` the subscription was seen to be well just now."""
    values: dict[str, object] = {"state": state, "problem": problem, "lease_until": now(-1)}
    if endpoint_id is not None:
        values["checked_at"] = now()
        values["endpoint_id"] = endpoint_id
    done = connection.execute(
        update(subscriptions)
        .where(subscriptions.c.paywall_id == paywall_id, subscriptions.c.token == token)
        .values(**values)
    )
    return done.rowcount == 1


def add_endpoint(connection: Connection, endpoint_id: str, paywall_id: str) -> None:
    """Know an endpoint, before upstream is told of it."""
    insert = insert_for(connection.dialect.name)
    connection.execute(
        insert(endpoints)
        .values(id=endpoint_id, paywall_id=paywall_id, created_at=now())
        .on_conflict_do_nothing()
    )


def name_endpoint(connection: Connection, endpoint_id: str, subscription_id: str) -> None:
    """Note which upstream subscription posts to an endpoint."""
    connection.execute(
        update(endpoints)
        .where(endpoints.c.id == endpoint_id)
        .values(subscription_id=subscription_id, retired_at=None)
    )


def retire_endpoints(connection: Connection, paywall_id: str, keep: str) -> None:
    """All other endpoints of the paywall get nothing new; what is on its way is still taken."""
    connection.execute(
        update(endpoints)
        .where(
            endpoints.c.paywall_id == paywall_id,
            endpoints.c.id != keep,
            endpoints.c.retired_at.is_(None),
        )
        .values(retired_at=now())
    )


def endpoint(connection: Connection, endpoint_id: str) -> Endpoint | None:
    """An endpoint with its paywall (the merged one, if it was merged)."""
    row = _endpoint.first(connection, {"asked": endpoint_id})
    if row is None:
        return None
    paywall_id, subscription_id, merged_into, upstream_id = row
    if merged_into:
        upstream_id = connection.execute(
            select(paywalls.c.upstream_id).where(paywalls.c.id == merged_into)
        ).scalar()
    return Endpoint(endpoint_id, merged_into or paywall_id, subscription_id, upstream_id or "")


_endpoint = Prepared(
    lambda _: (
        select(
            *(endpoints.c.paywall_id, endpoints.c.subscription_id),
            *(paywalls.c.merged_into, paywalls.c.upstream_id),
        )
        .join(paywalls, paywalls.c.id == endpoints.c.paywall_id)
        .where(endpoints.c.id == bindparam("asked"))
    )
)


def upstream_ids(connection: Connection, paywall_id: str) -> list[str]:
    """The upstream subscriptions that this paywall ever had here, newest first."""
    aliases = select(paywalls.c.id).where(paywalls.c.merged_into == paywall_id)
    return [
        wallet
        for wallet in connection.execute(
            select(endpoints.c.subscription_id)
            .where(
                or_(endpoints.c.paywall_id == paywall_id, endpoints.c.paywall_id.in_(aliases)),
                endpoints.c.subscription_id.is_not(None),
            )
            .order_by(endpoints.c.created_at.desc())
        ).scalars()
        if wallet
    ]


def unsubscribed(connection: Connection, paywall_id: str) -> None:
    """Nothing comes in for this paywall any more, by our own will."""
    connection.execute(
        update(subscriptions)
        .where(subscriptions.c.paywall_id == paywall_id)
        .values(
            state=NONE,
            problem="",
            endpoint_id=None,
            checked_at=None,
            kept_key=None,
            kept_since=None,
        )
    )


def with_live_hooks(connection: Connection) -> list[Subscription]:
    """The subscriptions of all paywalls that have a live hook: those the worker looks after."""
    live = select(hooks.c.paywall_id).where(hooks.c.state == ACTIVE).distinct()
    rows = connection.execute(_select.where(subscriptions.c.paywall_id.in_(live)))
    return [_of(dict(row)) for row in rows.mappings()]


def take_reading(connection: Connection, paywall_id: str, seconds: int) -> datetime | None:
    """The right to read events back for `seconds`: the moment it begins, or None if another reads
    them now."""
    return connection.execute(
        update(subscriptions)
        .where(subscriptions.c.paywall_id == paywall_id, subscriptions.c.read_lease_until <= now())
        .values(read_lease_until=now(seconds))
        .returning(now())
    ).scalar()


def note_gap(connection: Connection, paywall_id: str, note: str) -> None:
    """Note that events may be missing for good, and why; its owner can read that."""
    connection.execute(
        update(subscriptions)
        .where(subscriptions.c.paywall_id == paywall_id)
        .values(gap_since=now(), gap_note=note)
    )
    attention_rows.note(connection, paywall_id, attention_rows.EVENTS_MISSING, "", "")


def end_reading(connection: Connection, paywall_id: str, *, complete_from: datetime | None) -> None:
    """Give the right to read back; `complete_from`: everything until then was read."""
    values: dict[str, object] = {"read_lease_until": now(-1)}
    if complete_from is not None:
        values["read_at"] = complete_from
    connection.execute(
        update(subscriptions).where(subscriptions.c.paywall_id == paywall_id).values(**values)
    )


def _of(row: dict[str, Any]) -> Subscription:
    return Subscription(**(row | {name: bool(row[name]) for name in _judged}))
