"""Queries: events, kept once each and numbered in commit order, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Executable,
    Select,
    bindparam,
    delete,
    func,
    select,
    update,
)

from connector.store.prepared import Prepared
from connector.store.timestamps import fixed, now
from connector.store.trigger_tables import events, subscriptions, unreadable, user_pairs
from connector.store.upsert import insert_for


@dataclass(frozen=True)
class EventRow:
    """A stored event: `body` is upstream's JSON text of the bare event."""

    paywall_id: str
    seq: int
    event_id: str
    type: str
    created_at: datetime
    received_at: datetime
    wallet_id: str
    external_id: str
    body: str


_columns = [events.c[name] for name in EventRow.__dataclass_fields__]

_given = "paywall_id event_id type created_at wallet_id external_id body"
_insert = Prepared(
    lambda dialect: (
        insert_for(dialect)(events)
        .values({name: bindparam(name) for name in _given.split()} | {"received_at": now()})
        .on_conflict_do_nothing()
        .returning(events.c.id)
    )
)
_count_on = Prepared(
    lambda _: (
        update(subscriptions)
        .where(subscriptions.c.paywall_id == bindparam("paywall"))
        .values(last_seq=subscriptions.c.last_seq + bindparam("count"))
        .returning(subscriptions.c.last_seq)
    )
)
_number = Prepared(
    lambda _: (
        update(events)
        .where(events.c.id == bindparam("row_id"))
        .values(seq=bindparam("number"), received_at=now())
    )
)


def _learning(dialect: str) -> Executable:
    names = ("paywall_id", "wallet_id", "external_id")
    known = insert_for(dialect)(user_pairs).values(**{name: bindparam(name) for name in names})
    return known.on_conflict_do_update(
        index_elements=[user_pairs.c.paywall_id, user_pairs.c.wallet_id],
        set_={"external_id": known.excluded.external_id},
        where=user_pairs.c.external_id != known.excluded.external_id,
    )


_learn = Prepared(_learning)


def insert_new(
    connection: Connection,
    paywall_id: str,
    *,
    event_id: str,
    type: str,
    created_at: datetime,
    wallet_id: str,
    external_id: str,
    body: str,
) -> int | None:
    """Keep an event, without a number yet: the row's own id; None if it is known already."""
    row = _insert.first(
        connection,
        {
            "paywall_id": paywall_id,
            "event_id": event_id,
            "type": type,
            "created_at": created_at,
            "wallet_id": wallet_id,
            "external_id": external_id,
            "body": body,
        },
    )
    return None if row is None else int(row[0])


def number(connection: Connection, paywall_id: str, row_ids: Sequence[int]) -> Sequence[int]:
    """Give new events the paywall's next numbers, in this order and in the transaction that
    inserted them.

    The numbers come from the paywall's own counter row, which stays locked until the commit:
    they rise in commit order, so cursor readers never miss one. Whoever keeps several events
    inserts all of them first: nobody who has the counter then waits for anybody without it.
    """
    if not row_ids:
        return ()
    asked = {"paywall": paywall_id, "count": len(row_ids)}
    ((last,),) = _count_on.rows(connection, asked)
    numbers = range(last - len(row_ids) + 1, last + 1)
    rows = zip(row_ids, numbers, strict=True)
    _number.each(connection, ({"row_id": row_id, "number": seq} for row_id, seq in rows))
    return numbers


def learn_pair(connection: Connection, paywall_id: str, wallet_id: str, external_id: str) -> None:
    """Remember which of the caller's users a wallet id belongs to; the newest word counts."""
    if not wallet_id or not external_id:
        return
    pair = {"paywall_id": paywall_id, "wallet_id": wallet_id, "external_id": external_id}
    _learn.changed(connection, pair)


def users_of(
    connection: Connection, paywall_id: str, wallet_ids: Sequence[str]
) -> Mapping[str, str]:
    """The caller's own user ids by wallet id, as far as they are known."""
    wanted = sorted({wallet_id for wallet_id in wallet_ids if wallet_id})
    if not wanted:
        return {}
    rows = connection.execute(
        select(user_pairs.c.wallet_id, user_pairs.c.external_id).where(
            user_pairs.c.paywall_id == paywall_id, user_pairs.c.wallet_id.in_(wanted)
        )
    )
    return {row.wallet_id: row.external_id for row in rows}


def wallets_of(connection: Connection, paywall_ids: Sequence[str], user: str) -> Sequence[str]:
    """The wallet ids that are known to be of one of the caller's users."""
    query = select(user_pairs.c.wallet_id).where(
        user_pairs.c.paywall_id.in_(paywall_ids), user_pairs.c.external_id == user
    )
    return connection.execute(query).scalars().all()


