"""Queries: what becomes of the ledger's rows of which nobody knows whether they happened."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from connector.store.ledger_rows import (
    DONE,
    DOUBT_SECONDS,
    IN_DOUBT,
    PENDING,
    UNKNOWN,
    in_doubt,
)
from connector.store.tables import ledger
from connector.store.timestamps import now


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
