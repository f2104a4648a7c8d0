"""What happened to one transaction: its tries, its doubt, its refunds, the events about it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from connector.api.authentication import Caller
from connector.api.services import Services
from connector.api.transactions import shown_row
from connector.catalog.actions import Values, by_key
from connector.errors import NotFound
from connector.ledger import ends, evidence, exactly_once
from connector.store import ledger_rows, refund_rows, try_rows
from connector.store.ledger_rows import DONE, IN_DOUBT, PENDING, UNKNOWN, Entry
from connector.triggers.items import shown


@dataclass(frozen=True)
class Story:
    """A transaction as it is listed, with what came of it step by step, the newest last."""

    row: Values
    steps: tuple[tuple[str, str], ...]
    undecided: bool
    refundable: bool
    refunds: tuple[Values, ...]
    paid: Values | None


def story(parts: Services, caller: Caller, entry_id: str) -> Story:
    """The story of a transaction of the caller's paywall. Raises NotFound for any other."""

    def read(connection: Connection) -> Story:
        entry = own_row(connection, caller, entry_id)
        tries = try_rows.of(connection, entry.id)
        told = evidence.about(connection, caller.paywall.ids, entry) if _open(entry) else None
        paid = ledger_rows.get(connection, entry.refund_of) if entry.refund_of else None
        steps = [(shown(entry.created_at), f"Asked for: {entry.action} of {entry.amount}.")]
        for one in tries:
            steps.append((shown(one.sent_at), ends.told(one)))
        for event in [told.proof, *told.fitting] if told else []:
            if event is not None:
                steps.append((shown(event.received_at), f"Event {event.event_id} may be about it."))
        steps.append((shown(entry.updated_at), str(shown_row(entry)["explanation"])))
        action = by_key(entry.action)
        rule = action.exactly_once if action else None
        return Story(
            row=shown_row(entry),
            steps=tuple(steps),
            undecided=_open(entry) and not entry.leased,
            refundable=bool(rule and rule.refundable and entry.state == DONE),
            refunds=tuple(shown_row(row) for row in refund_rows.of(connection, entry.id)),
            paid=shown_row(paid) if paid else None,
        )

    return parts.store.read(read)


def decide(parts: Services, caller: Caller, entry_id: str, *, happened: bool) -> bool:
    """The owner's word on a transaction that is not decided; False where it is by now.

    Raises NotFound for one of another paywall.
    """
    parts.store.read(lambda connection: own_row(connection, caller, entry_id))
    return (
        exactly_once.resolve(parts.store, entry_id, happened=happened, who=ends.OWNER) is not None
    )


def own_row(connection: Connection, caller: Caller, entry_id: str) -> Entry:
    """A row of the caller's paywall, and of the one user of a token. Raises NotFound."""
    entry = ledger_rows.get(connection, entry_id)
    if (
        entry is None
        or entry.paywall_id not in caller.paywall.ids
        or (caller.user and entry.user_id != caller.user)
    ):
        raise NotFound("There is no such transaction. Look for it by its reference instead.")
    return entry


def _open(entry: Entry) -> bool:
    return entry.state in (IN_DOUBT, PENDING, UNKNOWN)
