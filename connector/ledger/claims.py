"""Taking a reference: in one transaction, a lease on it, or the row as it stands.

The decisions of the ledger that need the row locked (DESIGN: exactly once, 1 to 5).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import structlog
from sqlalchemy import Connection

from connector.catalog.actions import Action
from connector.deadline import Deadline
from connector.errors import ReferenceReused, StillInFlight, Unavailable
from connector.store import ledger_rows
from connector.store.ledger_rows import DONE, IN_DOUBT, PENDING, UNKNOWN, Entry
from connector.store.paywall_rows import Paywall

TAKE_OVER_NEEDS = 6.0
"""Seconds that a waiter must have left to begin a try of its own."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Wish:
    """One call of an exactly-once action."""

    paywall: Paywall
    action: Action
    user: str
    amount: str
    reference: str
    values_hash: str

    def upstream_key(self, try_number: int) -> str:
        """The same for the same wish, even from another database, so that upstream's own
        protection still holds when ours was lost."""
        parts = (self.action.key, self.reference, self.user, self.amount, str(try_number))
        return "pwc-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Lease:
    """The right to try: the row, the fencing token, and the key to send upstream."""

    entry_id: str
    token: int
    upstream_key: str
    was_in_doubt: bool


def claim(connection: Connection, asked: Wish, deadline: Deadline) -> Lease | Entry:
    """In one transaction: a lease on the reference, or the row as it stands if there is none to
    be had."""
    if len(asked.paywall.ids) <= 1:
        owned = _insert(connection, asked)
        if owned is not None:
            return owned
    entry = _find(connection, asked)
    if entry is None:
        owned = _insert(connection, asked)
        if owned is not None:
            return owned
        entry = _find(connection, asked)  # another call wrote it since we looked
    if entry is None:
        raise Unavailable("The reference is being written. Try again in a moment.")
    if entry.values_hash != asked.values_hash:
        raise ReferenceReused(
            f"This reference was used before for {entry.amount} and user {entry.user_id}. Use a "
            "new reference for another amount or user, or send the same values again.",
            field="reference",
            reference=asked.reference,
        )
    if entry.state in (DONE, UNKNOWN) or entry.leased:
        return entry
    in_doubt = entry.was_in_doubt or entry.state in (PENDING, IN_DOUBT)
    if in_doubt and entry.overdue:
        ledger_rows.give_up(connection, entry.id)
        log.error("ledger_unknown", ledger_id=entry.id, action=entry.action)
        return ledger_rows.get(connection, entry.id) or entry
    if deadline.left() < TAKE_OVER_NEEDS:
        raise StillInFlight(
            "There is too little time left to finish this now. Try again in a few seconds; it "
            "will not count twice.",
            reference=asked.reference,
            retry_after=2,
        )
    key = entry.upstream_key if in_doubt else asked.upstream_key(entry.try_number)
    token = ledger_rows.take_lease(connection, entry, upstream_key=key, in_doubt=in_doubt)
    return Lease(entry.id, token, key, in_doubt)


def _find(connection: Connection, asked: Wish) -> Entry | None:
    return ledger_rows.find(
        connection, asked.paywall.ids, asked.action.key, asked.reference, lock=True
    )


def _insert(connection: Connection, asked: Wish) -> Lease | None:
    key = asked.upstream_key(1)
    entry_id = ledger_rows.insert_intent(
        connection,
        paywall_id=asked.paywall.id,
        action=asked.action.key,
        reference=asked.reference,
        values_hash=asked.values_hash,
        user_id=asked.user,
        amount=asked.amount,
        upstream_key=key,
    )
    return None if entry_id is None else Lease(entry_id, 1, key, was_in_doubt=False)
