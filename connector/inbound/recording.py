"""Recording events: keep each once, number the new ones, put them into the outbox; all in the
caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from connector.inbound.envelope import InboundEvent
from connector.store import clock, delivery_rows, event_rows, hook_rows, paywall_rows

_JUST_NOW = timedelta(hours=1)
_ROTATED = "paywall.secret.rotated"


def record(
    connection: Connection, paywall_id: str, events: Sequence[InboundEvent], retention: timedelta
) -> tuple[list[str], int]:
    """Keep events of a local paywall, in the caller's transaction: what became of each (stored,
    duplicate, too_old) and how many pushes they caused. New ones are numbered in the given order.

    A purged event never returns: who is older than the retention is acknowledged and dropped.
    Every transaction takes its locks in one order (pairs, events, the counter, each sorted), so
    that two never wait for each other.
    """
    pairs = {event.wallet_id: event.external_id for event in events if event.external_id}
    for wallet_id, external_id in sorted(pairs.items()):
        event_rows.learn_pair(connection, paywall_id, wallet_id, external_id)
    oldest = _oldest(connection, events, retention)
    results = {event.id: "too_old" for event in events}
    inserted: dict[str, int] = {}
    for event in sorted(events, key=lambda event: event.id):
        if event.created_at < oldest:
            continue
        row_id = event_rows.insert_new(
            connection,
            paywall_id,
            event_id=event.id,
            type=event.type,
            created_at=event.created_at,
            wallet_id=event.wallet_id,
            external_id=event.external_id,
            body=event.body,
        )
        results[event.id] = "duplicate" if row_id is None else "stored"
        if row_id is not None:
            inserted[event.id] = row_id
    new = [event for event in events if event.id in inserted]
    numbers = event_rows.number(connection, paywall_id, [inserted[event.id] for event in new])
    for rotated in {event.paywall_id for event in new if event.type == _ROTATED}:
        paywall_rows.distrust_all_of(connection, rotated)
    pushed = _announce(connection, paywall_id, dict(zip(numbers, new, strict=True)))
    return [results[event.id] for event in events], pushed


def _oldest(
    connection: Connection, events: Sequence[InboundEvent], retention: timedelta
) -> datetime:
    """When the retention begins, by the database's clock. It is asked only where this machine's own
    does not say that all are of just now."""
    here = datetime.now(UTC)
    if all(abs(here - event.created_at) < _JUST_NOW for event in events):
        return here - retention
    return clock.moment(connection) - retention


def _announce(connection: Connection, paywall_id: str, new: Mapping[int, InboundEvent]) -> int:
    """Put new events, by number, into the outbox; how many pushes they caused."""
    if not new or not hook_rows.any_live(connection, paywall_id):
        return 0
    return sum(
        delivery_rows.fan_out(
            connection,
            paywall_id,
            event_seq=seq,
            event_id=event.id,
            type=event.type,
            wallet_id=event.wallet_id,
            external_id=event.external_id,
        )
        for seq, event in new.items()
    )
