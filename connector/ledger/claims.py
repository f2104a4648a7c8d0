"""Taking a reference: in one transaction, a lease on it, or the row as it stands.

The decisions of the ledger that need the row locked (docs/exactly-once.md).
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
class Intent:
    """One call of an exactly-once action; `same` are the values that make another one the same."""

    paywall: Paywall
    action: Action
    user: str
    amount: str
    reference: str
    same: tuple[str, ...]

    @property
    def values_hash(self) -> str:
        """Stands for `same`, to be compared."""
        return hashlib.sha256("\0".join(self.same).encode()).hexdigest()

    def upstream_key(self, try_number: int) -> str:
        """The same for the same intent, even from another database, so that upstream's own
        protection still holds when ours was lost."""
        parts = (self.action.key, self.reference, *self.same, str(try_number))
        return "pwc-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Lease:
    """The right to try: the row, the fencing token, and the key to send upstream."""

    entry_id: str
    token: int
    upstream_key: str
    was_in_doubt: bool


def claim(connection: Connection, intent: Intent, deadline: Deadline) -> Lease | Entry:
    """In one transaction: a lease on the reference, or the row as it stands if there is none to
    be had."""
    if len(intent.paywall.ids) <= 1:
        owned = _insert(connection, intent)
        if owned is not None:
            return owned
    entry = _find(connection, intent)
    if entry is None:
        owned = _insert(connection, intent)
        if owned is not None:
            return owned
        entry = _find(connection, intent)  # another call wrote it since we looked
    if entry is None:
        raise Unavailable("The reference is being written. Try again in a moment.")
    if entry.values_hash != intent.values_hash:
        raise ReferenceReused(
            f"This reference was used before for {entry.amount} and user {entry.user_id}. Use a "
            "new reference for another amount or user, or send the same values again.",
            field="reference",
            reference=intent.reference,
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
            reference=intent.reference,
            retry_after=2,
        )
    key = entry.upstream_key if in_doubt else intent.upstream_key(entry.try_number)
    token = ledger_rows.take_lease(connection, entry, upstream_key=key, in_doubt=in_doubt)
    return Lease(entry.id, token, key, in_doubt)


def _find(connection: Connection, intent: Intent) -> Entry | None:
    return ledger_rows.find(
        connection, intent.paywall.ids, intent.action.key, intent.reference, lock=True
    )


def _insert(connection: Connection, intent: Intent) -> Lease | None:
    key = intent.upstream_key(1)
    entry_id = ledger_rows.insert_intent(
        connection,
        paywall_id=intent.paywall.id,
        action=intent.action.key,
        reference=intent.reference,
        values_hash=intent.values_hash,
        user_id=intent.user,
        amount=intent.amount,
        upstream_key=key,
    )
    return None if entry_id is None else Lease(entry_id, 1, key, was_in_doubt=False)
