"""The connector's own event, `attention_needed`: one for each thing that needs somebody's
attention, once a day, kept and delivered like the events of upstream."""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import Connection

from connector import jsontext
from connector.catalog.events import ATTENTION_NEEDED
from connector.inbound.attention import told
from connector.inbound.envelope import InboundEvent
from connector.inbound.recording import record
from connector.store import Store, attention_rows, subscription_rows, undecided_rows
from connector.store.attention_rows import CHARGE_IN_DOUBT, CHARGE_UNKNOWN, Note

MOST_A_DAY = 20
"""So many transactions of a kind are announced a day for one paywall: after an outage of Paywalls
there may be thousands, and an event may be a mail. All of them are in the console."""
_AT_ONCE = 50


def announce(store: Store, retention: timedelta, console_url: str) -> int:
    """Make the events of what needs attention and has none yet; how many pushes they caused. Any
    number of processes may do this at the same time. Raises what `Store.write` raises."""
    store.write(_note_undecided)
    pushes = 0
    while True:
        found, pushed = store.write(
            lambda connection: _announce(connection, retention, console_url)
        )
        pushes += pushed
        if found < _AT_ONCE:
            return pushes


def _note_undecided(connection: Connection) -> None:
    for kind in (CHARGE_IN_DOUBT, CHARGE_UNKNOWN):
        left: dict[str, int] = {}
        for entry_id, paywall_id, user in undecided_rows.untold(connection, kind, MOST_A_DAY):
            if paywall_id not in left:
                today = attention_rows.count_today(connection, paywall_id, kind)
                left[paywall_id] = MOST_A_DAY - today
            if left[paywall_id] > 0:
                left[paywall_id] -= attention_rows.note(
                    connection, paywall_id, kind, entry_id, user
                )


def _announce(connection: Connection, retention: timedelta, console_url: str) -> tuple[int, int]:
    found = attention_rows.announce(connection, _AT_ONCE)
    events: dict[str, list[InboundEvent]] = {}
    for one in found:
        event = _event(connection, one.note, one.upstream_id, console_url)
        events.setdefault(one.root, []).append(event)
    pushes = 0
    for root in sorted(events):
        subscription_rows.ensure(connection, root)
        pushes += record(connection, root, events[root], retention)[1]
    return len(found), pushes


def _event(connection: Connection, note: Note, upstream_id: str, console_url: str) -> InboundEvent:
    shown = told(connection, note)
    what = "|".join((note.paywall_id, note.day, note.kind, note.subject))
    event_id = f"attention_{hashlib.sha256(what.encode()).hexdigest()[:32]}"
    body = {
        "id": event_id,
        "type": ATTENTION_NEEDED,
        "paywallId": upstream_id,
        "createdAt": shown.at.isoformat(),
        "data": {
            "cause": shown.kind,
            "message": shown.message,
            "externalUserId": shown.user,
            "reference": shown.reference,
            "transactionId": shown.transaction,
            "consoleUrl": console_url,
        },
    }
    return InboundEvent(
        id=event_id,
        type=ATTENTION_NEEDED,
        paywall_id=upstream_id,
        created_at=shown.at,
        wallet_id="",
        external_id=shown.user,
        body=jsontext.dumps(body).decode(),
    )
