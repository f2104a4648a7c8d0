"""Exactly once: what stands between a builder's retry and a second charge.

Commit the intent, call upstream outside any transaction, commit the answer under a fencing token.
A reference whose outcome is not known keeps its upstream key until upstream would have forgotten
it, and is never sent again after that (docs/exactly-once.md).
"""

from __future__ import annotations

import time
from collections.abc import Callable

import structlog
from sqlalchemy import Connection

from connector.catalog import outcomes
from connector.catalog.actions import Action, Values, by_key
from connector.catalog.verdicts import Verdict
from connector.deadline import Deadline
from connector.errors import StillInFlight
from connector.ledger import ends, evidence, settled, tries
from connector.ledger.claims import claim, first, may_be_first
from connector.ledger.intents import Intent, Lease, NotForSale, Pricing, Sender
from connector.ledger.waiting import Waiting
from connector.money import plain
from connector.store import Store, counter_rows, ledger_rows, try_rows, undecided_rows
from connector.store.ledger_rows import DONE, FREE, PENDING, UNKNOWN, Entry
from connector.store.paywall_rows import Paywall
from connector.telemetry.metrics import ledger_answered

_waiting = Waiting()

log = structlog.get_logger(__name__)


def run(
    store: Store,
    paywall: Paywall,
    action: Action,
    values: Values,
    perform: Callable[[tries.Try], Values],
    deadline: Deadline,
    sender: Sender,
    doubt_seconds: int,
    pricing: Pricing | None = None,
) -> Values:
    """Make `perform` happen once for the reference in `values`; its result, or the one it had
    before (then with `duplicate` true).

    `doubt_seconds` after a try without an answer, an upstream key that only replays a "no" is
    given up for the next one; `pricing` makes the price of a priced action. Raises ReferenceReused,
    StillInFlight, StillInDoubt, Unavailable, or what `perform` raises.
    """
    intent = Intent.of(paywall, action, sender, values, pricing)
    while True:
        began = time.monotonic()
        try:
            claimed = _claimed(store, intent, deadline)
        except NotForSale as refusal:
            return _answer(intent, Verdict(result=refusal.result), "0", duplicate=False)
        if isinstance(claimed, Verdict):
            return _answer(intent, claimed, "0", duplicate=False)
        if isinstance(claimed, Lease):
            own, kept = tries.make(store, intent, claimed, perform, began, deadline, doubt_seconds)
            if kept or own.final:
                return _answer(intent, own, plain(claimed.amount), duplicate=not kept)
            continue  # the lease was lost: what counts is what the other try finds out
        others = _decided(claimed) or _wait(store, claimed, intent.reference, deadline)
        if others is not None:
            return _answer(intent, others, claimed.amount, duplicate=True)


def _claimed(store: Store, intent: Intent, deadline: Deadline) -> Lease | Entry | Verdict:
    """What `claim` gives; a new reference, as most are, shares its commit with others."""
    if may_be_first(intent):
        new = store.write_shared(lambda connection: first(connection, intent), intent.order)
        if new is not None:
            return new
    return store.write(lambda connection: claim(connection, intent, deadline))


def _wait(store: Store, entry: Entry, reference: str, deadline: Deadline) -> Verdict | None:
    """The verdict of the try that holds the lease, or None when the lease ended without one.

    Raises StillInFlight when the time is up.
    """
    seen = _waiting.until_settled(store, entry, deadline)
    if seen is None:
        raise StillInFlight(
            "The same reference is still being worked on. Try again in a few seconds; it will not "
            "count twice.",
            reference=reference,
            retry_after=5,
        )
    if seen.state == PENDING:
        return None
    return _decided(seen) or (Verdict.from_json(seen.answer) if seen.answer else None)


def resolve(store: Store, entry_id: str, *, happened: bool, who: str) -> Entry | None:
    """A person's decision on a row that is in doubt or unknown: it did or did not happen. `who` is
    one of `connector.ledger.ends`.

    The row as it is then; None if there is none in doubt with this id. Raises LookupError for a
    row of an action that this connector does not have: nothing would tell its outcome.
    """

    def decide(connection: Connection) -> Entry | None:
        entry = ledger_rows.get(connection, entry_id, lock=True)
        if entry is None or entry.leased or entry.state in (DONE, FREE):
            return None
        action = by_key(entry.action)
        if action is None:
            raise LookupError(f"there is no action called {entry.action}")
        verdict = (
            evidence.happened(next(iter(action.outcomes)), "This was confirmed by hand.")
            if happened
            else evidence.happened(outcomes.UNKNOWN, "This did not happen.")
        )
        undecided_rows.decide(connection, entry_id, DONE if happened else FREE, verdict.to_json())
        try_rows.write_decision(connection, entry, ends.decided_by(who, happened=happened))
        if happened:
            settled.row_went_through(connection, entry)
        else:
            counter_rows.give_back(connection, entry_id)
        return ledger_rows.get(connection, entry_id)

    return store.write(decide)


def _decided(entry: Entry) -> Verdict | None:
    """The verdict of a row that no try can change, or None."""
    if entry.state == DONE and entry.answer:
        return Verdict.from_json(entry.answer)
    if entry.state == UNKNOWN:
        return Verdict(
            result={
                "success": False,
                "outcome": outcomes.UNKNOWN,
                "message": "It is not known whether this went through. Please contact support "
                f"and name the reference {entry.reference}.",
            }
        )
    return None


def _answer(intent: Intent, verdict: Verdict, amount: str, *, duplicate: bool) -> Values:
    """The action's result with the values it was asked with and its amount, or the error raised."""
    if verdict.error is not None:
        verdict.error.reference = intent.reference
        ledger_answered(intent.action.key, verdict.error.code)
        raise verdict.error
    result = verdict.result or {}
    duplicate = duplicate and (verdict.final or result.get("outcome") == outcomes.REFUNDED)
    ledger_answered(intent.action.key, "duplicate" if duplicate else str(result.get("outcome")))
    return result | intent.told | {"amount": amount, "duplicate": duplicate}
