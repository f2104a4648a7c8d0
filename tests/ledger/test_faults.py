"""Upstream fails in every way it can, then the same call again: one charge, and the truth told."""

from __future__ import annotations

from decimal import Decimal
from time import monotonic

import pytest

from connector.store.ledger_rows import DONE, FREE, IN_DOUBT
from tests.ledger.rows import Rows
from tests.support.charge_client import ChargeClient
from tests.support.processes import SandboxPaywall

ONCE = [Decimal("1.5")]


@pytest.mark.parametrize(
    ("kind", "booked", "status", "code"),
    [
        ("drop_after_commit", ONCE, 502, "upstream_failed"),
        ("drop_before_commit", [], 502, "upstream_failed"),
        ("garbage", ONCE, 502, "upstream_failed"),
        ("http_500", [], 502, "upstream_failed"),
    ],
)
def test_a_doubtful_failure_keeps_the_upstream_key_and_the_retry_charges_once(
    kind: str,
    booked: list[Decimal],
    status: int,
    code: str,
    charge_client: ChargeClient,
    paywall: SandboxPaywall,
    rows: Rows,
) -> None:
    paywall.arm("charge", kind)
    failed = charge_client.charge()
    assert (failed.status, failed.outcome, failed.retryable) == (status, code, True)
    assert failed.body["reference"] == "order-1"
    assert paywall.booked("charge") == booked
    row = rows.one()
    assert (row.state, row.was_in_doubt, row.try_number) == (IN_DOUBT, True, 1)

    retried = charge_client.charge()
    assert (retried.status, retried.outcome, retried.duplicate) == (200, "charged", False)
    assert paywall.booked("charge") == ONCE
    first, second = paywall.keys("charge")
    assert first == second == row.upstream_key
    assert rows.one().state == DONE
    assert charge_client.charge().duplicate


@pytest.mark.parametrize(
    ("kind", "status", "code", "retryable", "next_try"),
    [
        ("http_429", 429, "upstream_busy", True, 2),
        ("http_401", 401, "key_refused", False, 1),
    ],
)
def test_a_refused_request_frees_the_reference(
    kind: str,
    status: int,
    code: str,
    retryable: bool,
    next_try: int,
    charge_client: ChargeClient,
    paywall: SandboxPaywall,
    rows: Rows,
) -> None:
    paywall.arm("charge", kind, seconds=30)
    failed = charge_client.charge()
    assert (failed.status, failed.outcome, failed.retryable) == (status, code, retryable)
    row = rows.one()
    assert (row.state, row.was_in_doubt, row.try_number) == (FREE, False, next_try)
    assert paywall.booked("charge") == []

    assert charge_client.charge().outcome == "charged"
    assert paywall.booked("charge") == ONCE
    assert len(paywall.asked("charge")) == 2


def test_a_key_that_upstream_refuses_is_asked_about_again(
    charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    charge_client.charge(reference="order-0")
    assert len(paywall.asked("subscriptions")) == 1
    paywall.arm("charge", "http_401")
    charge_client.charge()
    charge_client.charge()
    assert len(paywall.asked("subscriptions")) == 2


def test_a_short_slow_down_is_waited_out_under_the_same_key(
    charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    paywall.arm("charge", "http_429", seconds=1)
    assert charge_client.charge().outcome == "charged"
    first, second = paywall.keys("charge")
    assert first == second
    assert paywall.booked("charge") == ONCE


def test_an_answer_that_takes_longer_than_the_budget_leaves_doubt_and_one_charge(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    charge_client.prove()
    paywall.arm("charge", "slow", seconds=3, times=2)  # so that the retry is the last to end
    charge_client.budget = 2.0
    failed = charge_client.charge()
    assert (failed.status, failed.outcome, failed.retryable) == (504, "upstream_timeout", True)
    assert rows.one().state == IN_DOUBT
    charge_client.budget = 24.0
    assert charge_client.charge().outcome == "charged"
    first, second = paywall.keys("charge")
    assert first == second
    assert paywall.booked("charge") == ONCE


@pytest.mark.slow
def test_a_call_ends_after_twenty_seconds_and_its_retry_charges_once(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.arm("charge", "slow", seconds=22)
    began = monotonic()
    failed = charge_client.charge()
    assert 20 <= monotonic() - began < 25
    assert (failed.status, failed.retryable) == (504, True)
    assert rows.one().state == IN_DOUBT
    paywall.arm("charge", "slow", seconds=4)  # so that the retry is the last to end
    assert charge_client.charge().outcome == "charged"
    assert paywall.booked("charge") == ONCE


def test_an_upstream_that_cannot_be_reached_was_sent_nothing(
    charge_client: ChargeClient,
    database: str,
    paywall: SandboxPaywall,
    rows: Rows,
    unused_port: int,
) -> None:
    charge_client.prove()
    away = ChargeClient(database, f"http://127.0.0.1:{unused_port}").open_for(paywall)
    away.budget = 2.0
    failed = away.charge()
    away.close()
    assert (failed.status, failed.outcome, failed.retryable) == (503, "upstream_unreachable", True)
    row = rows.one()
    assert (row.state, row.was_in_doubt, row.try_number) == (FREE, False, 1)


def test_a_user_who_was_refused_pays_and_is_charged_once_by_the_same_reference(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    """Upstream replays its stored refusal for a day, so the next try takes the next key."""
    refused = charge_client.charge(user="poor")
    assert (refused.status, refused.outcome, refused.duplicate) == (200, "topup_required", False)
    assert (rows.one().state, rows.one().try_number) == (FREE, 2)

    paywall.user("poor", balance="2")
    assert charge_client.charge(user="poor").outcome == "charged"
    assert charge_client.charge(user="poor").duplicate
    assert paywall.booked("charge") == ONCE
    first, second = paywall.keys("charge")
    assert first != second


def test_a_refusal_while_in_doubt_keeps_the_key_while_the_first_may_be_on_its_way(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    """Under another key it could be a second charge."""
    paywall.arm("charge", "drop_before_commit")
    charge_client.charge(user="poor")
    assert charge_client.charge(user="poor").outcome == "topup_required"
    paywall.user("poor", balance="2")
    assert charge_client.charge(user="poor").outcome == "still_in_doubt"
    assert len(set(paywall.keys("charge"))) == 1
    assert rows.one().state == IN_DOUBT


@pytest.mark.parametrize("kind", ["http_401", "http_429"])
def test_a_refused_retry_does_not_end_the_doubt(
    kind: str, charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.arm("charge", "drop_after_commit")
    charge_client.charge()
    paywall.arm("charge", kind, seconds=30)
    charge_client.charge()
    assert rows.one().state == IN_DOUBT
    assert charge_client.charge().outcome == "charged"
    assert len(set(paywall.keys("charge"))) == 1
    assert paywall.booked("charge") == ONCE


def test_a_deposit_whose_answer_was_lost_is_made_once(
    charge_client: ChargeClient, paywall: SandboxPaywall
) -> None:
    paywall.arm("deposit", "drop_after_commit")
    assert charge_client.deposit().status == 502
    retried = charge_client.deposit()
    assert (retried.outcome, retried.duplicate) == ("deposited", False)
    assert charge_client.deposit().duplicate
    assert paywall.booked("deposit") == ONCE
    assert paywall.balance("ann") == Decimal("11.5")
