"""Taking a reference: in one transaction, a lease on it, or the row as it stands.

The decisions of the ledger that need the row locked (docs/exactly-once.md).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import structlog
from sqlalchemy import Connection

from connector import jsontext
from connector.catalog import outcomes
from connector.catalog.lost_values import lost_reference
from connector.catalog.references import refuse_lost_reference
from connector.catalog.verdicts import Verdict
from connector.deadline import Deadline
from connector.errors import ReferenceReused, StillInDoubt, StillInFlight, Unavailable
from connector.ledger import evidence, settled
from connector.ledger.intents import Intent, Lease
from connector.money import plain
from connector.store import ledger_rows, sum_rows, try_rows, undecided_rows
from connector.store.ledger_rows import DONE, FREE, IN_DOUBT, PENDING, UNKNOWN, Entry

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


def may_be_first(intent: Intent) -> bool:
    """Whether `first` can tell: a reference that is taken without a look at others."""
    alone = intent.order is not None and len(intent.paywall.ids) <= 1
    return alone and not lost_reference(intent.reference)


def first(connection: Connection, intent: Intent) -> Lease | Verdict | None:
    """A lease on a reference that nobody has used; None, with nothing written, for another one."""
    return _insert(connection, intent)


def claim(connection: Connection, intent: Intent, deadline: Deadline) -> Lease | Entry | Verdict:
    """In one transaction: a lease on the reference; or the row as it stands if there is none to
    be had; or how it ended right now, because its price is nothing.

    Raises NotForSale, or what the caller must not move.
    """
    if lost_reference(intent.reference):
        _refuse_unless_undecided(connection, intent)
    if len(intent.paywall.ids) <= 1:
        owned = _insert(connection, intent)
        if owned is not None:
            return owned
    entry = find(connection, intent)
    if entry is None:
        owned = _insert(connection, intent)
        if owned is not None:
            return owned
        entry = find(connection, intent)  # another call wrote it since we looked
    if entry is None:
        raise Unavailable("The reference is being written. Try again in a moment.")
    if entry.values_hash != intent.values_hash:
        raise reused(entry, intent)
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
        key = intent.upstream_key(entry.try_number, Decimal(intent.amount))
        return _held(connection, intent, _lease(connection, intent, entry, key, None))
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
    amount = Decimal(entry.amount)
    return Lease(entry.id, token, amount, key, notes, entry.try_number, in_doubt, unanswered)


def reused(entry: Entry, intent: Intent) -> ReferenceReused:
    """What is told to who sends a reference with other values.

    While the call before is in doubt, a new reference could be a second charge for the same.
    """
    before = f"for {entry.amount} and user {entry.user_id}"
    other = "another amount or user"
    if intent.pricing is not None and intent.pricing.refund_of:
        before = f"to give {entry.amount} back to user {entry.user_id}"
        other = "another refund"
    elif intent.pricing is not None:
        before = (
            f"for user {entry.user_id}, with a feature, quantity or user that is another one now"
        )
        other = "something else"
    if entry.state in (PENDING, IN_DOUBT):
        said = (
            f"This reference was used before {before}, and it is not known yet whether that went "
            "through. Send exactly those values again to find out; take a new reference only for "
            "something new."
        )
    else:
        said = (
            f"This reference was used before {before}. Use a new reference for {other}, or send "
            "the same values again."
        )
    return ReferenceReused(said, field=intent.key_field, reference=entry.reference)


def _refuse_unless_undecided(connection: Connection, intent: Intent) -> None:
    """Raises InvalidField for a lost reference, unless something under it is still undecided."""
    entry = find(connection, intent)
    if entry is None or entry.state in (DONE, FREE):
        refuse_lost_reference(intent.reference, intent.key_field)


def find(connection: Connection, intent: Intent) -> Entry | None:
    """The row of the reference, locked; None if there is none."""
    return ledger_rows.find(
        connection, intent.paywall.ids, intent.action.key, intent.kept_reference, lock=True
    )


def _insert(connection: Connection, intent: Intent) -> Lease | Verdict | None:
    amount = Decimal(intent.amount)
    key = intent.upstream_key(1, amount)
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
        feature=intent.pricing.feature if intent.pricing else None,
        refund_of=intent.pricing.refund_of if intent.pricing else None,
        description=intent.description,
    )
    if entry_id is None:
        return None
    return _held(connection, intent, Lease(entry_id, 1, amount, key, intent.notes))


def _held(connection: Connection, intent: Intent, owned: Lease) -> Lease | Verdict:
    """What a row is about is priced, and held until the row is decided; a row in doubt keeps what
    it holds. What costs nothing is done. What is raised undoes the transaction, so that the
    reference stays as it was."""
    if intent.pricing is not None:
        amount = intent.pricing.price(connection, owned.entry_id)
        key = intent.upstream_key(owned.try_number, amount)
        ledger_rows.set_price(connection, owned.entry_id, plain(amount), key)
        owned = replace(owned, amount=amount, upstream_key=key)
    if intent.sender.reserve is not None and owned.amount:
        intent.sender.reserve(connection, owned.entry_id, owned.amount)
    return owned if owned.amount else _free(connection, intent, owned)


def _free(connection: Connection, intent: Intent, owned: Lease) -> Verdict:
    verdict = Verdict(
        result={"success": True, "outcome": outcomes.FREE, "message": "This one is free."}
    )
    ledger_rows.settle(
        connection,
        owned.entry_id,
        owned.token,
        state=DONE,
        answer=verdict.to_json(),
        upstream_key=owned.upstream_key,
    )
    sum_rows.add(connection, [settled.went_through(connection, intent, owned.amount)])
    return verdict
