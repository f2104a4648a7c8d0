"""While it is not known whether something went through, nobody is told that nothing was done.

A builder who reads that takes a new reference, and the user pays twice (docs/exactly-once.md).
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.store.ledger_rows import DONE, FREE, IN_DOUBT, PENDING, UNKNOWN
from tests.ledger.rows import Rows
from tests.support.charge_client import Answer, ChargeClient
from tests.support.processes import SandboxPaywall

ONCE = [Decimal("1.5")]


def check_doubt_is_told(answer: Answer) -> None:
    message = answer.body["message"]
    assert "not known yet whether" in message, message
    assert "end the same again" in message, message
    assert "othing was done" not in message, message
    assert answer.retryable
    assert answer.body["reference"] == "order-1"
    assert len(message) <= 250


@pytest.fixture
def in_doubt(charge_client: ChargeClient, paywall: SandboxPaywall) -> ChargeClient:
    """A builder whose first charge and deposit went through, but whose answers were lost."""
    for action in ("charge", "deposit"):
        paywall.arm(action, "drop_after_commit")
    check_doubt_is_told(charge_client.charge(description="First try"))
    check_doubt_is_told(charge_client.deposit(metadata='{"try": "first"}'))
    return charge_client


@pytest.mark.parametrize("action", ["charge", "deposit"])
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("http_400", 502),
        ("http_401", 401),
        ("http_403", 502),
        ("http_404", 502),
        ("http_409", 502),
        ("http_422", 502),
        ("http_429", 429),
        ("http_500", 502),
        ("redirect", 502),
        ("drop_before_commit", 502),
    ],
)
def test_whatever_a_retry_meets_the_doubt_is_told(
    kind: str,
    status: int,
    action: str,
    in_doubt: ChargeClient,
    paywall: SandboxPaywall,
    rows: Rows,
) -> None:
    paywall.arm(action, kind, seconds=30)
    answer = getattr(in_doubt, action)()
    assert answer.status == status
    check_doubt_is_told(answer)
    assert rows.one(action=action).state == IN_DOUBT
    settled = getattr(in_doubt, action)()
    assert settled.body["success"] is True
    assert paywall.booked(action) == ONCE


def test_a_refused_key_says_to_mend_the_key_and_then_to_send_the_same_again(
    in_doubt: ChargeClient, paywall: SandboxPaywall
) -> None:
    paywall.arm("charge", "http_401")
    assert "Mend the key, then send the same again" in in_doubt.charge().body["message"]


def test_a_key_refused_before_the_ledger_is_asked_says_so_too(
    in_doubt: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    rows.pass_trust()
    paywall.arm("subscriptions", "http_401")
    answer = in_doubt.charge()
    assert answer.status == 401
    assert "send the same again, with the same reference" in answer.body["message"]


@pytest.mark.parametrize("kind", ["http_429", "http_500", "drop_before_commit", "garbage"])
def test_a_key_that_cannot_be_proved_does_not_say_that_nothing_was_done(
    kind: str, in_doubt: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    rows.pass_trust()
    paywall.arm("subscriptions", kind, times=5, seconds=30)
    message = in_doubt.charge().body["message"]
    assert "othing was done" not in message
    assert "again" in message
    paywall.arm("subscriptions", kind, times=0)


def test_an_upstream_out_of_reach_does_not_say_that_nothing_was_done(
    in_doubt: ChargeClient,
    database: str,
    paywall: SandboxPaywall,
    unused_port: int,
) -> None:
    away = ChargeClient(database, f"http://127.0.0.1:{unused_port}").open_for(paywall)
    away.budget = 8.0
    answer = away.charge()
    away.close()
    assert (answer.status, answer.outcome) == (503, "upstream_unreachable")
    check_doubt_is_told(answer)


@pytest.mark.parametrize("changed", [{"amount": "2"}, {"user": "bob"}])
def test_other_values_while_in_doubt_are_not_sent_to_a_new_reference(
    changed: dict[str, str], in_doubt: ChargeClient, paywall: SandboxPaywall
) -> None:
    refused = in_doubt.charge(**changed)
    assert (refused.status, refused.outcome) == (422, "reference_reused")
    assert "not known yet whether" in refused.body["message"]
    assert "Send exactly those values again" in refused.body["message"]
    assert len(paywall.asked("charge")) == 1


def test_a_deposit_in_doubt_is_not_called_impossible(
    in_doubt: ChargeClient, paywall: SandboxPaywall
) -> None:
    paywall.arm("deposit", "http_400")
    assert in_doubt.deposit().outcome == "upstream_rejected"


@pytest.mark.parametrize(
    ("action", "again", "kept"),
    [
        ("charge", {"description": "Second try"}, {"description": "First try"}),
        ("charge", {"metadata": '{"run": 2}'}, {"description": "First try"}),
        ("charge", {}, {"description": "First try"}),
        ("deposit", {"metadata": '{"try": "second"}'}, {"try": "first"}),
    ],
)
def test_a_retry_sends_the_notes_of_the_first_try(
    action: str,
    again: dict[str, str],
    kept: dict[str, str],
    charge_client: ChargeClient,
    paywall: SandboxPaywall,
) -> None:
    first = {"charge": {"description": "First try"}, "deposit": {"metadata": '{"try": "first"}'}}
    paywall.arm(action, "drop_before_commit")
    assert getattr(charge_client, action)(**first[action]).status == 502
    assert getattr(charge_client, action)(**again).body["success"] is True
    assert paywall.notes(action) == [{"reference": "order-1"} | kept]


def test_a_first_try_without_notes_is_repeated_without(
    charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    paywall.arm("charge", "drop_before_commit")
    charge_client.charge()
    charge_client.charge(description="Second try")
    assert paywall.notes("charge") == [{"reference": "order-1"}]


def test_a_retry_after_a_certain_refusal_sends_its_own_notes(
    charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    charge_client.charge(user="poor", description="First try")
    paywall.user("poor", balance="2")
    charge_client.charge(user="poor", description="Second try")
    assert paywall.notes("charge") == [{"reference": "order-1", "description": "Second try"}]


def test_what_was_sent_is_kept_sealed_until_the_row_is_decided(
    in_doubt: ChargeClient, rows: Rows
) -> None:
    sealed = rows.one().sent
    assert sealed
    assert "First try" not in sealed
    assert in_doubt.charge().outcome == "charged"
    assert rows.one().sent is None


@pytest.mark.parametrize("state", [FREE, DONE, UNKNOWN])
def test_of_a_decided_row_nothing_that_was_sent_is_kept(
    state: str, charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    if state == UNKNOWN:
        paywall.arm("charge", "drop_before_commit")
    charge_client.charge(user="poor" if state == FREE else "ann", description="A note")
    if state == UNKNOWN:
        rows.pass_hours(24)
        charge_client.charge(description="A note")
    row = rows.one()
    assert (row.state, row.sent) == (state, None)


def test_a_lease_far_in_the_future_is_not_believed(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    """It was written while the database's clock was wrong."""
    paywall.arm("charge", "drop_after_commit")
    charge_client.charge()
    rows.become(PENDING)
    rows.lease_until(7200)
    assert charge_client.charge().outcome == "charged"
    assert paywall.booked("charge") == ONCE


@pytest.mark.parametrize("state", [IN_DOUBT, PENDING, UNKNOWN])
def test_a_lost_reference_of_before_passes_while_it_is_undecided(
    state: str, charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    """It was begun when such references were taken, and must come to its end."""
    paywall.arm("charge", "drop_after_commit")
    charge_client.charge()
    rows.become(state)
    rows.rename("order-undefined")
    rows.lease_until(-1)
    answer = charge_client.charge(reference="order-undefined")
    assert answer.outcome == ("unknown" if state == UNKNOWN else "charged")
    assert paywall.booked("charge") == ONCE


def test_a_lost_reference_that_is_decided_is_refused(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    charge_client.charge()
    rows.rename("order-undefined")
    answer = charge_client.charge(reference="order-undefined")
    assert (answer.status, answer.body["field"]) == (422, "reference")
    assert len(paywall.asked("charge")) == 1
