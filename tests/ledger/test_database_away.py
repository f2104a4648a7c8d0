"""The database goes away between the charge and its being written down."""

from __future__ import annotations

import contextlib
from threading import Thread

import pytest
from structlog.testing import capture_logs

from connector.catalog.actions import Values
from connector.errors import Unavailable
from connector.store.ledger_rows import DONE, PENDING
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


def test_nothing_is_sent_while_the_intent_cannot_be_written(
    charge_client: ChargeClient, database: str, rows: Rows
) -> None:
    charge_client.prove()
    with away(database), pytest.raises(Unavailable) as told:
        charge_client.attempt(never)
    assert told.value.retryable
    assert rows.all() == []
