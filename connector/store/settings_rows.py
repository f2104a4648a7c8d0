"""Queries: what a paywall's owner set for the whole paywall, and the day that it is there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, func, select, update

from connector.store.clock import Day, day_at
from connector.store.feature_tables import paywall_settings
from connector.store.prepared import Prepared
from connector.store.tables import paywalls
from connector.store.timestamps import now
from connector.store.upsert import insert_for

UTC_NAME = "UTC"


@dataclass(frozen=True)
class PaywallSettings:
    """`timezone` is the name by which the day is counted, such as Europe/Berlin; `currency_label`
    what stands beside amounts, "" for nothing."""

    timezone: str = UTC_NAME
    currency_label: str = ""


def get(connection: Connection, paywall_id: str) -> PaywallSettings:
    """The settings of a paywall, or those of one that has set nothing."""
    row = connection.execute(
        select(paywall_settings.c.timezone, paywall_settings.c.currency_label).where(
            paywall_settings.c.paywall_id == paywall_id
        )
    ).first()
    return PaywallSettings() if row is None else PaywallSettings(*row)


def put(connection: Connection, paywall_id: str, settings: PaywallSettings) -> None:
    """Set all of them."""
    values = {"timezone": settings.timezone, "currency_label": settings.currency_label}
    insert = insert_for(connection.dialect.name)(paywall_settings)
    connection.execute(
        insert.values(paywall_id=paywall_id, created_at=now(), **values).on_conflict_do_update(
            index_elements=[paywall_settings.c.paywall_id], set_=values
        )
    )


_root = func.coalesce(paywalls.c.merged_into, paywalls.c.id)
_select = (
    select(_root, paywall_settings.c.timezone, now(), paywall_settings.c.currency_label)
    .select_from(paywalls)
    .outerjoin(paywall_settings, paywall_settings.c.paywall_id == _root)
    .where(paywalls.c.id == bindparam("given"))
)
_today = Prepared(lambda _: _select)
_today_locked = Prepared(lambda _: _select.with_for_update(read=True, of=paywalls))


def today(connection: Connection, paywall_id: str, *, lock: bool = True) -> tuple[str, Day]:
    """The paywall that a local one has become, and the day that it is there, by the database's
    clock; with `lock` it is not merged before the transaction ends."""
    found = labelled_today(connection, paywall_id, lock=lock)
    return found.root, found.day


@dataclass(frozen=True)
class Today:
    """The paywall that a local one has become, the day that it is there, and what stands beside its
    amounts."""

    root: str
    day: Day
    currency_label: str


def labelled_today(connection: Connection, paywall_id: str, *, lock: bool = False) -> Today:
    """The same with the label of the paywall's amounts."""
    row = (_today_locked if lock else _today).first(connection, {"given": paywall_id})
    if row is None:
        raise LookupError("there is no such paywall")
    root, timezone, moment, label = row
    return Today(root, day_at(moment, timezone or UTC_NAME), label or "")


def merge(connection: Connection, merged: str, root: str) -> None:
    """A paywall becomes part of another: what was set first stays."""
    rows = connection.execute(
        select(paywall_settings.c.paywall_id)
        .where(paywall_settings.c.paywall_id.in_((merged, root)))
        .order_by(paywall_settings.c.created_at)
    ).scalars()
    ids = list(rows)
    if not ids:
        return
    if len(ids) > 1:
        connection.execute(paywall_settings.delete().where(paywall_settings.c.paywall_id == ids[1]))
    connection.execute(
        update(paywall_settings)
        .where(paywall_settings.c.paywall_id == ids[0])
        .values(paywall_id=root)
    )
