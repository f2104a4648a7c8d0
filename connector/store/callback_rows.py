"""Queries: answers of chats that are pushed to the addresses that callers gave.

A claim is a lease with a token, as in the outbox: the row is due again when the lease ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, literal_column, select, update

from connector.store.chat_rows import KEPT_SECONDS, Chat
from connector.store.chat_tables import chat_callbacks
from connector.store.timestamps import fixed, now
from connector.store.upsert import insert_for

PENDING, SENT, FAILED = "pending", "sent", "failed"
LEASE_SECONDS = 60

# A partial index serves only those who name its condition word by word.
_is_pending = chat_callbacks.c.state == literal_column("'pending'")


@dataclass(frozen=True)
class Callback:
    """A claimed push; `id` stays the same when it is repeated, `answer` is sealed."""

    id: str
    paywall_id: str
    token_id: str
    target_url: str
    answer: str
    tries: int
    token: int


@dataclass(frozen=True)
class Due:
    """A push that can be claimed."""

    id: str
    paywall_id: str


_columns = tuple(chat_callbacks.c[name] for name in Callback.__dataclass_fields__)


def put(connection: Connection, chat: Chat, answer: str) -> None:
    """Push an answer to the chat's callback address. One question is pushed once: what comes late
    takes the place of what was not taken yet."""
    insert = insert_for(connection.dialect.name)(chat_callbacks).values(
        id=f"{chat.id}_{chat.token}",
        chat_id=chat.id,
        paywall_id=chat.paywall_id,
        token_id=chat.token_id,
        target_url=chat.callback_url,
        answer=answer,
        state=PENDING,
        tries=0,
        token=0,
        next_at=now(),
        created_at=now(),
    )
    connection.execute(
        insert.on_conflict_do_update(
            index_elements=[chat_callbacks.c.id],
            set_={"answer": answer},
            where=chat_callbacks.c.state == PENDING,
        )
    )


def due(connection: Connection, without: Sequence[str], limit: int) -> list[Due]:
    """Pushes that are due, the longest first, of other paywalls than these."""
    rows = connection.execute(
        select(chat_callbacks.c.id, chat_callbacks.c.paywall_id)
        .where(
            _is_pending,
            chat_callbacks.c.next_at <= fixed(now()),
            chat_callbacks.c.paywall_id.not_in(without),
        )
        .order_by(chat_callbacks.c.next_at)
        .limit(limit)
    )
    return [Due(row.id, row.paywall_id) for row in rows]


def claim(connection: Connection, ids: Sequence[str]) -> list[Callback]:
    """Take a lease on those of the pushes that are still due and that nobody else takes."""
    free = (
        select(chat_callbacks.c.id)
        .where(chat_callbacks.c.id.in_(ids), _is_pending, chat_callbacks.c.next_at <= now())
        .with_for_update(skip_locked=True)
    )
    taken = connection.execute(
        update(chat_callbacks)
        .where(chat_callbacks.c.id.in_(free))
        .values(next_at=now(LEASE_SECONDS), token=chat_callbacks.c.token + 1)
        .returning(*_columns)
    )
    return [Callback(**row._mapping) for row in taken]


def settle(connection: Connection, one: Callback, state: str, delay: int = 0) -> None:
    """Write how a push ended, unless it was taken over; pending: once more after `delay` seconds.
    An answer that was taken, or is given up, is not kept here."""
    over = {} if state == PENDING else {"answer": None}
    connection.execute(
        update(chat_callbacks)
        .where(
            chat_callbacks.c.id == one.id,
            _is_pending,
            *(() if state == SENT else (chat_callbacks.c.token == one.token,)),
        )
        .values(state=state, tries=one.tries + 1, next_at=now(delay), **over)
    )


def forget_answers(connection: Connection, limit: int = 500) -> int:
    """Give at most `limit` pushes up whose answers are older than a day; how many."""
    old = select(chat_callbacks.c.id).where(
        chat_callbacks.c.answer.is_not(None),
        chat_callbacks.c.created_at < fixed(now(-KEPT_SECONDS)),
    )
    given_up = (
        update(chat_callbacks)
        .where(chat_callbacks.c.id.in_(old.limit(limit)))
        .values(state=FAILED, answer=None)
    )
    return connection.execute(given_up).rowcount
