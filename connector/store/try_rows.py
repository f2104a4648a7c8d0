"""Queries: the tries of a ledger row that were in doubt, or not the first, and who decided it. They
tell its story."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from connector.store import ledger_rows
from connector.store.ledger_rows import LEASE_SECONDS, PENDING, Entry
from connector.store.tables import ledger, ledger_tries
from connector.store.timestamps import now


@dataclass(frozen=True)
class TryRow:
    """One try: the upstream key it was sent under, when, and how it `ended`: an outcome, the code
    of an error, or a word of `connector.ledger.ends`, who decided it among them."""

    number: int
    upstream_key: str
    sent_at: datetime
    ended_at: datetime
    ended: str


_columns = [ledger_tries.c[name] for name in TryRow.__dataclass_fields__]


LOST = "lost"
"""How a try ended whose process did not live to write its end down."""


def write(
    connection: Connection, entry_id: str, upstream_key: str, seconds_ago: int, ended: str
) -> None:
    """Write down a try that was sent `seconds_ago` and has ended now."""
    _write(connection, entry_id, upstream_key, now(-seconds_ago), ended)


def write_lost(connection: Connection, entry: Entry) -> None:
    """Write down the try of a row whose process died with its lease."""
    _write(connection, entry.id, entry.upstream_key, entry.updated_at, LOST)


def write_decision(connection: Connection, entry: Entry, decided: str) -> None:
    """Write down that a row that was in doubt has just been decided, by whom and how."""
    _write(connection, entry.id, entry.upstream_key, now(), decided)


def next_key(connection: Connection, entry_id: str, token: int, upstream_key: str) -> bool:
    """Go on with another upstream key, under the same lease, which begins anew; False when it was
    lost to another try. The row stays in doubt: about the new key from now on."""
    done = connection.execute(
        update(ledger)
        .where(ledger.c.id == entry_id, ledger.c.token == token, ledger.c.state == PENDING)
        .values(
            upstream_key=upstream_key,
            try_number=ledger.c.try_number + 1,
            first_sent_at=now(),
            lease_until=now(LEASE_SECONDS),
            updated_at=now(),
        )
    )
    return done.rowcount == 1


def _write(
    connection: Connection, entry_id: str, upstream_key: str, sent_at: datetime | now, ended: str
) -> None:
    # The row is locked: two tries that end at the same time are numbered one after the other.
    ledger_rows.get(connection, entry_id, lock=True)
    before = (
        select(func.coalesce(func.max(ledger_tries.c.number), 0))
        .where(ledger_tries.c.ledger_id == entry_id)
        .scalar_subquery()
    )
    connection.execute(
        ledger_tries.insert().values(
            ledger_id=entry_id,
            number=before + 1,
            upstream_key=upstream_key,
            sent_at=sent_at,
            ended_at=now(),
            ended=ended,
        )
    )


def of(connection: Connection, entry_id: str) -> list[TryRow]:
    """The tries of a row that were written down, the oldest first."""
    query = (
        select(*_columns)
        .where(ledger_tries.c.ledger_id == entry_id)
        .order_by(ledger_tries.c.number)
    )
    return [TryRow(*row) for row in connection.execute(query)]
