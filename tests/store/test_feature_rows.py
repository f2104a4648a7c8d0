"""What is counted of features where two local paywalls turn out to be one."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update

from connector.store import (
    Store,
    counter_rows,
    feature_rows,
    ledger_rows,
    paywall_rows,
    settings_rows,
)
from connector.store.counter_rows import NO_LIMIT, SPENT, Counter
from connector.store.feature_tables import features
from connector.store.paywall_rows import Paywall
from connector.store.settings_rows import PaywallSettings
from connector.store.tables import ledger
from connector.store.timestamps import now


def test_two_paywalls_that_are_one_add_up(store: Store) -> None:
    def confirm(print_: str, upstream_id: str) -> Paywall:
        return store.write(lambda c: paywall_rows.confirm(c, {"tag": print_}, upstream_id))

    def rule(paywall: Paywall, name: str, price: int) -> None:
        store.write(
            lambda c: feature_rows.put(
                c,
                paywall.id,
                name,
                price=price,
                free_per_day=None,
                cap_per_user_day=None,
                cap_per_day=None,
                limit_message="",
                most=9,
            )
        )

    def counter(paywall: Paywall) -> Counter:
        subject = feature_rows.subject(paywall.id, "pdf")
        return Counter(SPENT, subject, "ann", "2026-01-31")

    root, later = confirm("one", "pw_1"), confirm("two", "")
    rule(later, "pdf", 1)
    rule(root, "pdf", 2)
    rule(later, "audio", 3)
    older = update(features).where(features.c.paywall_id == later.id).values(created_at=now(-60))
    store.write(lambda c: c.execute(older))
    store.write(lambda c: settings_rows.put(c, later.id, PaywallSettings("Asia/Tokyo", "JPY")))
    for paywall, units in ((root, 5), (later, 7)):
        store.write(lambda c, p=paywall, n=units: _count(c, counter(p), n, p.id))  # type: ignore[misc]
    assert confirm("two", "pw_1").id == root.id
    rules = store.read(lambda c: feature_rows.listing(c, root.id))
    assert [(one.name, one.price) for one in rules] == [("audio", 3), ("pdf", 1)]
    assert store.read(lambda c: counter_rows.used(c, counter(root))) == 12
    assert store.read(lambda c: counter_rows.used(c, counter(later))) == 0
    found, day = store.read(lambda c: settings_rows.today(c, later.id, lock=False))
    assert (found, day.timezone) == (root.id, "Asia/Tokyo")
    (entry,) = store.read(lambda c: _entries(c, later.id))
    store.write(lambda c: counter_rows.give_back(c, entry))
    assert store.read(lambda c: counter_rows.used(c, counter(root))) == 5


def _count(connection: Any, counter: Counter, units: int, paywall_id: str) -> None:
    """Let a row of the ledger hold so many of a counter."""
    entry = ledger_rows.insert_intent(
        connection,
        paywall_id=paywall_id,
        action="use",
        reference="o-1",
        values_hash="x",
        user_id="ann",
        amount="0",
        upstream_key="x",
    )
    assert entry is not None
    counter_rows.take(connection, counter, units, NO_LIMIT, entry)


def _entries(connection: Any, paywall_id: str) -> list[str]:
    query = select(ledger.c.id).where(ledger.c.paywall_id == paywall_id)
    return list(connection.execute(query).scalars())
