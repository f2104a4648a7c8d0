"""Queries: the ledger's rows of one paywall, for whoever asks what was charged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, select

from connector.store.ledger_rows import DONE, FREE, IN_DOUBT, PENDING, UNKNOWN, Entry, selection
from connector.store.paging import older_than
from connector.store.reference_spaces import spaced
from connector.store.tables import ledger
from connector.store.token_tables import tokens

SHOWN_AS = {
    DONE: "done",
    FREE: "refused",
    PENDING: "in_doubt",
    IN_DOUBT: "in_doubt",
    UNKNOWN: "unknown",
}
"""What each state of a row is called where builders see it."""
LOOKED_AT = 1_000
"""So many references that begin alike are looked at."""


@dataclass(frozen=True)
class Asked:
    """Which rows: all that is given holds. `state` is one of SHOWN_AS; `since` and `until` are
    about when a row was made; `before` is the id of a row of which only older ones are wanted.
    `begins` is what the reference begins with."""

    actions: Sequence[str]
    reference: str = ""
    begins: str = ""
    user: str = ""
    state: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: str = ""


def listing(
    connection: Connection, paywall_ids: Sequence[str], asked: Asked, limit: int
) -> list[Entry]:
    """The rows of a paywall that fit, the newest first. Raises InvalidField for a `before` that is
    none of its rows."""
    mine = ledger.c.paywall_id.in_(paywall_ids)
    place = ledger.c.created_at, ledger.c.id
    if asked.begins:
        return _beginning(connection, paywall_ids, asked, limit)
    query = selection().where(mine, *_conditions(connection, paywall_ids, asked))
    if asked.before:
        missing = "There is no such transaction (any more)."
        query = query.where(
            older_than(connection, place, mine, ledger.c.id == asked.before, missing=missing)
        )
    if not asked.reference:
        query = query.order_by(*(column.desc() for column in place)).limit(limit)
    rows = [Entry(**row._mapping) for row in connection.execute(query)]
    # Of one reference there are few rows: in SQL an order would have them all be read by time.
    return sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)[:limit]


def _beginning(
    connection: Connection, paywall_ids: Sequence[str], asked: Asked, limit: int
) -> list[Entry]:
    """The same for references that begin with something, in the order of the references: what may
    begin so is too much to be sorted by time. No more than LOOKED_AT are looked at."""
    low, high = asked.begins, asked.begins + chr(0x10FFFF)
    first, behind = (
        ("~>=~", "~<~") if connection.dialect.name == "postgresql" else (">=", "<")
    )  # PostgreSQL's order of texts is a language's; these are the order of the index
    named = (
        select(ledger.c.id)
        .where(
            ledger.c.paywall_id.in_(paywall_ids),
            ledger.c.reference.op(first, is_comparison=True)(low),
            ledger.c.reference.op(behind, is_comparison=True)(high),
            *([ledger.c.user_id == asked.user] if asked.user else []),
        )
        .limit(LOOKED_AT)
    )
    query = selection().where(
        ledger.c.id.in_(named), *_conditions(connection, paywall_ids, replace(asked, begins=""))
    )
    rows = [Entry(**row._mapping) for row in connection.execute(query)]
    return sorted(rows, key=lambda row: (row.reference, row.created_at, row.id))[:limit]


def _conditions(
    connection: Connection, paywall_ids: Sequence[str], asked: Asked
) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.reference:
        spaces = [asked.user] if asked.user else _spaces(connection, paywall_ids)
        kept = [asked.reference, *(spaced(asked.reference, space) for space in spaces)]
        conditions += [ledger.c.action.in_(asked.actions), ledger.c.reference.in_(kept)]
    if asked.user:
        conditions.append(ledger.c.user_id == asked.user)
    if asked.state:
        states = [state for state, shown in SHOWN_AS.items() if shown == asked.state]
        conditions.append(ledger.c.state.in_(states))
    if asked.since is not None:
        conditions.append(ledger.c.created_at >= asked.since)
    if asked.until is not None:
        conditions.append(ledger.c.created_at < asked.until)
    return conditions


def _spaces(connection: Connection, paywall_ids: Sequence[str]) -> list[str]:
    """The users of a paywall who have, or had, a token with references of their own."""
    users = select(tokens.c.user_id).where(tokens.c.paywall_id.in_(paywall_ids)).distinct()
    return [user for user in connection.execute(users).scalars() if user]
