"""Queries: what a paywall's features cost, how often they are free, and where they end."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select, update

from connector.store import counter_rows
from connector.store.feature_tables import features
from connector.store.prepared import Prepared
from connector.store.timestamps import now
from connector.store.upsert import insert_for


@dataclass(frozen=True)
class FeatureRow:
    """A rule; sums are in millionths, None is what was not set."""

    name: str
    price: int | None
    free_per_day: int | None
    cap_per_user_day: int | None
    cap_per_day: int | None
    limit_message: str
    updated_at: datetime


_names = tuple(FeatureRow.__dataclass_fields__)
_select = select(*(features.c[name] for name in _names))
_get = Prepared(
    lambda _: _select.where(
        features.c.paywall_id == bindparam("paywall"), features.c.name == bindparam("asked")
    )
)


def subject(paywall_id: str, name: str) -> str:
    """What a feature is called where it is counted; the same after its rule was made anew."""
    return hashlib.sha256(f"{paywall_id}\0{name}".encode()).hexdigest()


def get(connection: Connection, paywall_id: str, name: str) -> FeatureRow | None:
    """The rule of a feature, or None."""
    row = _get.first(connection, {"paywall": paywall_id, "asked": name})
    return None if row is None else FeatureRow(*row)


def listing(connection: Connection, paywall_id: str) -> list[FeatureRow]:
    """The paywall's rules, by name."""
    query = _select.where(features.c.paywall_id == paywall_id).order_by(features.c.name)
    return [FeatureRow(*row) for row in connection.execute(query)]


def put(
    connection: Connection,
    paywall_id: str,
    name: str,
    *,
    price: int | None,
    free_per_day: int | None,
    cap_per_user_day: int | None,
    cap_per_day: int | None,
    limit_message: str,
    most: int,
) -> bool:
    """Set a rule, in place of the one that it may have; False for a new one where the paywall has
    `most` of them."""
    values = {
        "price": price,
        "free_per_day": free_per_day,
        "cap_per_user_day": cap_per_user_day,
        "cap_per_day": cap_per_day,
        "limit_message": limit_message,
    }
    changed = connection.execute(
        update(features)
        .where(features.c.paywall_id == paywall_id, features.c.name == name)
        .values(updated_at=now(), **values)
    )
    if changed.rowcount:
        return True
    mine = select(func.count()).select_from(features).where(features.c.paywall_id == paywall_id)
    if connection.execute(mine).scalar_one() >= most:
        return False
    insert = insert_for(connection.dialect.name)(features)
    connection.execute(
        insert.values(
            paywall_id=paywall_id, name=name, created_at=now(), updated_at=now(), **values
        ).on_conflict_do_update(
            index_elements=[features.c.paywall_id, features.c.name],
            set_={**values, "updated_at": now()},
        )
    )
    return True


def delete(connection: Connection, paywall_id: str, name: str) -> bool:
    """Forget a rule; whether there was one. What was counted stays counted."""
    gone = connection.execute(
        features.delete().where(features.c.paywall_id == paywall_id, features.c.name == name)
    )
    return gone.rowcount == 1


def merge(connection: Connection, merged: str, root: str) -> None:
    """A paywall becomes part of another: the older of two rules stays, and what was counted under
    both is added up."""
    rows = connection.execute(
        select(features.c.paywall_id, features.c.name)
        .where(features.c.paywall_id.in_((merged, root)))
        .order_by(features.c.created_at)
    ).all()
    older: set[str] = set()
    for paywall_id, name in rows:
        this = (features.c.paywall_id == paywall_id) & (features.c.name == name)
        if name in older:
            connection.execute(features.delete().where(this))
        older.add(name)
    for name in older:
        connection.execute(
            update(features)
            .where(features.c.paywall_id == merged, features.c.name == name)
            .values(paywall_id=root)
        )
        counter_rows.rename(connection, merged, subject(merged, name), subject(root, name))
