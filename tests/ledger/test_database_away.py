"""The database goes away between the charge and its being written down."""

from __future__ import annotations

import contextlib
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from connector.catalog.actions import Values
from connector.errors import Unavailable
from connector.store import Store
from connector.store.ledger_rows import DONE, PENDING
from connector.store.sum_tables import ledger_sums
from tests.ledger.rows import Rows
from tests.store.away import away
from tests.support.charge_client import ChargeClient
from tests.support.processes import until

CHARGED = {"success": True, "outcome": "charged", "message": "The user was charged."}


def never(upstream_key: str) -> Values:
    pytest.fail("this must not be sent")


def test_an_answer_is_written_down_as_soon_as_the_database_is_back(
    charge_client: ChargeClient, database: str, rows: Rows
) -> None:
    outage = contextlib.ExitStack()

    def perform(upstream_key: str) -> Values:
        outage.enter_context(away(database))
        back.start()
        return dict(CHARGED)

    def come_back() -> None:
        try:
            until(lambda: "ledger_settle_failed" in [line["event"] for line in logged])
        finally:
            outage.close()

    back = Thread(target=come_back)
    with capture_logs() as logged:
        assert charge_client.attempt(perform)["outcome"] == "charged"
        back.join()
    assert rows.one().state == DONE
    assert charge_client.attempt(perform)["duplicate"] is True


def test_the_answer_is_told_even_if_it_cannot_be_written_and_the_next_call_finds_it_again(
    charge_client: ChargeClient, database: str, rows: Rows
) -> None:
    keys: list[str] = []
    with contextlib.ExitStack() as outage:

        def perform(upstream_key: str) -> Values:
            keys.append(upstream_key)
            outage.enter_context(away(database))
            return dict(CHARGED)

        assert charge_client.attempt(perform, seconds=6)["outcome"] == "charged"
    assert rows.one().state == PENDING
    rows.end_leases()
    answer = charge_client.attempt(lambda key: keys.append(key) or dict(CHARGED))  # type: ignore[func-returns-value]
    assert answer["outcome"] == "charged"
    assert rows.one().state == DONE
    assert keys[0] == keys[1]


def test_an_end_that_was_written_although_nobody_said_so_is_told_as_what_it_is(
    charge_client: ChargeClient, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database keeps the commit and is lost before it says so; a function of the store stands
    for that moment, which nobody outside can hold."""
    store = charge_client.parts.store
    write_shared = Store.write_shared
    lost: list[str] = []

    def lose_the_second(self: Store, work: Any, order: str | None, finish: Any = None) -> Any:
        result = write_shared(self, work, order, finish)
        if finish is not None and not lost:
            lost.append("the word that it was written")
            raise Unavailable("The connector's database is busy or away. Try again in a moment.")
        return result

    charge_client.prove()
    monkeypatch.setattr(Store, "write_shared", lose_the_second)
    answer = charge_client.attempt(lambda _: dict(CHARGED))
    assert lost
    assert (answer["outcome"], answer["duplicate"]) == ("charged", False)
    assert rows.one().state == DONE
    (counted,) = store.read(lambda c: c.execute(select(ledger_sums).where(_of_a_user)).all())
    assert counted.number == 1
    assert charge_client.attempt(never)["duplicate"] is True


_of_a_user = ledger_sums.c.user_id != ""


def test_nothing_is_sent_while_the_intent_cannot_be_written(
    charge_client: ChargeClient, database: str, rows: Rows
) -> None:
    charge_client.prove()
    with away(database), pytest.raises(Unavailable) as told:
        charge_client.attempt(never)
    assert told.value.retryable
    assert rows.all() == []
