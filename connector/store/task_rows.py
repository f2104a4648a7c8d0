"""Queries: all that is needed to send a claimed delivery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from connector.store import event_rows
from connector.store.event_rows import EventRow
from connector.store.hook_rows import ACTIVE
from connector.store.trigger_tables import deliveries, events, hooks


@dataclass(frozen=True)
class Task:
    """A claimed delivery with all that is needed to send it; `event` is None for a sample, and
    for an event that is not kept any more (then `event_seq` is set)."""

    id: str
    token: int
    tries: int
    hook_id: str
    paywall_id: str
    target_url: str
    target: str
    secret: str
    trigger: str
    user_id: str
    event_seq: int | None
    event: EventRow | None
    users: Mapping[str, str]


_own_columns = (
    deliveries.c.id,
    deliveries.c.tries,
    deliveries.c.hook_id,
    deliveries.c.paywall_id,
    hooks.c.target_url,
    hooks.c.target_hash,
    hooks.c.secret,
    hooks.c.trigger,
    hooks.c.user_id,
    deliveries.c.event_seq,
)


def load(connection: Connection, tokens: Mapping[str, int]) -> list[Task]:
    """The tasks of claimed deliveries (ids with their tokens) whose hooks are live."""
    event_columns = [events.c[name] for name in EventRow.__dataclass_fields__]
    rows = connection.execute(
        select(
            *_own_columns,
            *(column.label(f"event_{column.name}") for column in event_columns),
        )
        .join(hooks, hooks.c.id == deliveries.c.hook_id)
        .outerjoin(
            events,
            (events.c.paywall_id == deliveries.c.paywall_id)
            & (events.c.seq == deliveries.c.event_seq),
        )
        .where(deliveries.c.id.in_(tokens), hooks.c.state == ACTIVE)
    ).all()
    values: list[tuple[Any, ...]] = [tuple(row) for row in rows]
    own = len(_own_columns)
    event_of_task = {row[0]: EventRow(*row[own:]) for row in values if row[own] is not None}
    users = _users(connection, list(event_of_task.values()))
    return [
        Task(
            *(row[0], tokens[row[0]], *row[1:own], event_of_task.get(row[0]), users.get(row[3], {}))
        )
        for row in values
    ]


def _users(connection: Connection, rows: Sequence[EventRow]) -> dict[str, dict[str, str]]:
    """Who the users of these events are, by paywall and wallet."""
    wallets: dict[str, list[str]] = {}
    for row in rows:
        if not row.external_id:
            wallets.setdefault(row.paywall_id, []).append(row.wallet_id)
    return {
        paywall_id: dict(event_rows.users_of(connection, paywall_id, wallet_ids))
        for paywall_id, wallet_ids in wallets.items()
    }
