"""Queries: the one key of a paywall that is kept, sealed, for the worker and for tokens.

It is kept while there is a live hook or token. Only a key that upstream accepts takes its place:
one that was seen later for the first time, or any once the kept one was refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, exists, func, or_, select, update

from connector.store import attention_rows, token_rows
from connector.store.hook_rows import is_live
from connector.store.subscription_rows import ensure
from connector.store.tables import paywall_keys
from connector.store.timestamps import now
from connector.store.token_tables import tokens
from connector.store.trigger_tables import hooks, subscriptions


def wants(connection: Connection, paywall_id: str, fingerprints: Sequence[str]) -> bool:
    """Whether the key with these fingerprints is to be kept, once upstream has accepted it."""
    row = connection.execute(
        select(subscriptions.c.paywall_id).where(
            subscriptions.c.paywall_id == paywall_id,
            _needed(),
            _older_than(_first_seen(connection, fingerprints)),
        )
    ).first()
    return row is not None


def keep(connection: Connection, paywall_id: str, fingerprints: Sequence[str], sealed: str) -> None:
    """Keep a key that upstream has just accepted, if it is to be kept."""
    ensure(connection, paywall_id)
    seen = _first_seen(connection, fingerprints)
    connection.execute(
        update(subscriptions)
        .where(subscriptions.c.paywall_id == paywall_id, _needed(), _older_than(seen))
        .values(kept_key=sealed, kept_since=seen, key_refused_at=None)
    )


def suspend(connection: Connection, paywall_id: str, sealed: str) -> None:
    """Upstream refused a kept key: it is not used until another one, or the same, is accepted.
    Its paywall's owner can read that."""
    suspended = connection.execute(
        update(subscriptions)
        .where(
            subscriptions.c.paywall_id == paywall_id,
            subscriptions.c.kept_key == sealed,
            subscriptions.c.key_refused_at.is_(None),
        )
        .values(key_refused_at=now())
    )
    if suspended.rowcount:
        attention_rows.note(
            connection, paywall_id, attention_rows.KEY_REFUSED, attention_rows.KEPT_KEY, ""
        )


def forget_needless(connection: Connection, paywall_id: str = "") -> int:
    """Forget the keys of paywalls (or of this one) without a live hook or token; how many."""
    whose = [subscriptions.c.paywall_id == paywall_id] if paywall_id else []
    return _forget(connection, ~_needed(), *whose)


def forget_all(connection: Connection) -> int:
    """Forget every kept key; how many."""
    return _forget(connection)


def _forget(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    kept = subscriptions.c.kept_key.is_not(None)
    return connection.execute(
        update(subscriptions)
        .where(kept, *conditions)
        .values(kept_key=None, kept_since=None, key_refused_at=None)
    ).rowcount


def _needed() -> ColumnElement[bool]:
    """That the paywall of a row of `subscriptions` has a live hook or token."""
    hook = exists().where(hooks.c.paywall_id == subscriptions.c.paywall_id, is_live)
    token = exists().where(tokens.c.paywall_id == subscriptions.c.paywall_id, token_rows.is_live())
    return or_(hook, token)


def _older_than(seen: datetime | None) -> ColumnElement[bool]:
    """That nothing is kept, or what is kept was refused or came before a key first seen then."""
    conditions: list[ColumnElement[bool]] = [
        subscriptions.c.kept_key.is_(None),
        subscriptions.c.key_refused_at.is_not(None),
        subscriptions.c.kept_since.is_(None),
    ]
    if seen is not None:
        conditions.append(subscriptions.c.kept_since < seen)
    return or_(*conditions)


def _first_seen(connection: Connection, fingerprints: Sequence[str]) -> datetime | None:
    query = select(func.min(paywall_keys.c.created_at)).where(
        paywall_keys.c.fingerprint.in_(fingerprints)
    )
    seen: datetime | None = connection.execute(query).scalar()
    return seen
