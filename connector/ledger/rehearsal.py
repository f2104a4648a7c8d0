"""Test runs: what taking a reference would come to, found by taking it and undoing that.

So a test run goes by the same rules as a call that counts. Nothing stays of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import Connection

from connector.catalog.actions import Action, Values
from connector.catalog.verdicts import Verdict
from connector.deadline import Deadline
from connector.ledger.claims import claim, find, reused
from connector.ledger.intents import Intent, Lease, NotForSale, Pricing, Sender
from connector.store import Store
from connector.store.ledger_rows import DONE, FREE, Entry
from connector.store.paywall_rows import Paywall


@dataclass(frozen=True)
class Rehearsed:
    """What would be sent, or how the reference stands.

    `amount` is what would be moved, 0 for what is free. `before` is how the reference ended if it
    was used already, `undecided` that it was and nobody knows yet how; `refusal` what the caller
    would be told because the price cannot be made.
    """

    amount: Decimal
    told: Values
    before: Verdict | None = None
    undecided: bool = False
    refusal: Values | None = None


class _Undone(Exception):
    """Undoes the transaction in which a reference was taken."""

    def __init__(self, amount: Decimal) -> None:
        super().__init__()
        self.amount = amount


class _Known(Exception):
    """Ends the transaction in which a reference was found that is not free."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry


def rehearse(
    store: Store,
    paywall: Paywall,
    action: Action,
    values: Values,
    deadline: Deadline,
    sender: Sender,
    pricing: Pricing | None,
) -> Rehearsed:
    """What `exactly_once.run` would send for these values.

    Raises ReferenceReused, Unavailable, or what the caller must not move.
    """
    intent = Intent.of(paywall, action, sender, values, pricing)

    def take(connection: Connection) -> None:
        entry = find(connection, intent)
        if entry is not None and entry.values_hash != intent.values_hash:
            raise reused(entry, intent)
        if entry is not None and entry.state != FREE:
            raise _Known(entry)
        claimed = claim(connection, intent, deadline)
        raise _Undone(claimed.amount if isinstance(claimed, Lease) else Decimal(0))

    try:
        store.write(take)
    except _Undone as undone:
        return Rehearsed(undone.amount, intent.told)
    except _Known as known:
        entry = known.entry
        done = entry.state == DONE and entry.answer
        before = Verdict.from_json(entry.answer or "") if done else None
        return Rehearsed(Decimal(entry.amount), intent.told, before, undecided=before is None)
    except NotForSale as refusal:
        return Rehearsed(Decimal(0), intent.told, refusal=refusal.result)
    raise AssertionError("a transaction that always raises has ended")
