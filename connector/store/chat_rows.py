"""Queries: chats with a reference, one row per (local paywall, reference). No decisions are made
here; `connector.chats` makes them, inside the transactions that it opens."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Executable, bindparam, delete, func, or_, select, tuple_, update

from connector.store.chat_tables import chats
from connector.store.reference_spaces import as_sent
from connector.store.timestamps import fixed, now
from connector.store.upsert import insert_for

ASKING = "asking"
DONE = "done"
UNKNOWN = "unknown"
FREE = "free"
LEASE_SECONDS = 30
KEPT_SECONDS = 86_400
"""For how long an answer is kept."""
_BELIEVED_SECONDS = 2 * LEASE_SECONDS
"""No lease ends later than that: one that says so was written while the clock was wrong."""
_ORDER = (DONE, ASKING, UNKNOWN, FREE)


@dataclass(frozen=True)
class Chat:
    """A row. Its last fields were judged by the database's clock when it was read: whether somebody
    is asking, and whether its answer is of the last day."""

    id: str
    paywall_id: str
    kept_reference: str
    user_id: str
    values_hash: str
    secret_tag: str
    state: str
    token: int
    answer: str | None
    callback_url: str
    token_id: str
    leased: bool
    fresh: bool

    @property
    def reference(self) -> str:
        """The reference as it was sent."""
        return as_sent(self.kept_reference)

    @property
    def abandoned(self) -> bool:
        """Whether whoever asked has gone without writing down what came of it."""
        return self.state == ASKING and not self.leased


_judged = ("kept_reference", "leased", "fresh")
_select = select(
    *(chats.c[name] for name in Chat.__dataclass_fields__ if name not in _judged),
    chats.c.reference.label("kept_reference"),
    chats.c.lease_until.between(now(), now(_BELIEVED_SECONDS)).label("leased"),
    (chats.c.updated_at > now(-KEPT_SECONDS)).label("fresh"),
)


def find(connection: Connection, paywall_ids: Sequence[str], reference: str) -> Chat | None:
    """The row of a reference under any of the local paywalls, locked; one that may have been paid
    for before others."""
    rows = connection.execute(
        _select.where(
            chats.c.paywall_id.in_(paywall_ids), chats.c.reference == reference
        ).with_for_update()
    ).all()
    found = sorted((Chat(**row._mapping) for row in rows), key=lambda c: _ORDER.index(c.state))
    return found[0] if found else None


def get(connection: Connection, chat_id: str, *, lock: bool = False) -> Chat | None:
    """A row by its id."""
    row = connection.execute(_get(lock), {"row": chat_id}).first()
    return None if row is None else Chat(**row._mapping)


@cache
def _get(lock: bool) -> Executable:
    query = _select.where(chats.c.id == bindparam("row"))
    return query.with_for_update() if lock else query


def insert(
    connection: Connection,
    *,
    paywall_id: str,
    reference: str,
    user_id: str,
    values_hash: str,
    secret_tag: str,
    callback_url: str,
    token_id: str,
) -> str | None:
    """A new row that is being asked, leased, with token 1; its id, or None if the reference is
    known."""
    made = connection.execute(
        insert_for(connection.dialect.name)(chats)
        .values(
            id="cht_" + secrets.token_hex(8),
            paywall_id=paywall_id,
            reference=reference,
            user_id=user_id,
            values_hash=values_hash,
            secret_tag=secret_tag,
            state=ASKING,
            token=1,
            lease_until=now(LEASE_SECONDS),
            callback_url=callback_url,
            token_id=token_id,
            created_at=now(),
            updated_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(chats.c.id)
    ).scalar()
    return None if made is None else str(made)


def take_lease(
    connection: Connection,
    chat: Chat,
    *,
    user_id: str,
    values_hash: str,
    secret_tag: str,
    callback_url: str,
    token_id: str,
) -> int:
    """Ask once more what was refused or never sent; its new token."""
    connection.execute(
        update(chats)
        .where(chats.c.id == chat.id)
        .values(
            user_id=user_id,
            values_hash=values_hash,
            secret_tag=secret_tag,
            state=ASKING,
            token=chat.token + 1,
            lease_until=now(LEASE_SECONDS),
            answer=None,
            callback_url=callback_url,
            token_id=token_id,
            updated_at=now(),
        )
    )
    return chat.token + 1


def settle(connection: Connection, chat_id: str, token: int, state: str, answer: str) -> bool:
    """Write what came of a question; False if that was written before. One that was given up
    meanwhile is answered late, which counts."""
    changed = connection.execute(
        update(chats)
        .where(
            chats.c.id == chat_id,
            chats.c.token == token,
            chats.c.state.in_((ASKING, UNKNOWN)),
        )
        .values(state=state, answer=answer, lease_until=now(), updated_at=now())
    )
    return changed.rowcount == 1


def set_callback(connection: Connection, chat_id: str, url: str, token_id: str) -> None:
    """Where the answer is pushed to, from now on."""
    connection.execute(
        update(chats).where(chats.c.id == chat_id).values(callback_url=url, token_id=token_id)
    )


def renew(connection: Connection, held: Mapping[str, int]) -> None:
    """Go on holding these leases: tokens by id."""
    mine = tuple_(chats.c.id, chats.c.token).in_(list(held.items()))
    connection.execute(
        update(chats).where(mine, chats.c.state == ASKING).values(lease_until=now(LEASE_SECONDS))
    )


_ended = or_(
    chats.c.lease_until < fixed(now()), chats.c.lease_until > fixed(now(_BELIEVED_SECONDS))
)


def abandoned(connection: Connection, limit: int = 100) -> list[Chat]:
    """Rows whose lease has run out, that nobody else looks at right now, locked."""
    rows = connection.execute(
        _select.where(chats.c.state == ASKING, _ended)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return [Chat(**row._mapping) for row in rows]


def any_abandoned(connection: Connection) -> bool:
    """Whether there are such rows."""
    query = select(chats.c.id).where(chats.c.state == ASKING, _ended)
    return connection.execute(query.limit(1)).first() is not None


def forget_answers(connection: Connection, limit: int = 500) -> int:
    """Remove at most `limit` answers that are older than a day; how many."""
    old = select(chats.c.id).where(
        chats.c.answer.is_not(None), chats.c.updated_at < fixed(now(-KEPT_SECONDS))
    )
    forgotten = update(chats).where(chats.c.id.in_(old.limit(limit))).values(answer=None)
    return connection.execute(forgotten).rowcount


def purge(connection: Connection, days: int, limit: int = 500) -> int:
    """Delete at most `limit` rows that ended more than `days` ago; how many."""
    old = select(chats.c.id).where(
        chats.c.state != ASKING, chats.c.updated_at < fixed(now(-days * 86_400))
    )
    return connection.execute(delete(chats).where(chats.c.id.in_(old.limit(limit)))).rowcount


def kept_under(connection: Connection, tag: str) -> int:
    """How many chats of the last day were asked under the server secret with this tag."""
    return connection.execute(
        select(func.count())
        .select_from(chats)
        .where(
            chats.c.secret_tag == tag,
            chats.c.answer.is_not(None) | (chats.c.state == ASKING),
            chats.c.updated_at > fixed(now(-KEPT_SECONDS)),
        )
    ).scalar_one()
