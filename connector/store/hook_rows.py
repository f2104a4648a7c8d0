"""Queries: hooks, the addresses that events of a paywall are pushed to.

A hook is active, off (switched off by its failures, until somebody subscribes again) or deleted;
a deleted one is kept, invisible, as long as the log of its deliveries.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from connector.store import attention_rows
from connector.store.paging import older_than
from connector.store.prepared import Prepared
from connector.store.tables import paywalls
from connector.store.timestamps import now
from connector.store.trigger_tables import deliveries, hooks

ACTIVE, OFF, DELETED = "active", "off", "deleted"

# A partial index serves only those who name its condition word by word.
is_live: ColumnElement[bool] = hooks.c.state == literal_column("'active'")


@dataclass(frozen=True)
class Hook:
    """Where to push which events; `user_id` is "" for all users, `secret` is sealed;
    `token_id` is that of the token whose own it is."""

    id: str
    paywall_id: str
    target_url: str
    trigger: str
    user_id: str
    secret: str
    state: str
    problem: str
    failing_since: datetime | None
    created_at: datetime
    token_id: str | None = None


_select = select(*(hooks.c[name] for name in Hook.__dataclass_fields__))


def count_live(connection: Connection, paywall_id: str) -> int:
    """How many live hooks a paywall has."""
    return connection.execute(_counted(paywall_id).where(is_live)).scalar_one()


_any_live = Prepared(
    lambda _: select(hooks.c.id).where(hooks.c.paywall_id == bindparam("paywall"), is_live).limit(1)
)


def any_live(connection: Connection, paywall_id: str) -> bool:
    """Whether a paywall has a live hook."""
    return _any_live.first(connection, {"paywall": paywall_id}) is not None


def insert(
    connection: Connection,
    paywall_id: str,
    *,
    target_url: str,
    trigger: str,
    user_id: str,
    sealed_secret: str,
    most: int,
    token_id: str = "",
) -> tuple[Hook, bool] | None:
    """The hook for these values and whether its secret is new: it was made, or was off and is on
    again. None when there would be more than `most`."""
    same = (
        hooks.c.paywall_id == paywall_id,
        hooks.c.target_hash == target_hash(target_url),
        hooks.c.trigger == trigger,
        hooks.c.user_id == user_id,
    )
    # One at a time for each paywall, so that the count holds.
    connection.execute(
        select(paywalls.c.id).where(paywalls.c.id == paywall_id).with_for_update(key_share=True)
    )
    existing = _first(connection, _select.where(*same))
    if existing is not None and existing.token_id and not token_id:
        _adopt(connection, existing.id)
    if existing is not None and (
        existing.state == ACTIVE or (token_id and existing.token_id != token_id)
    ):
        return existing, False
    if existing is not None:
        connection.execute(
            update(hooks)
            .where(hooks.c.id == existing.id)
            .values(
                state=ACTIVE, problem="", failing_since=None, failed_at=None, secret=sealed_secret
            )
        )
    elif connection.execute(_counted(paywall_id)).scalar_one() >= most:
        return None
    else:
        connection.execute(
            hooks.insert().values(
                id="hook_" + secrets.token_hex(12),
                paywall_id=paywall_id,
                target_url=target_url,
                target_hash=target_hash(target_url),
                trigger=trigger,
                user_id=user_id,
                secret=sealed_secret,
                state=ACTIVE,
                problem="",
                created_at=now(),
                token_id=token_id or None,
            )
        )
    made = _first(connection, _select.where(*same))
    return None if made is None else (made, True)


def _adopt(connection: Connection, hook_id: str) -> None:
    """The key asks for what a token has made: it does not end with the token any more."""
    connection.execute(update(hooks).where(hooks.c.id == hook_id).values(token_id=None))


def get(connection: Connection, paywall_id: str, hook_id: str) -> Hook | None:
    """A hook of this paywall, unless it was deleted."""
    return _first(connection, _visible(paywall_id).where(hooks.c.id == hook_id))


def listing(
    connection: Connection,
    paywall_id: str,
    *,
    before: str = "",
    limit: int = 100,
    token_id: str = "",
) -> list[Hook]:
    """The hooks of a paywall, or of a token, the newest first; `before` is the id of a hook, which
    may be gone by now, of which only older ones are wanted. Raises InvalidField if there never was
    one such."""
    place = hooks.c.created_at, hooks.c.id
    query = _visible(paywall_id)
    if token_id:
        query = query.where(hooks.c.token_id == token_id)
    if before:
        last = hooks.c.paywall_id == paywall_id, hooks.c.id == before
        missing = "There is no such hook (any more)."
        query = query.where(older_than(connection, place, *last, missing=missing))
    query = query.order_by(*(column.desc() for column in place)).limit(limit)
    return [Hook(**row._mapping) for row in connection.execute(query)]


def remove(connection: Connection, paywall_id: str, hook_id: str = "", token_id: str = "") -> bool:
    """Delete a hook, or all that a token made, or one of those; whether one was there. Its log
    stays until the retention; what waits for it is dropped by the worker. Its values are free for a
    new hook with another id."""
    which = [hooks.c.id == hook_id] if hook_id else []
    which += [hooks.c.token_id == token_id] if token_id else []
    if not which:
        return False
    done = connection.execute(
        update(hooks)
        .where(hooks.c.paywall_id == paywall_id, hooks.c.state != DELETED, *which)
        .values(state=DELETED, secret="", target_hash=hooks.c.id, problem="")
    )
    return done.rowcount > 0


def lock(connection: Connection, hook_ids: Iterable[str], well: Iterable[str]) -> None:
    """Lock hooks before they change, in one order, so that two workers never wait for each other.
    Those in `well` only if they have failed: nothing changes for the others."""
    connection.execute(
        select(hooks.c.id)
        .where(hooks.c.id.in_(sorted(hook_ids)), or_(~hooks.c.id.in_(well), _has_failed()))
        .order_by(hooks.c.id)
        .with_for_update(key_share=True)
    )


def mark_failing(
    connection: Connection, hook_id: str, problem: str, *, streak_seconds: int
) -> None:
    """A live hook has failed with `problem`. It fails since now, unless it failed within the last
    `streak_seconds`: then since that streak began."""
    streak = case((hooks.c.failed_at > now(-streak_seconds), hooks.c.failing_since), else_=now())
    connection.execute(
        update(hooks)
        .where(hooks.c.id == hook_id, hooks.c.state == ACTIVE)
        .values(failing_since=func.coalesce(streak, now()), failed_at=now(), problem=problem)
    )


def mark_well(connection: Connection, hook_ids: Iterable[str]) -> None:
    """Live hooks have taken something: their failures are forgotten."""
    connection.execute(
        update(hooks)
        .where(hooks.c.id.in_(hook_ids), hooks.c.state == ACTIVE, _has_failed())
        .values(failing_since=None, failed_at=None, problem="")
    )


def switch_off(
    connection: Connection, hook_id: str, problem: str, *, failing_for: int | None = None
) -> bool:
    """Switch a live hook off, with `failing_for` only if it has failed for that many seconds;
    whether that was so. Its paywall's owner can read that."""
    long_enough = [] if failing_for is None else [hooks.c.failing_since <= now(-failing_for)]
    done = connection.execute(
        update(hooks)
        .where(hooks.c.id == hook_id, hooks.c.state == ACTIVE, *long_enough)
        .values(state=OFF, problem=problem)
        .returning(hooks.c.paywall_id)
    )
    paywall_id = done.scalar()
    if paywall_id is None:
        return False
    attention_rows.note(connection, paywall_id, attention_rows.WEBHOOK_OFF, hook_id, "")
    return True


def purge(connection: Connection, limit: int = 500) -> int:
    """Forget at most `limit` deleted hooks of which the log holds nothing any more."""
    logged = exists().where(deliveries.c.hook_id == hooks.c.id)
    old = select(hooks.c.id).where(hooks.c.state == DELETED, ~logged).limit(limit)
    return connection.execute(delete(hooks).where(hooks.c.id.in_(old))).rowcount


def target_hash(target_url: str) -> str:
    """Addresses are too long for an index: this stands for one."""
    return hashlib.sha256(target_url.encode()).hexdigest()


def _has_failed() -> ColumnElement[bool]:
    return hooks.c.failing_since.is_not(None)


def _visible(paywall_id: str) -> Select[tuple[object, ...]]:
    return _select.where(hooks.c.paywall_id == paywall_id, hooks.c.state != DELETED)


def _counted(paywall_id: str) -> Select[int]:
    return (
        select(func.count())
        .select_from(hooks)
        .where(hooks.c.paywall_id == paywall_id, hooks.c.state != DELETED)
    )


def _first(connection: Connection, query: Select[tuple[object, ...]]) -> Hook | None:
    row = connection.execute(query).first()
    return None if row is None else Hook(**row._mapping)