def get(connection: Connection, paywall_id: str, seq: int) -> EventRow | None:
    """One event by its number."""
    row = connection.execute(
        select(*_columns).where(events.c.paywall_id == paywall_id, events.c.seq == seq)
    ).first()
    return None if row is None else EventRow(*row)


def newest(
    connection: Connection, paywall_id: str, type: str, user: str, limit: int
) -> list[EventRow]:
    """The newest events, highest number first; `type` and `user` may be "" for all."""
    found: list[EventRow] = []
    for chosen in _chosen(connection, paywall_id, type, user):
        query = select(*_columns).where(*chosen, events.c.seq.is_not(None))
        found += _rows(connection, query.order_by(events.c.seq.desc()).limit(limit))
    return sorted(found, key=lambda row: row.seq, reverse=True)[:limit]


def after(
    connection: Connection, paywall_id: str, type: str, user: str, seq: int, last: int, limit: int
) -> list[EventRow]:
    """The events behind the number `seq` up to `last`, lowest first.

    A cursor never misses one of a user if `last` had been given to an event before this is asked:
    whose events those are was committed with them.
    """
    found: list[EventRow] = []
    for chosen in _chosen(connection, paywall_id, type, user):
        query = select(*_columns).where(*chosen, events.c.seq > seq, events.c.seq <= last)
        found += _rows(connection, query.order_by(events.c.seq).limit(limit))
    return sorted(found, key=lambda row: row.seq)[:limit]


def _rows(connection: Connection, query: Select[Any]) -> list[EventRow]:
    return [EventRow(*row) for row in connection.execute(query)]


def _chosen(
    connection: Connection, paywall_id: str, type: str, user: str
) -> list[list[ColumnElement[bool]]]:
    """The conditions of each part of what is wanted; no event is in two of them. Each part of a
    user's events stands in one index in the order of its numbers."""
    wanted: list[ColumnElement[bool]] = [events.c.paywall_id == paywall_id]
    if not user:
        return [[*wanted, events.c.type == type] if type else wanted]
    if type:  # as an expression: a type's own index would go through the events of all users
        wanted.append(events.c.type.concat("") == type)
    wallets = wallets_of(connection, [paywall_id], user)
    return [
        [*wanted, events.c.external_id == user],
        *(
            [*wanted, events.c.wallet_id == wallet, events.c.external_id.concat("") == ""]
            for wallet in wallets
        ),
    ]


def undecided(
    connection: Connection, paywall_id: str, type: str, seq: int, seconds: int
) -> int | None:
    """The lowest number behind `seq` of an event of the last `seconds` whose user nobody knows
    yet."""
    known = select(user_pairs.c.wallet_id).where(user_pairs.c.paywall_id == paywall_id)
    # Asked first: how few these are is seen only from the moment itself.
    since = connection.execute(select(fixed(now(-seconds)))).scalar_one()
    number = events.c.seq + 0  # as expressions: only the last seconds are gone through
    query = select(func.min(number)).where(
        events.c.paywall_id == paywall_id,
        events.c.received_at > since,
        number > seq,
        events.c.external_id.concat("") == "",
        events.c.wallet_id != "",
        events.c.wallet_id.not_in(known),
    )
    if type:
        query = query.where(events.c.type.concat("") == type)
    return connection.execute(query).scalar()


def known(connection: Connection, paywall_id: str, event_ids: Sequence[str]) -> set[str]:
    """Those of the upstream event ids that are kept already."""
    rows = connection.execute(
        select(events.c.event_id).where(
            events.c.paywall_id == paywall_id, events.c.event_id.in_(event_ids)
        )
    )
    return set(rows.scalars())


def bounds(connection: Connection, paywall_id: str) -> tuple[int, int]:
    """The lowest number still kept (0 if none is) and the last one given."""
    lowest = connection.execute(
        select(func.min(events.c.seq)).where(events.c.paywall_id == paywall_id)
    ).scalar()
    last = connection.execute(
        select(subscriptions.c.last_seq).where(subscriptions.c.paywall_id == paywall_id)
    ).scalar()
    return lowest or 0, last or 0


def keep_unreadable(connection: Connection, paywall_id: str, body: bytes) -> None:
    """Keep a signed body that is not an event we can read."""
    connection.execute(
        unreadable.insert().values(paywall_id=paywall_id, received_at=now(), body=body)
    )


def purge(connection: Connection, days: int, limit: int = 500) -> int:
    """Delete at most `limit` events, and as many unreadable bodies, older than `days`."""
    removed = 0
    for table in (events, unreadable):
        old = (
            select(table.c.id)
            .where(table.c.received_at < fixed(now(-days * 86_400)))
            .order_by(table.c.received_at)
            .limit(limit)
        )
        removed += connection.execute(delete(table).where(table.c.id.in_(old))).rowcount
    return removed
