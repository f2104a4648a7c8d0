"""Queries: connector tokens, each standing for the kept key of a paywall."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, or_, select, update

from connector.store import paywall_rows
from connector.store.prepared import Prepared
from connector.store.tables import paywalls
from connector.store.timestamps import fixed, now
from connector.store.token_tables import tokens
from connector.store.trigger_tables import subscriptions

_SEEN_EVERY = 60
"""Seconds within which the last use of a token is not written down again."""
_REMEMBERED = 90 * 86_400
"""Seconds for which it can still be told that a token was revoked or has ended."""


@dataclass(frozen=True)
class TokenRow:
    """A token as it was made; sums are in millionths, `actions` separated by commas."""

    id: str
    label: str
    actions: str
    user_id: str
    max_amount: int | None
    max_per_day: int | None
    expires_at: datetime | None
    last_used_at: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class Found:
    """A token that somebody showed, with what it stands for. `sealed_key` is None while none is
    kept, `refused` whether upstream refused the kept one; `seen` whether its use was written down a
    moment ago, under the newest server secret."""

    row: TokenRow
    paywall_id: str
    upstream_id: str
    sealed_key: str | None
    refused: bool
    revoked: bool
    expired: bool
    seen: bool


_columns = tuple(tokens.c[name] for name in TokenRow.__dataclass_fields__)
_root = func.coalesce(paywalls.c.merged_into, paywalls.c.id)
_find = Prepared(
    lambda _: (
        select(
            *_columns,
            tokens.c.revoked_at,
            tokens.c.secret_tag,
            (tokens.c.expires_at <= now()).label("expired"),
            (tokens.c.last_used_at > now(-_SEEN_EVERY)).label("seen"),
            _root.label("root"),
            paywalls.c.upstream_id,
            paywalls.c.merged_into,
            subscriptions.c.kept_key,
            subscriptions.c.key_refused_at,
        )
        .join(paywalls, paywalls.c.id == tokens.c.paywall_id)
        .outerjoin(subscriptions, subscriptions.c.paywall_id == _root)
        .where(tokens.c.fingerprint == bindparam("given"))
    )
)


def find(connection: Connection, fingerprints: Mapping[str, str]) -> Found | None:
    """The token with one of these fingerprints (by the tag of the server secret), or None."""
    for fingerprint in fingerprints.values():
        row = _find.first(connection, {"given": fingerprint})
        if row is not None:
            break
    else:
        return None
    made = TokenRow(*row[: len(_columns)])
    revoked, tag, expired, seen, root, upstream_id, merged, kept, refused = row[len(_columns) :]
    if merged:
        upstream_id = connection.execute(
            select(paywalls.c.upstream_id).where(paywalls.c.id == root)
        ).scalar()
    return Found(
        made,
        root,
        upstream_id or "",
        kept,
        refused is not None,
        revoked is not None,
        bool(expired),
        bool(seen) and tag == next(iter(fingerprints)),
    )


def note_use(connection: Connection, token_id: str, fingerprints: Mapping[str, str]) -> None:
    """It was used just now; from now on it is known by the newest server secret."""
    tag, fingerprint = next(iter(fingerprints.items()))
    connection.execute(
        update(tokens)
        .where(tokens.c.id == token_id)
        .values(last_used_at=now(), fingerprint=fingerprint, secret_tag=tag)
    )


_stands = Prepared(
    lambda _: select(tokens.c.id).where(
        tokens.c.id == bindparam("token"), tokens.c.revoked_at.is_(None)
    )
)


def stands(connection: Connection, token_id: str) -> bool:
    """Whether a token was not revoked."""
    return _stands.first(connection, {"token": token_id}) is not None


def insert(
    connection: Connection,
    paywall_id: str,
    fingerprints: Mapping[str, str],
    *,
    label: str,
    actions: str,
    user_id: str,
    max_amount: int | None,
    max_per_day: int | None,
    expires_in_days: int | None,
    most: int,
) -> TokenRow | None:
    """A new token; None when the paywall would have more than `most`."""
    connection.execute(  # one at a time for each paywall, so that the count holds
        select(paywalls.c.id).where(paywalls.c.id == paywall_id).with_for_update(key_share=True)
    )
    live = select(func.count()).select_from(tokens).where(_of([paywall_id]), is_live())
    if connection.execute(live).scalar_one() >= most:
        return None
    tag, fingerprint = next(iter(fingerprints.items()))
    token_id = "tok_" + secrets.token_hex(12)
    connection.execute(
        tokens.insert().values(
            id=token_id,
            paywall_id=paywall_id,
            fingerprint=fingerprint,
            secret_tag=tag,
            label=label,
            actions=actions,
            user_id=user_id,
            max_amount=max_amount,
            max_per_day=max_per_day,
            expires_at=None if expires_in_days is None else now(expires_in_days * 86_400),
            created_at=now(),
        )
    )
    made = select(*_columns).where(tokens.c.id == token_id)
    return TokenRow(*connection.execute(made).one())


def listing(connection: Connection, paywall_id: str) -> list[TokenRow]:
    """The tokens of a paywall that were not revoked, the newest first."""
    ids = paywall_rows.all_of(connection, paywall_id)
    query = select(*_columns).where(_of(ids), tokens.c.revoked_at.is_(None))
    rows = connection.execute(query.order_by(tokens.c.created_at.desc(), tokens.c.id.desc()))
    return [TokenRow(*row) for row in rows]


def revoke(connection: Connection, paywall_id: str, token_id: str) -> bool:
    """Whether a token of this paywall was there to be revoked."""
    ids = paywall_rows.all_of(connection, paywall_id)
    done = connection.execute(
        update(tokens)
        .where(_of(ids), tokens.c.id == token_id, tokens.c.revoked_at.is_(None))
        .values(revoked_at=now())
    )
    return done.rowcount == 1


def only_under(connection: Connection, tag: str) -> int:
    """How many live tokens are known only under the server secret with this tag."""
    query = select(func.count()).select_from(tokens).where(tokens.c.secret_tag == tag, is_live())
    return connection.execute(query).scalar_one()


def purge(connection: Connection, limit: int = 500) -> int:
    """Forget at most `limit` tokens that were revoked, or have ended, long ago."""
    long_ago = fixed(now(-_REMEMBERED))
    old = (
        select(tokens.c.id)
        .where(or_(tokens.c.revoked_at < long_ago, tokens.c.expires_at < long_ago))
        .limit(limit)
    )
    return connection.execute(delete(tokens).where(tokens.c.id.in_(old))).rowcount


def is_live() -> ColumnElement[bool]:
    """That a token was not revoked and has not ended."""
    lasts = or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now())
    return tokens.c.revoked_at.is_(None) & lasts


def _of(ids: Sequence[str]) -> ColumnElement[bool]:
    return tokens.c.paywall_id.in_(ids)
