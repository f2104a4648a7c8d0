"""What events say about a charge whose answer was lost: one that names it decides it; one that only
fits keeps it from being sent under another key; none of them proves nothing."""

from __future__ import annotations

import json

import pytest

from connector.errors import StillInDoubt, StoredRefusal
from connector.ledger.evidence import prove_all
from connector.store.ledger_rows import DONE, IN_DOUBT
from tests.ledger.rows import Rows
from tests.ledger.test_doubt import connector
from tests.support.charge_client import ChargeClient
from tests.support.processes import SandboxPaywall

SETTLED = 121


@pytest.fixture
def doubted(charge_client: ChargeClient, paywall: SandboxPaywall) -> ChargeClient:
    """A builder whose only try was made, and its answer lost."""
    paywall.arm("charge", "drop_after_commit")
    assert charge_client.charge().status == 502
    return charge_client


@pytest.fixture
def payable(charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows) -> ChargeClient:
    """A builder whose first try was lost, whose second was refused, whose user then paid; and the
    lost try cannot be on its way any more."""
    paywall.arm("charge", "drop_before_commit")
    assert charge_client.charge(user="poor").status == 502
    assert charge_client.charge(user="poor").outcome == "topup_required"
    paywall.user("poor", balance="2")
    rows.pass_seconds(SETTLED)
    return charge_client


def test_an_event_that_names_the_upstream_key_decides_the_row_and_nothing_is_sent(
    doubted: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    rows.event(idempotencyKey=rows.one().upstream_key)
    answer = doubted.charge()
    assert (answer.status, answer.outcome, answer.duplicate) == (200, "charged", True)
    assert answer.body["message"] == "This was confirmed by an event from Paywalls."
    assert len(paywall.asked("charge")) == 1
    assert rows.one().state == DONE


@pytest.mark.parametrize("amount", ["1.5", 1.5, "1.50"])
@pytest.mark.parametrize("user", ["ann", "wal_1"])
def test_an_event_that_names_reference_and_amount_decides_the_row(
    user: str, amount: object, doubted: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    rows.event(user, amount, external_id="ann" if user != "ann" else "", reference="order-1")
    assert doubted.charge().duplicate
    assert len(paywall.asked("charge")) == 1


@pytest.mark.parametrize(
    "told",
    [
        {"reference": "order-2"},
        {"reference": "order-1", "amount": "1.6"},
        {"reference": "order-1", "user": "wal_9", "external_id": "bob"},
        {"reference": "order-1", "kind": "paywall.balance.charge.failed"},
        {"reference": "order-1", "seconds_ago": 60},
        {"note": "order-1", "amount": "2"},
        {"reference": "order-1", "amount": "much"},
    ],
)
def test_an_event_about_something_else_decides_nothing(
    told: dict[str, object], doubted: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    rows.event(**told)  # type: ignore[arg-type]
    answer = doubted.charge()
    assert answer.outcome == "charged"
    assert len(paywall.asked("charge")) == 2


def test_a_reference_that_another_charge_also_names_decides_nothing(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    assert charge_client.charge(reference="other").outcome == "charged"
    paywall.arm("charge", "drop_before_commit")
    charge_client.charge()
    rows.event(reference="order-1")  # of the other charge, which a builder may have noted so
    assert charge_client.charge().outcome == "charged"
    assert len(paywall.booked("charge")) == 2


def test_an_event_that_fits_keeps_the_next_key_from_being_sent(
    payable: ChargeClient, paywall: SandboxPaywall, rows: Rows, database: str
) -> None:
    event = rows.event("poor")
    told = payable.charge(user="poor")
    assert (told.status, told.outcome, told.retryable) == (409, "still_in_doubt", True)
    assert "operator" in told.body["message"]
    assert paywall.booked("charge") == []
    assert rows.one().state == IN_DOUBT
    assert f"event {event}" in connector(database, "show", "order-1").output
    (shown,) = json.loads(connector(database, "show", "order-1", "--json").output)
    assert shown["may_be"] == [event]


def test_an_event_that_proves_it_while_it_is_asked_about_keeps_the_next_key_from_being_sent(
    doubted: ChargeClient, rows: Rows
) -> None:
    rows.pass_seconds(SETTLED)
    sent: list[str] = []

    def repeats_its_no(upstream_key: str) -> dict[str, object]:
        sent.append(upstream_key)
        rows.event(reference="order-1")
        raise StoredRefusal("It is not known yet whether this went through.")

    with pytest.raises(StillInDoubt, match="Send the same again"):
        doubted.attempt(repeats_its_no)
    assert len(sent) == 1
    assert doubted.charge().duplicate


def test_an_event_that_another_charge_explains_blocks_nothing(
    payable: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.user("poor", balance="5")
    assert payable.charge(user="poor", reference="other").outcome == "charged"
    rows.event("poor")
    assert payable.charge(user="poor").outcome == "charged"


@pytest.mark.parametrize(
    "told", [{"amount": "2"}, {"user": "wal_9"}, {"seconds_ago": 600}, {"user": "ann"}]
)
def test_an_event_that_does_not_fit_blocks_nothing(
    told: dict[str, object], payable: ChargeClient, rows: Rows
) -> None:
    rows.event(**{"user": "poor", **told})  # type: ignore[arg-type]
    assert payable.charge(user="poor").outcome == "charged"


def test_rows_that_an_event_proves_are_decided_although_nobody_asks_again(
    doubted: ChargeClient, rows: Rows, database: str
) -> None:
    store = doubted.parts.store
    assert store.write(prove_all) == 0
    rows.event(reference="order-1")
    assert "proved by" in connector(database, "show", "order-1").output
    assert store.write(prove_all) == 1
    assert rows.one().state == DONE
    assert store.write(prove_all) == 0


def test_a_row_that_nobody_could_tell_is_decided_by_a_late_event(
    doubted: ChargeClient, rows: Rows
) -> None:
    rows.pass_hours(24)
    assert doubted.charge().outcome == "unknown"
    rows.event(reference="order-1")
    assert doubted.parts.store.write(prove_all) == 1
    assert doubted.charge().duplicate


def test_the_story_of_a_row_tells_its_tries(
    payable: ChargeClient, rows: Rows, database: str
) -> None:
    assert payable.charge(user="poor").outcome == "charged"
    ended = rows.tries()
    assert ended == ["upstream_failed", "topup_required", "stored_refusal", "charged"]
    shown = connector(database, "show", "order-1").output
    assert "Paywalls repeated its refusal of before" in shown
    (told,) = json.loads(connector(database, "show", "order-1", "--json").output)
    assert [one["ended"] for one in told["tries"]] == ended
    assert len({one["upstream_key"] for one in told["tries"]}) == 2


def test_a_charge_that_goes_through_at_once_has_no_story(
    charge_client: ChargeClient, rows: Rows
) -> None:
    charge_client.charge()
    assert rows.tries() == []


def test_a_try_whose_process_died_is_in_the_story(
    charge_client: ChargeClient, rows: Rows, database: str
) -> None:
    def interrupted(upstream_key: str) -> dict[str, object]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        charge_client.attempt(interrupted)
    rows.become("pending")
    rows.end_leases()
    assert charge_client.charge().outcome == "charged"
    assert rows.tries() == ["broken_off", "lost", "charged"]
    assert "stopped in the middle of it" in connector(database, "show", "order-1").output
