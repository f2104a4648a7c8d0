"""Queries: what becomes of the ledger's rows of which nobody knows whether they happened."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import ColumnElement, Connection, exists, func, select, update

from connector.store.attention_rows import CHARGE_IN_DOUBT, CHARGE_UNKNOWN
from connector.store.ledger_rows import (
    DONE,
    DOUBT_SECONDS,
    IN_DOUBT,
    PENDING,
    UNKNOWN,
    in_doubt,
)
from connector.store.sum_tables import attention
from connector.store.tables import is_open, ledger
from connector.store.timestamps import now

TOLD_AFTER_SECONDS = 3600
"""What is in doubt is mostly decided by itself; whoever it belongs to is told after this."""


def decide(connection: Connection, entry_id: str, state: str, answer: str) -> None:
    """An operator's word: the row is done, or free for a try under a new upstream key."""
    connection.execute(
        update(ledger)
        .where(ledger.c.id == entry_id)
        .values(
            state=state,
            answer=answer,
            was_in_doubt=False,
            sent=None,
            unanswered_at=None,
            try_number=ledger.c.try_number + 1,
            token=ledger.c.token + 1,
            updated_at=now(),
        )
    )


def give_up(connection: Connection, entry_id: str) -> None:
    """Nobody can tell any more; only an operator decides."""
    connection.execute(
        update(ledger)
        .where(ledger.c.id == entry_id, ledger.c.state != DONE)
        .values(state=UNKNOWN, was_in_doubt=True, sent=None, updated_at=now())
    )


def overdue_as_unknown(connection: Connection) -> int:
    """Turn every row that has been in doubt for too long into an unknown one; how many."""
    result = connection.execute(
        update(ledger)
        .where(in_doubt(), ledger.c.first_sent_at < now(-DOUBT_SECONDS))
        .values(state=UNKNOWN, was_in_doubt=True, sent=None, updated_at=now())
    )
    return result.rowcount


def untold(connection: Connection, kind: str, most: int) -> list[tuple[str, str, str]]:
    """Id, local paywall and user of rows of which nobody was told that they are in doubt for an
    hour, or unknown, as `kind` of `attention_rows` says; at most so many of each paywall, the
    oldest first."""
    told = exists().where(attention.c.subject == ledger.c.id, attention.c.kind == kind)
    place = func.row_number().over(
        partition_by=ledger.c.paywall_id, order_by=(ledger.c.created_at, ledger.c.id)
    )
    rows = (
        select(ledger.c.id, ledger.c.paywall_id, ledger.c.user_id, place.label("place"))
        .where(*_UNDECIDED[kind](), ~told)
        .subquery()
    )
    query = select(rows.c.id, rows.c.paywall_id, rows.c.user_id).where(rows.c.place <= most)
    return [(row.id, row.paywall_id, row.user_id) for row in connection.execute(query)]


_UNDECIDED: dict[str, Callable[[], list[ColumnElement[bool]]]] = {
    CHARGE_IN_DOUBT: lambda: [in_doubt(), ledger.c.first_sent_at < now(-TOLD_AFTER_SECONDS)],
    CHARGE_UNKNOWN: lambda: [is_open, ledger.c.state == UNKNOWN],
}


def seals(connection: Connection) -> list[tuple[str, str]]:
    """Id and seal of every row that keeps what its first try sent."""
    rows = connection.execute(
        select(ledger.c.id, ledger.c.sent).where(
            ledger.c.state.in_([PENDING, IN_DOUBT]), ledger.c.sent.is_not(None)
        )
    )
    return [(row.id, row.sent or "") for row in rows]


def replace_seal(connection: Connection, entry_id: str, old: str, new: str) -> None:
    """Seal anew what a row's first try sent, unless it was decided meanwhile."""
    connection.execute(
        update(ledger).where(ledger.c.id == entry_id, ledger.c.sent == old).values(sent=new)
    )
