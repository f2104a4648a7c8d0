"""Queries: the ledger's rows for the operator who looks for one, of all paywalls together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select

from connector.store.ledger_rows import IN_DOUBT, Entry, in_doubt, selection
from connector.store.reference_spaces import spaced_beginning
from connector.store.tables import ledger


@dataclass(frozen=True)
class Wanted:
    """Which rows: all conditions that are given hold. A pending row whose lease has ended counts as
    in doubt. `since` and `until` are about when a row was made."""

    states: Sequence[str] = ()
    reference: str = ""
    user: str = ""
    since: datetime | None = None
    until: datetime | None = None


def search(connection: Connection, wanted: Wanted, limit: int) -> list[Entry]:
    """The rows that fit, the newest `limit` of them, oldest first."""
    query = (
        selection().where(*_conditions(wanted)).order_by(ledger.c.created_at.desc()).limit(limit)
    )
    return [Entry(**row._mapping) for row in connection.execute(query)][::-1]


def count(connection: Connection, state: str) -> int:
    """How many rows are in this state."""
    query = select(func.count()).select_from(ledger).where(*_conditions(Wanted((state,))))
    number: int = connection.execute(query).scalar_one()
    return number


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.states:
        states: ColumnElement[bool] = ledger.c.state.in_(wanted.states)
        if IN_DOUBT in wanted.states:
            states = or_(states, in_doubt())
        conditions.append(states)
    if wanted.reference:
        spaced = spaced_beginning(wanted.reference)
        begins = func.substr(ledger.c.reference, 1, len(spaced)) == spaced
        conditions.append(or_(ledger.c.reference == wanted.reference, begins))
    if wanted.user:
        conditions.append(ledger.c.user_id == wanted.user)
    if wanted.since is not None:
        conditions.append(ledger.c.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(ledger.c.created_at < wanted.until)
    return conditions
