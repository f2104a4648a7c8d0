"""Queries: which rows of the ledger give back what another row took."""

from __future__ import annotations

from sqlalchemy import Connection, update

from connector.store.ledger_rows import FREE, Entry, selection
from connector.store.tables import ledger
from connector.store.timestamps import now


def of(connection: Connection, entry_id: str, *, beside: str = "") -> list[Entry]:
    """The refunds of a row that happened or may happen, without the one with the id `beside`."""
    query = selection().where(
        ledger.c.refund_of == entry_id, ledger.c.state != FREE, ledger.c.id != beside
    )
    return [Entry(**row._mapping) for row in connection.execute(query)]


def answer_as(connection: Connection, entry_id: str, answer: str) -> None:
    """A row that is done is answered like this from now on, and is kept as if it ended now."""
    connection.execute(
        update(ledger).where(ledger.c.id == entry_id).values(answer=answer, updated_at=now())
    )
