"""Queries: the ledger's rows of one paywall, for whoever asks what was charged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from sqlalchemy import ColumnElement, Connection, func, select

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
_PLACE = ledger.c.created_at, ledger.c.id
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
    if asked.begins and not asked.reference:
        return _beginning(connection, paywall_ids, asked, limit)
    if not asked.reference.startswith(asked.begins):
        return []
    mine = ledger.c.paywall_id.in_(paywall_ids)
    conditions = _conditions(connection, paywall_ids, asked)
    if asked.before:
        missing = "There is no such transaction (any more)."
        conditions.append(
            older_than(connection, _PLACE, mine, ledger.c.id == asked.before, missing=missing)
        )
    # One question for each paywall and state: the newest of several in one have to be sorted.
    rows: list[Entry] = []
    for paywall_id, state in product(paywall_ids, _states(asked) or [""]):
        query = selection().where(ledger.c.paywall_id == paywall_id, *conditions)
        query = query.where(ledger.c.state == state) if state else query
        if not asked.reference:  # of which there are few rows: an order has all be read by time
            query = query.order_by(*(column.desc() for column in _PLACE)).limit(limit)
        rows += [Entry(**row._mapping) for row in connection.execute(query)]
    return sorted(rows, key=lambda row: (row.created_at, row.id), reverse=True)[:limit]


def _states(asked: Asked) -> list[str]:
    """The states that a row may have, none for all."""
    return [state for state, shown in SHOWN_AS.items() if shown == asked.state]


def _beginning(
    connection: Connection, paywall_ids: Sequence[str], asked: Asked, limit: int
) -> list[Entry]:
    """The same for references that begin with something, in the order of the references: what may
    begin so is too much to be sorted by time. No more than LOOKED_AT are looked at."""
    wanted: list[ColumnElement[bool]] = [ledger.c.paywall_id.in_(paywall_ids)]
    if asked.user:  # whose rows are fewer than those that begin so
        letters = func.substr(ledger.c.reference, 1, len(asked.begins))
        wanted += [ledger.c.user_id == asked.user, letters == asked.begins]
    else:
        wanted += _between(connection, asked.begins, asked.begins + chr(0x10FFFF))
    named = select(ledger.c.id).where(*wanted).limit(LOOKED_AT)
    # What else is asked is looked at here: an index for that would lead through far more rows.
    found = connection.execute(selection().where(ledger.c.id.in_(named)))
    rows = [row for one in found if _fits(row := Entry(**one._mapping), asked)]
    return sorted(rows, key=lambda row: (row.reference, row.created_at, row.id))[:limit]


def _fits(row: Entry, asked: Asked) -> bool:
    return (
        (not asked.state or SHOWN_AS[row.state] == asked.state)
        and (asked.since is None or row.created_at >= asked.since)
        and (asked.until is None or row.created_at < asked.until)
    )


def _between(connection: Connection, low: str, high: str) -> tuple[ColumnElement[bool], ...]:
    """Whether a reference is at least `low` and below `high`, in the order of the index: on
    PostgreSQL the usual order of texts is that of a language."""
    named = connection.dialect.name == "postgresql"
    first, behind = ("~>=~", "~<~") if named else (">=", "<")
    return (
        ledger.c.reference.op(first, is_comparison=True)(low),
        ledger.c.reference.op(behind, is_comparison=True)(high),
    )


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
    if asked.since is not None:
        conditions.append(ledger.c.created_at >= asked.since)
    if asked.until is not None:
        conditions.append(ledger.c.created_at < asked.until)
    return conditions


def _spaces(connection: Connection, paywall_ids: Sequence[str]) -> list[str]:
    """The users of a paywall who have, or had, a token with references of their own."""
    users = select(tokens.c.user_id).where(tokens.c.paywall_id.in_(paywall_ids)).distinct()
    return [user for user in connection.execute(users).scalars() if user]
