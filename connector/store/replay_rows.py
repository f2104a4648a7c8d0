"""Queries: sending once more what was sent before, or never.

A row is put into the outbox again under its old id, from the start of the schedule; an event that
has none yet gets one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    func,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from connector.store.delivery_rows import COLUMNS, fresh, row_id
from connector.store.hook_rows import Hook
from connector.store.outbox_rows import FAILED, PENDING
from connector.store.timestamps import now
from connector.store.trigger_tables import deliveries, events, user_pairs
from connector.store.upsert import insert_for

REPLAY_MAX = 5_000
"""How many events one call replays at most."""


def replay_one(connection: Connection, delivery_id: str) -> None:
    """Send one delivery once more; at once, if it is waiting for that already. If it is under way
    right now, it is sent again as soon as that push has failed; a success counts for both."""
    connection.execute(
        update(deliveries).where(deliveries.c.id == delivery_id).values(**_again(now()))
    )


def replay_failed(connection: Connection, hook_id: str, since: datetime | None) -> int:
    """Send at most `REPLAY_MAX` of a hook's failed deliveries once more, the oldest first."""
    chosen = [deliveries.c.hook_id == hook_id, deliveries.c.state == FAILED]
    if since is not None:
        chosen.append(deliveries.c.created_at >= since)
    ids = select(deliveries.c.id).where(*chosen).order_by(deliveries.c.created_at).limit(REPLAY_MAX)
    return connection.execute(
        update(deliveries).where(deliveries.c.id.in_(ids)).values(**_again(now()))
    ).rowcount


def replay_since(
    connection: Connection, hook: Hook, type: str, since: datetime
) -> tuple[int, datetime | None]:
    """Send every kept event of a hook's trigger (`type` "" for all) received since a moment, also
    those that came while the hook was off: how many, and where to go on if there are more than
    `REPLAY_MAX`."""
    chosen: list[ColumnElement[bool]] = [
        events.c.paywall_id == hook.paywall_id,
        events.c.received_at >= since,
        events.c.seq.is_not(None),
    ]
    if type:
        chosen.append(events.c.type == type)
    if hook.user_id:
        chosen.append(_is_of(hook.paywall_id, hook.user_id))
    page = (
        select(events.c.seq, events.c.event_id, events.c.received_at)
        .where(*chosen)
        .order_by(events.c.received_at, events.c.seq)
        .limit(REPLAY_MAX + 1)
    )
    matches = connection.execute(page).all()
    more = matches[-1].received_at if len(matches) > REPLAY_MAX else None
    kept = page.limit(REPLAY_MAX).subquery()
    place = func.row_number().over(order_by=kept.c.seq).cast(Integer)
    rows = select(
        row_id(connection),
        *(literal(hook.paywall_id), literal(hook.id), kept.c.seq, kept.c.event_id),
        *fresh(now() + place),  # microseconds: the older goes first
    ).where(literal_column("1") == 1)
    insert = insert_for(connection.dialect.name)
    put = insert(deliveries).from_select(COLUMNS, rows).execution_options(preserve_rowcount=True)
    sent = connection.execute(
        put.on_conflict_do_update(
            index_elements=[deliveries.c.hook_id, deliveries.c.event_seq],
            set_=_again(put.excluded.next_at),
            where=deliveries.c.state != PENDING,
        )
    )
    return sent.rowcount, more


def _again(due: ColumnElement[Any]) -> dict[str, Any]:
    """What changes in a row that is put into the outbox again."""
    token = deliveries.c.token + 1
    return {"state": PENDING, "tries": 0, "next_at": due, "token": token, "updated_at": now()}


def _is_of(paywall_id: str, user_id: str) -> ColumnElement[bool]:
    """Whether an event is known to be of a user."""
    wallets = select(user_pairs.c.wallet_id).where(
        user_pairs.c.paywall_id == paywall_id, user_pairs.c.external_id == user_id
    )
    return or_(
        events.c.external_id == user_id,
        and_(events.c.external_id == "", events.c.wallet_id.in_(wallets)),
    )
