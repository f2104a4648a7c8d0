"""What events say about a row in doubt (docs/exactly-once.md).

An event that names the row's own upstream key, or its reference with its user and amount, proves
that it happened. One that only fits by user and amount and that no other row explains proves
nothing, but it keeps the next upstream key from being sent. That there is none proves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import structlog
from sqlalchemy import Connection

from connector import jsontext
from connector.catalog import outcomes
from connector.catalog.actions import actions, by_key
from connector.catalog.verdicts import Verdict
from connector.ledger import ends, settled
from connector.store import (
    event_rows,
    evidence_rows,
    ledger_rows,
    ledger_search,
    paywall_rows,
    try_rows,
    undecided_rows,
)
from connector.store.event_rows import EventRow
from connector.store.ledger_rows import DONE, IN_DOUBT, UNKNOWN, Entry

_AT_A_TIME = 500

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Evidence:
    """`proof`: an event by which the row happened; `fitting`: those that may be about it."""

    proof: EventRow | None = None
    fitting: tuple[EventRow, ...] = ()


def about(connection: Connection, ids: Sequence[str], entry: Entry) -> Evidence:
    """What events of the local paywalls `ids` say about a row."""
    action = by_key(entry.action)
    rule = action.exactly_once if action else None
    if rule is None or not rule.proof:
        return Evidence()
    since = entry.first_sent_at - evidence_rows.ON_ITS_WAY
    rows = evidence_rows.received(connection, ids, [rule.proof], entry.user_id, since)
    told = [(row, jsontext.loads(row.body)) for row in rows]
    amount = Decimal(entry.amount)
    for row, event in told:
        if row.received_at >= entry.first_sent_at and entry.upstream_key in _texts(event):
            return Evidence(proof=row)
    users = event_rows.users_of(connection, ids[0], [row.wallet_id for row in rows])
    same = [(row, event) for row, event in told if _amount(event) == amount]
    maybe = [pair for pair in same if _user(pair[0], users, entry.user_id) in ("", entry.user_id)]
    theirs = [row for row, _ in same if _user(row, users, entry.user_id) == entry.user_id]
    named = [row for row, event in maybe if entry.reference in _references(event)]
    alike = [
        one.key for one in actions() if one.exactly_once and one.exactly_once.proof == rule.proof
    ]
    explained = evidence_rows.done_beside(connection, ids, entry, alike, since)
    if len(named) == 1 and not explained and named[0].received_at >= entry.first_sent_at:
        return Evidence(proof=named[0])
    fitting = tuple(row for row in theirs if row.received_at >= entry.first_sent_at)
    return Evidence(fitting=fitting if len(theirs) > explained else ())


def prove(connection: Connection, ids: Sequence[str], entry: Entry) -> Entry:
    """The row as it is after it was decided by an event that proves it, if there is one."""
    proof = about(connection, ids, entry).proof
    action = by_key(entry.action)
    if proof is None or action is None:
        return entry
    verdict = happened(next(iter(action.outcomes)), "This was confirmed by an event from Paywalls.")
    undecided_rows.decide(connection, entry.id, DONE, verdict.to_json())
    settled.row_went_through(connection, entry)
    try_rows.write_decision(connection, entry, ends.decided_by(ends.EVENT, happened=True))
    log.info(
        "ledger_proved",
        ledger_id=entry.id,
        action=entry.action,
        reference=entry.reference,
        event_id=proof.event_id,
    )
    return ledger_rows.get(connection, entry.id) or entry


def prove_all(connection: Connection) -> int:
    """Decide the rows in doubt or unknown that an event proves, of the newest ones; how many."""
    wanted = ledger_search.Wanted((IN_DOUBT, UNKNOWN))
    proved = 0
    for entry in ledger_search.search(connection, wanted, _AT_A_TIME):
        ids = paywall_rows.all_of(connection, entry.paywall_id)
        proved += prove(connection, ids, entry).state == DONE
    return proved


def happened(outcome: str, message: str) -> Verdict:
    """The verdict of a row of which it became known, without upstream's own answer, that it
    happened; or, with the outcome `unknown`, that it did not."""
    return Verdict(
        result={"success": outcome != outcomes.UNKNOWN, "outcome": outcome, "message": message}
    )


def _user(row: EventRow, users: Mapping[str, str], asked: str) -> str:
    """Whose event it is; "" if nobody knows. Where the paywall keeps the balances itself a wallet
    has its user's own id."""
    known = row.external_id or users.get(row.wallet_id, "")
    return known or (asked if row.wallet_id == asked else "")


def _amount(event: Any) -> Decimal | None:
    data = event.get("data")
    given = data.get("amount") if isinstance(data, dict) else None
    try:
        return Decimal(str(given))
    except InvalidOperation:
        return None


def _references(event: Any) -> set[str]:
    """What an event gives as its reference, at any depth."""
    return {text for name, text in _named(event) if name.replace("_", "").lower() == "reference"}


def _texts(event: Any) -> set[str]:
    return {text for _, text in _named(event)}


def _named(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a JSON value, with the name it has."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _named(inner, str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from _named(inner, name)
    elif isinstance(value, str):
        yield name, value
