"""Queries: which rows of the ledger give back what another row took."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection, select, update

from connector.store.ledger_rows import DONE, FREE
from connector.store.tables import ledger
from connector.store.timestamps import now


@dataclass(frozen=True)
class RefundRow:
    """One refund of a row: what it gives back, if it is not FREE, and its state."""

    id: str
    amount: Decimal
    state: str

    @property
    def decided(self) -> bool:
        """Whether it is known to have happened."""
        return self.state == DONE


def of(connection: Connection, entry_id: str, *, beside: str = "") -> list[RefundRow]:
    """The refunds of a row that happened or may happen, without the one with the id `beside`."""
    rows = connection.execute(
        select(ledger.c.id, ledger.c.amount, ledger.c.state).where(
            ledger.c.refund_of == entry_id, ledger.c.state != FREE, ledger.c.id != beside
        )
    )
    return [RefundRow(row.id, Decimal(row.amount), row.state) for row in rows]


def answer_as(connection: Connection, entry_id: str, answer: str) -> None:
    """A row that is done is answered like this from now on, and is kept as if it ended now."""
    connection.execute(
        update(ledger).where(ledger.c.id == entry_id).values(answer=answer, updated_at=now())
    )
