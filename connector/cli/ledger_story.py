"""What `connector ledger show` tells of a row: its state, its tries, what events say about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import click
from sqlalchemy import Connection

from connector.catalog.verdicts import Verdict
from connector.ledger import ends, evidence
from connector.ledger.evidence import Evidence
from connector.store import ledger_rows, ledger_search, paywall_rows, try_rows
from connector.store.event_rows import EventRow
from connector.store.ledger_rows import Entry
from connector.store.ledger_search import Wanted
from connector.store.try_rows import TryRow

_SHOWN = "%Y-%m-%d %H:%M:%S"
_MOST_ROWS = 100
_STATES = {
    ledger_rows.PENDING: "It is being worked on right now.",
    ledger_rows.IN_DOUBT: "It is not known yet whether it went through. Sending the same reference "
    "again settles it, within 23 hours.",
    ledger_rows.FREE: "Nothing was taken. The reference may be used for another try.",
    ledger_rows.DONE: "It went through, once. Sent again it is answered as a duplicate.",
    ledger_rows.UNKNOWN: "Nobody can tell whether it went through. It is never sent again: look it "
    "up in the Paywalls dashboard, then `connector ledger resolve`.",
}


@dataclass(frozen=True)
class Story:
    """A row, its tries as far as they were written down, and what events say about it."""

    row: Entry
    tries: list[TryRow]
    evidence: Evidence


def find(connection: Connection, what: str) -> list[Story]:
    """The rows with this id or reference, oldest first."""
    row = ledger_rows.get(connection, what)
    rows = (
        [row]
        if row is not None
        else ledger_search.search(connection, Wanted(reference=what), _MOST_ROWS)
    )
    return [_story(connection, row) for row in rows]


def _story(connection: Connection, row: Entry) -> Story:
    told = Evidence()
    if state_of(row) in (ledger_rows.IN_DOUBT, ledger_rows.UNKNOWN):
        ids = paywall_rows.all_of(connection, row.paywall_id)
        told = evidence.about(connection, ids, row)
    return Story(row, try_rows.of(connection, row.id), told)


def echo(story: Story) -> None:
    """Print a story for a person."""
    row = story.row
    told = row_as_json(row)
    for name in ("id", "action", "reference", "user", "amount", "state", "outcome", "message"):
        if told[name]:
            click.echo(f"{name:<12}  {told[name]}")
    click.echo(f"{'made':<12}  {moment(row.created_at)} UTC")
    click.echo(f"{'first sent':<12}  {moment(row.first_sent_at)} UTC")
    click.echo(f"{'last change':<12}  {moment(row.updated_at)} UTC")
    click.echo(f"{'tries':<12}  {row.try_number}, the last under the key {row.upstream_key}")
    for one in story.tries:
        click.echo(
            f"{'':<12}  {moment(one.sent_at)} UTC, key {one.upstream_key[-6:]}: {ends.told(one)}"
        )
    if row.unanswered_seconds is not None:
        click.echo(f"{'no answer':<12}  to what was sent {row.unanswered_seconds} s ago")
    if story.evidence.proof:
        click.echo(f"{'proved by':<12}  {_event(story.evidence.proof)}")
    for event in story.evidence.fitting:
        click.echo(f"{'may be':<12}  {_event(event)}")
    click.echo(f"{'meaning':<12}  {_STATES[state_of(row)]}\n")


def as_json(story: Story) -> dict[str, object]:
    """A story for a program."""
    return row_as_json(story.row) | {
        "tries": [
            {
                "number": one.number,
                "upstream_key": one.upstream_key,
                "sent_at": one.sent_at.isoformat(),
                "ended_at": one.ended_at.isoformat(),
                "ended": one.ended,
            }
            for one in story.tries
        ],
        "proved_by": story.evidence.proof.event_id if story.evidence.proof else "",
        "may_be": [event.event_id for event in story.evidence.fitting],
    }


def row_as_json(row: Entry) -> dict[str, object]:
    """A row for a program."""
    verdict = Verdict.from_json(row.answer) if row.answer else Verdict(result={})
    result = verdict.result or {}
    told = result.get("message") or (verdict.error.message if verdict.error else "")
    return {
        "id": row.id,
        "paywall": row.paywall_id,
        "action": row.action,
        "reference": row.reference,
        "user": row.user_id,
        "amount": row.amount,
        "state": state_of(row),
        "outcome": str(result.get("outcome", "")),
        "message": str(told),
        "try": row.try_number,
        "upstream_key": row.upstream_key,
        "first_sent_at": row.first_sent_at.isoformat(),
        "created_at": row.created_at.isoformat(),
        "updated_at": row.updated_at.isoformat(),
    }


def state_of(row: Entry) -> str:
    """As it is by now: what was being worked on when its process died is in doubt."""
    if row.state == ledger_rows.PENDING and not row.leased:
        return ledger_rows.IN_DOUBT
    return row.state


def moment(when: datetime) -> str:
    """A time as people read it, in UTC."""
    return when.astimezone(UTC).strftime(_SHOWN)


def _event(event: EventRow) -> str:
    return f"event {event.event_id}, {event.type}, received {moment(event.received_at)} UTC"
