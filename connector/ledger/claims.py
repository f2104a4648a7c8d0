"""Taking a reference: in one transaction, a lease on it, or the row as it stands.

The decisions of the ledger that need the row locked (docs/exactly-once.md).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

import structlog
from sqlalchemy import Connection

from connector import jsontext
from connector.catalog.actions import Action, Values
from connector.catalog.lost_values import lost_reference
from connector.catalog.references import refuse_lost_reference
from connector.deadline import Deadline
from connector.errors import ReferenceReused, StillInDoubt, StillInFlight, Unavailable
from connector.ledger import evidence
from connector.money import plain
from connector.store import ledger_rows, try_rows, undecided_rows
from connector.store.ledger_rows import DONE, FREE, IN_DOUBT, PENDING, UNKNOWN, Entry
from connector.store.paywall_rows import Paywall
from connector.store.reference_spaces import spaced

TAKE_OVER_NEEDS = 6.0
"""Seconds that a waiter must have left to begin a try of its own."""

_OTHER_KEY_AFTER = 3600
_OTHER_KEY = (
    "It is not known yet whether this went through. It was sent under another Paywalls key, so it "
    "is not sent again under this one. Ask the connector's operator to look this reference up."
)
_CLOSED = (
    "It is not known yet whether this went through, and what was sent cannot be read. Ask the "
    "connector's operator to add the old secret to CONNECTOR_SECRET_KEYS, then send the same again."
)

log = structlog.get_logger(__name__)


class Sealing(Protocol):
    """What the ledger needs of encryption (connector.security.encryption)."""

    def seal(self, text: str) -> str:
        """`text`, encrypted."""

    def open(self, sealed: str) -> str | None:
        """What was sealed, or None under a secret that is not loaded."""


@dataclass(frozen=True)
class Sender:
    """Who calls: the fingerprints of the key that is sent upstream, the newest secret's first.

    `space`: the user in whose own space the references are, "" for the owner's. `reserve` counts
    an amount against what the caller may move; it is called in the transaction that takes the
    reference, with the id of its row, and raises what the caller is told if it is too much.
    """

    fingerprints: tuple[str, ...]
    sealing: Sealing = field(repr=False)
    space: str = ""
    reserve: Callable[[Connection, str, Decimal], None] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Intent:
    """One call of an exactly-once action; `same` are the values that make another one the same, and
    `notes` those that do not (a description, metadata)."""

    paywall: Paywall
    action: Action
    sender: Sender
    user: str
    amount: str
    reference: str
    same: tuple[str, ...]
    notes: Values = field(repr=False)

    @classmethod
    def of(cls, paywall: Paywall, action: Action, sender: Sender, values: Values) -> Intent:
        """The intent of a call with these values. Raises TypeError for an action that is not
        exactly-once."""
        rule = action.exactly_once
        if rule is None:
            raise TypeError(f"the action {action.key} is not exactly-once")
        told = {"user", "amount", "reference", *rule.same}
        return cls(
            paywall,
            action,
            sender,
            values["user"],
            plain(rule.amount(values)),
            values["reference"],
            rule.texts(values),
            {name: values[name] for name in values if name not in told},
        )

    @property
    def kept_reference(self) -> str:
        """The reference as the ledger keeps it."""
        return spaced(self.reference, self.sender.space)

    @property
    def values_hash(self) -> str:
        """Stands for `same`, to be compared."""
        return hashlib.sha256("\0".join(self.same).encode()).hexdigest()

    def sealed_notes(self) -> str:
        """The notes as the ledger keeps them until the row is decided; "" for none."""
        if not self.notes:
            return ""
        return self.sender.sealing.seal(jsontext.dumps(self.notes).decode())

    def upstream_key(self, try_number: int) -> str:
        """The same for the same intent, even from another database, so that upstream's own
        protection still holds when ours was lost."""
        space = (self.sender.space,) if self.sender.space else ()
        parts = (self.action.key, self.reference, *self.same, str(try_number), *space)
        return "pwc-" + hashlib.sha256("\0".join(parts).encode()).hexdigest()[:40]


@dataclass(frozen=True)
class Lease:
    """The right to try: the row, the fencing token, the key to send upstream and the notes of the
    first try; since how many seconds it is in doubt about a try without an answer."""

    entry_id: str
    token: int
    upstream_key: str
    notes: Values = field(repr=False)
    try_number: int = 1
    was_in_doubt: bool = False
    unanswered_seconds: int | None = None


def claim(connection: Connection, intent: Intent, deadline: Deadline) -> Lease | Entry:
    """In one transaction: a lease on the reference, or the row as it stands if there is none to
    be had."""
    if lost_reference(intent.reference):
        _refuse_unless_undecided(connection, intent)
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
        raise _reused(entry)
    if entry.state in (DONE, UNKNOWN) or entry.leased:
        return entry
    in_doubt = entry.was_in_doubt or entry.state in (PENDING, IN_DOUBT)
    if in_doubt:
        entry = evidence.prove(connection, intent.paywall.ids, entry)
        if entry.state == DONE:
            return entry
    if in_doubt and entry.overdue:
        undecided_rows.give_up(connection, entry.id)
        log.error(
            "ledger_unknown", ledger_id=entry.id, action=entry.action, reference=entry.reference
        )
        return ledger_rows.get(connection, entry.id) or entry
    if deadline.left() < TAKE_OVER_NEEDS:
        raise StillInFlight(
            "There is too little time left to finish this now. Try again in a few seconds; it "
            "will not count twice.",
            reference=intent.reference,
            retry_after=2,
        )
    if not in_doubt:
        _reserve(connection, intent, entry.id)
        return _lease(connection, intent, entry, intent.upstream_key(entry.try_number), None)
    if entry.sent_under and entry.sent_under not in intent.sender.fingerprints:
        raise StillInDoubt(_OTHER_KEY, reference=intent.reference, retry_after=_OTHER_KEY_AFTER)
    return _lease(connection, intent, entry, entry.upstream_key, entry.sent)


def _lease(
    connection: Connection, intent: Intent, entry: Entry, key: str, sent: str | None
) -> Lease:
    """A lease on a row that is there; `sent`: the sealed notes of a first try that is in doubt."""
    in_doubt = entry.was_in_doubt or entry.state in (PENDING, IN_DOUBT)
    notes = intent.notes
    if sent:
        opened = intent.sender.sealing.open(sent)
        if opened is None:
            raise Unavailable(_CLOSED)
        notes = jsontext.loads(opened)
    elif sent == "":
        notes = {}
    token = ledger_rows.take_lease(
        connection,
        entry,
        upstream_key=key,
        in_doubt=in_doubt,
        sent=intent.sealed_notes() if sent is None else sent,
        sent_under=(entry.sent_under if in_doubt else None) or intent.sender.fingerprints[0],
    )
    unanswered = entry.unanswered_seconds
    if entry.state == PENDING:  # a process that was lost with its answer may have sent until now
        unanswered = 0
        try_rows.write_lost(connection, entry)
    return Lease(entry.id, token, key, notes, entry.try_number, in_doubt, unanswered)


def _reused(entry: Entry) -> ReferenceReused:
    """While the call before is in doubt, a new reference could be a second charge for the same."""
    before = f"for {entry.amount} and user {entry.user_id}"
    if entry.state in (PENDING, IN_DOUBT):
        said = (
            f"This reference was used before {before}, and it is not known yet whether that went "
            "through. Send exactly those values again to find out; take a new reference only for "
            "something new."
        )
    else:
        said = (
            f"This reference was used before {before}. Use a new reference for another amount or "
            "user, or send the same values again."
        )
    return ReferenceReused(said, field="reference", reference=entry.reference)


def _refuse_unless_undecided(connection: Connection, intent: Intent) -> None:
    """Raises InvalidField for a lost reference, unless something under it is still undecided."""
    entry = _find(connection, intent)
    if entry is None or entry.state in (DONE, FREE):
        refuse_lost_reference(intent.reference)


def _find(connection: Connection, intent: Intent) -> Entry | None:
    return ledger_rows.find(
        connection, intent.paywall.ids, intent.action.key, intent.kept_reference, lock=True
    )


def _insert(connection: Connection, intent: Intent) -> Lease | None:
    key = intent.upstream_key(1)
    entry_id = ledger_rows.insert_intent(
        connection,
        paywall_id=intent.paywall.id,
        action=intent.action.key,
        reference=intent.kept_reference,
        values_hash=intent.values_hash,
        user_id=intent.user,
        amount=intent.amount,
        upstream_key=key,
        sent=intent.sealed_notes(),
        sent_under=intent.sender.fingerprints[0],
    )
    if entry_id is None:
        return None
    _reserve(connection, intent, entry_id)
    return Lease(entry_id, 1, key, intent.notes)


def _reserve(connection: Connection, intent: Intent, entry_id: str) -> None:
    """What the row is about is held until the row is decided; a row in doubt keeps what it holds.
    What is raised undoes the transaction, so that the reference stays as it was."""
    if intent.sender.reserve is not None:
        intent.sender.reserve(connection, entry_id, Decimal(intent.amount))
