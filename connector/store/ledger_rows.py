"""Queries of the ledger: one row per (local paywall, action, reference). No decisions are made
here; `connector.ledger` makes them, inside the transactions that it opens."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Executable,
    Select,
    and_,
    bindparam,
    or_,
    select,
    type_coerce,
    update,
)

from connector.store.prepared import Prepared
from connector.store.reference_spaces import as_sent
from connector.store.tables import is_open, ledger
from connector.store.timestamps import now
from connector.store.upsert import insert_for

PENDING = "pending"
IN_DOUBT = "in_doubt"
FREE = "free"
DONE = "done"
UNKNOWN = "unknown"
STATES = (PENDING, IN_DOUBT, FREE, DONE, UNKNOWN)
LEASE_SECONDS = 30
DOUBT_SECONDS = 23 * 3600
"""Upstream forgets an idempotency key after about 24 h; an hour of that is left as a margin."""
_BELIEVED_SECONDS = 2 * LEASE_SECONDS
"""No lease ends later than that: one that says so was written while the clock was wrong."""


@dataclass(frozen=True)
class Entry:
    """A row. Its last fields were judged by the database's clock when it was read: `leased`,
    `overdue` (in doubt for longer than upstream remembers its key), and `unanswered_seconds`, since
    something was last sent without an answer (None: never)."""

    id: str
    paywall_id: str
    action: str
    kept_reference: str
    values_hash: str
    user_id: str
    amount: str
    state: str
    try_number: int
    upstream_key: str
    was_in_doubt: bool
    first_sent_at: datetime
    token: int
    answer: str | None
    created_at: datetime
    updated_at: datetime
    sent: str | None
    sent_under: str | None
    feature: str | None
    refund_of: str | None
    description: str | None
    leased: bool
    overdue: bool
    unanswered_seconds: int | None

    @property
    def reference(self) -> str:
        """The reference as it was sent."""
        return as_sent(self.kept_reference)


_judged = ("kept_reference", "leased", "overdue", "unanswered_seconds")
_microseconds = type_coerce(now(), BigInteger) - type_coerce(ledger.c.unanswered_at, BigInteger)
_select = select(
    *(ledger.c[name] for name in Entry.__dataclass_fields__ if name not in _judged),
    ledger.c.reference.label("kept_reference"),
    ledger.c.lease_until.between(now(), now(_BELIEVED_SECONDS)).label("leased"),
    (_microseconds // 1_000_000).label("unanswered_seconds"),
    (ledger.c.first_sent_at < now(-DOUBT_SECONDS)).label("overdue"),
)


def selection() -> Select[Any]:
    """A query of whole rows, to be narrowed down."""
    return _select


def in_doubt() -> ColumnElement[bool]:
    """Whether nobody knows how a row ended: a process that held its lease may have died."""
    ended = and_(ledger.c.state == PENDING, ledger.c.lease_until < now())
    return and_(is_open, or_(ledger.c.state == IN_DOUBT, ended))


def insert_intent(
    connection: Connection,
    *,
    paywall_id: str,
    action: str,
    reference: str,
    values_hash: str,
    user_id: str,
    amount: str,
    upstream_key: str,
    sent: str | None = None,
    sent_under: str | None = None,
    feature: str | None = None,
    refund_of: str | None = None,
    description: str | None = None,
) -> str | None:
    """A new row, pending and leased, with token 1; its id, or None if the reference is known."""
    row = _insert_intent.first(
        connection,
        {
            "id": "led_" + secrets.token_hex(8),
            "paywall_id": paywall_id,
            "action": action,
            "reference": reference,
            "values_hash": values_hash,
            "user_id": user_id,
            "amount": amount,
            "upstream_key": upstream_key,
            "sent": sent,
            "sent_under": sent_under,
            "feature": feature,
            "refund_of": refund_of,
            "description": description,
        },
    )
    return None if row is None else str(row[0])


_named = (
    "id paywall_id action reference values_hash user_id amount upstream_key sent sent_under "
    "feature refund_of description"
)
_insert_intent = Prepared(
    lambda dialect: (
        insert_for(dialect)(ledger)
        .values(
            **{name: bindparam(name) for name in _named.split()},
            state=PENDING,
            try_number=1,
            was_in_doubt=False,
            first_sent_at=now(),
            lease_until=now(LEASE_SECONDS),
            token=1,
            created_at=now(),
            updated_at=now(),
        )
        .on_conflict_do_nothing()
        .returning(ledger.c.id)
    )
)


def find(
    connection: Connection,
    paywall_ids: Sequence[str],
    action: str,
    reference: str,
    *,
    lock: bool = False,
) -> Entry | None:
    """The row of a reference under any of the local paywalls; a decided one before others."""
    rows = connection.execute(
        _find(lock),
        {"paywalls": list(paywall_ids), "action_key": action, "asked": reference},
    ).all()
    order = (DONE, UNKNOWN, IN_DOUBT, PENDING, FREE)
    entries = sorted((Entry(**row._mapping) for row in rows), key=lambda e: order.index(e.state))
    return entries[0] if entries else None


@cache
def _find(lock: bool) -> Executable:
    query = _select.where(
        ledger.c.paywall_id.in_(bindparam("paywalls", expanding=True)),
        ledger.c.action == bindparam("action_key"),
        ledger.c.reference == bindparam("asked"),
    )
    return query.with_for_update() if lock else query


def get(connection: Connection, entry_id: str, *, lock: bool = False) -> Entry | None:
    """A row by its id."""
    row = connection.execute(_get(lock), {"row": entry_id}).first()
    return None if row is None else Entry(**row._mapping)


@cache
def _get(lock: bool) -> Executable:
    query = _select.where(ledger.c.id == bindparam("row"))
    return query.with_for_update() if lock else query


def take_lease(
    connection: Connection,
    entry: Entry,
    *,
    upstream_key: str,
    in_doubt: bool,
    sent: str | None,
    sent_under: str | None,
) -> int:
    """Lease a row for another try; its new fencing token. The age of the upstream key starts
    anew unless the row is in doubt. A row that is still pending lost its process, and with it an
    answer."""
    lost = entry.state == PENDING
    connection.execute(
        update(ledger)
        .where(ledger.c.id == entry.id)
        .values(
            state=PENDING,
            token=entry.token + 1,
            lease_until=now(LEASE_SECONDS),
            upstream_key=upstream_key,
            was_in_doubt=in_doubt,
            first_sent_at=ledger.c.first_sent_at if in_doubt else now(),
            unanswered_at=now() if lost else ledger.c.unanswered_at,
            sent=sent,
            sent_under=sent_under,
            updated_at=now(),
        )
    )
    return entry.token + 1


def set_price(connection: Connection, entry_id: str, amount: str, upstream_key: str) -> None:
    """What a row is about, and the key to send upstream for it, where that was not known before
    the row was taken."""
    connection.execute(
        update(ledger)
        .where(ledger.c.id == entry_id)
        .values(amount=amount, upstream_key=upstream_key)
    )


def settle(
    connection: Connection,
    entry_id: str,
    token: int,
    *,
    state: str,
    answer: str,
    upstream_key: str,
    next_try: bool = False,
    any_token: bool = False,
    unanswered: bool = False,
) -> bool:
    """Write how a try under `upstream_key` ended; False when the lease was lost to another try
    meanwhile.

    `any_token`: a late "charged" always wins. `next_try`: the next try takes a new upstream key.
    `unanswered`: it was sent, and no answer came. A row that is done stays as it is.
    """
    changed = _settle(state == IN_DOUBT, next_try, any_token, unanswered).changed(
        connection,
        {
            "row": entry_id,
            "mine": token,
            "state": state,
            "answer": answer,
            "sent_key": upstream_key,
        },
    )
    return changed == 1


@cache
def _settle(in_doubt: bool, next_try: bool, any_token: bool, unanswered: bool) -> Prepared:
    values: dict[str, object] = {"lease_until": now(), "updated_at": now()}
    if in_doubt:
        values["was_in_doubt"] = True
    else:
        values["sent"] = None
    if unanswered:
        values["unanswered_at"] = now()
    if next_try:
        values["try_number"] = ledger.c.try_number + 1
    statement = update(ledger).where(ledger.c.id == bindparam("row"), ledger.c.state != DONE)
    if not any_token:
        statement = statement.where(ledger.c.token == bindparam("mine"))
    statement = statement.values(
        **values,
        state=bindparam("state"),
        answer=bindparam("answer"),
        upstream_key=bindparam("sent_key"),
    )
    return Prepared(lambda _: statement)
