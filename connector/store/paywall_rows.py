"""Queries: which local paywall a key belongs to.

A local paywall stands for one key until upstream tells the paywall's id; then those with the same
id are merged: keys point to the oldest, the others stay as its aliases, so that references made
under any of them are still found.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, bindparam, func, or_, select, update

from connector.store import attention_rows, feature_rows, settings_rows
from connector.store.prepared import Prepared
from connector.store.tables import paywall_keys, paywalls
from connector.store.timestamps import now
from connector.store.token_tables import tokens
from connector.store.upsert import insert_for

TRUST_SECONDS = 600


@dataclass(frozen=True)
class Paywall:
    """A local paywall: `id` for what is written, `ids` (it and its aliases) for what is looked
    up; `upstream_id` is "" while unknown."""

    id: str
    upstream_id: str = ""
    ids: tuple[str, ...] = ()


_trusted = Prepared(
    lambda _: (
        select(paywall_keys.c.paywall_id, paywalls.c.upstream_id, paywalls.c.has_aliases)
        .join(paywalls, paywalls.c.id == paywall_keys.c.paywall_id)
        .where(
            paywall_keys.c.fingerprint == bindparam("given"),
            paywall_keys.c.verified_at > now(-TRUST_SECONDS),
        )
    )
)


def trusted(connection: Connection, fingerprints: Sequence[str]) -> Paywall | None:
    """The paywall of a key that upstream confirmed in the last ten minutes, or None."""
    matches = (_trusted.first(connection, {"given": one}) for one in fingerprints)
    row = next((row for row in matches if row is not None), None)
    if row is None:
        return None
    paywall_id, upstream_id, has_aliases = row
    ids = _with_aliases(connection, paywall_id) if has_aliases else (paywall_id,)
    return Paywall(paywall_id, upstream_id or "", ids)


def confirm(connection: Connection, fingerprints: Mapping[str, str], upstream_id: str) -> Paywall:
    """Note that upstream has just accepted a key, and under which id if it said so.

    `fingerprints` maps the tag of each server secret to the key's fingerprint under it, the
    signing secret first; the key is kept under that one from now on.
    """
    tag, fingerprint = next(iter(fingerprints.items()))
    known = connection.execute(
        select(paywall_keys.c.paywall_id, paywall_keys.c.created_at).where(
            paywall_keys.c.fingerprint.in_(fingerprints.values())
        )
    ).all()
    paywall_id = known[0].paywall_id if known else _new_paywall(connection)
    insert = insert_for(connection.dialect.name)
    row = connection.execute(
        insert(paywall_keys)
        .values(
            fingerprint=fingerprint,
            secret_tag=tag,
            paywall_id=paywall_id,
            verified_at=now(),
            created_at=known[0].created_at if known else now(),
        )
        .on_conflict_do_update(
            index_elements=[paywall_keys.c.fingerprint], set_={"verified_at": now()}
        )
        .returning(paywall_keys.c.paywall_id)
    ).one()
    connection.execute(
        paywall_keys.delete().where(paywall_keys.c.fingerprint.in_(list(fingerprints.values())[1:]))
    )
    root = _named(connection, row.paywall_id, upstream_id) if upstream_id else row.paywall_id
    named = connection.execute(
        select(paywalls.c.upstream_id).where(paywalls.c.id == root)
    ).scalar_one()
    return Paywall(root, named or "", _with_aliases(connection, root))


def all_of(connection: Connection, paywall_id: str) -> tuple[str, ...]:
    """A local paywall, which may be an alias, and all that are the same as it; the root first."""
    merged_into = select(paywalls.c.merged_into).where(paywalls.c.id == paywall_id)
    return _with_aliases(connection, connection.execute(merged_into).scalar() or paywall_id)


def hold(connection: Connection, paywall_id: str) -> tuple[str, ...]:
    """The same, and none of it is merged before the transaction ends: what is looked up and written
    in it stands under one paywall."""
    locked = select(paywalls.c.merged_into).with_for_update(read=True)
    root = connection.execute(locked.where(paywalls.c.id == paywall_id)).scalar()
    if root is not None:
        connection.execute(locked.where(paywalls.c.id == root))
    return _with_aliases(connection, root or paywall_id)


def distrust(connection: Connection, fingerprints: Sequence[str]) -> None:
    """Forget that upstream accepted a key: every process asks again at its next use. That a key
    was refused that had been accepted before is written down for its paywall's owner."""
    mine = paywall_keys.c.fingerprint.in_(fingerprints)
    _distrust(connection, mine)
    known = select(paywall_keys.c.paywall_id).where(mine, paywall_keys.c.verified_at.is_not(None))
    for paywall_id in connection.execute(known.distinct()).scalars().all():
        attention_rows.note(
            connection, paywall_id, attention_rows.KEY_REFUSED, attention_rows.CALLERS_KEY, ""
        )


