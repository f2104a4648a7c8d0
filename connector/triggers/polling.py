"""Polling: the newest events of a trigger, or those behind a cursor, and where to go on.

A cursor is the number of an event (`seq`), which rises by commit: what a poll has passed never
changes behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from connector.errors import CursorGone, InvalidField
from connector.store import event_rows
from connector.triggers.definitions import Trigger
from connector.triggers.items import Item, item

USER_SECONDS = 120
"""A cursor for one user waits this long at an event whose user nobody knows yet: it is usually
learned right behind the user's first action, and the event would be missed otherwise."""


@dataclass(frozen=True)
class Page:
    """Events as builders see them, and the cursor to go on with; None for a poll without one."""

    items: list[Item]
    cursor: int | None


def poll(
    connection: Connection,
    paywall_id: str,
    trigger: Trigger,
    *,
    user: str = "",
    after: int | None = None,
    limit: int,
) -> Page:
    """Events of a paywall for `trigger`, of one user or ("") of all: without `after` the newest,
    newest first; else those behind that number, oldest first.

    Raises CursorGone or InvalidField for a cursor that cannot be gone on from.
    """
    if after is None:
        rows = event_rows.newest(connection, paywall_id, trigger.type, user, limit)
        cursor = None
    else:
        rows, cursor = _behind(connection, paywall_id, trigger.type, user, after, limit)
    wallets = [row.wallet_id for row in rows if not row.external_id]
    users = event_rows.users_of(connection, paywall_id, wallets)
    return Page([item(row, users) for row in rows], cursor)


def _behind(
    connection: Connection, paywall_id: str, type: str, user: str, after: int, limit: int
) -> tuple[list[event_rows.EventRow], int]:
    lowest, last = event_rows.bounds(connection, paywall_id)
    _check_cursor(after, lowest, last)
    # Before the rows: a user that is learned in between is then found at the next poll.
    wait = user and event_rows.undecided(connection, paywall_id, type, after, USER_SECONDS)
    rows = event_rows.after(connection, paywall_id, type, user, after, last, limit)
    cursor = rows[-1].seq if len(rows) == limit else last
    if wait and wait <= cursor:
        return [row for row in rows if row.seq < wait], wait - 1
    return rows, cursor


def _check_cursor(after: int, lowest: int, last: int) -> None:
    """Raises CursorGone for one behind which events were removed already, InvalidField for one
    ahead of everything."""
    if after > last:
        raise InvalidField(
            f"“After” is ahead of the newest event, whose number is {last}. Use that number, or "
            "0 to begin with the oldest one.",
            field="after",
        )
    oldest = lowest or last + 1
    if 0 < after < oldest - 1:
        raise CursorGone(
            f"Events behind this cursor are too old and were removed. Go on with after={oldest - 1}"
            ", which gives everything that is still kept.",
            field="after",
        )