def distrust_all_of(connection: Connection, upstream_id: str) -> None:
    """Forget that upstream accepted any key of a paywall, because its secret was rotated."""
    root = select(paywalls.c.id).where(paywalls.c.upstream_id == upstream_id).scalar_subquery()
    _distrust(connection, paywall_keys.c.paywall_id == root)


def _distrust(connection: Connection, which: ColumnElement[bool]) -> None:
    """Date the last proof back. It is not erased: a server secret is needed as long as keys under
    it were used lately."""
    connection.execute(
        update(paywall_keys)
        .where(which, paywall_keys.c.verified_at > now(-TRUST_SECONDS))
        .values(verified_at=now(-2 * TRUST_SECONDS))
    )


def keys_only_under(connection: Connection, tag: str, days: int) -> int:
    """How many keys, used within `days`, are known only under the server secret with this tag."""
    return connection.execute(
        select(func.count())
        .select_from(paywall_keys)
        .where(
            paywall_keys.c.secret_tag == tag,
            func.coalesce(paywall_keys.c.verified_at, paywall_keys.c.created_at)
            > now(-days * 86_400),
        )
    ).scalar_one()


def _new_paywall(connection: Connection) -> str:
    paywall_id = "lpw_" + secrets.token_hex(8)
    connection.execute(paywalls.insert().values(id=paywall_id, has_aliases=False, created_at=now()))
    return paywall_id


def _named(connection: Connection, paywall_id: str, upstream_id: str) -> str:
    """Give a paywall the id that upstream told, merging it into the one that has it already.

    A paywall that has another id keeps it: what two owners stored is never put together.
    """
    rows = connection.execute(
        select(paywalls.c.id, paywalls.c.upstream_id)
        .where(or_(paywalls.c.id == paywall_id, paywalls.c.upstream_id == upstream_id))
        .order_by(paywalls.c.id)
        .with_for_update(key_share=True)
    ).all()
    if any(row.id == paywall_id and row.upstream_id is not None for row in rows):
        return paywall_id
    root: str | None = next((row.id for row in rows if row.upstream_id == upstream_id), None)
    if root is None:
        connection.execute(
            update(paywalls).where(paywalls.c.id == paywall_id).values(upstream_id=upstream_id)
        )
        return paywall_id
    connection.execute(
        update(paywalls)
        .where(or_(paywalls.c.id == paywall_id, paywalls.c.merged_into == paywall_id))
        .values(merged_into=root, has_aliases=False)
    )
    connection.execute(update(paywalls).where(paywalls.c.id == root).values(has_aliases=True))
    connection.execute(
        update(paywall_keys).where(paywall_keys.c.paywall_id == paywall_id).values(paywall_id=root)
    )
    connection.execute(
        update(tokens).where(tokens.c.paywall_id == paywall_id).values(paywall_id=root)
    )
    settings_rows.merge(connection, paywall_id, root)
    feature_rows.merge(connection, paywall_id, root)
    return root


def _with_aliases(connection: Connection, root: str) -> tuple[str, ...]:
    aliases = connection.execute(
        select(paywalls.c.id).where(paywalls.c.merged_into == root)
    ).scalars()
    return (root, *aliases)
