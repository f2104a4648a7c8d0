"""A try whose answer was lost, then a "no", then the user pays: the next try charges, once.

The "no" may be an answer that upstream had stored under the key that is in doubt, so it is told but
decides nothing. Only when the user could pay and the lost try cannot be on its way any more does
the next key follow, in the same call (docs/exactly-once.md).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest

from connector.store.ledger_rows import DONE, IN_DOUBT
from tests.ledger.rows import Rows
from tests.support.charge_client import Answer, ChargeClient
from tests.support.processes import SandboxPaywall

ONCE = [Decimal("1.5")]
SETTLED = 121
"""Seconds after which a lost try is not on its way any more (CONNECTOR_DOUBT_SECONDS and one)."""


@pytest.fixture
def refused_after_doubt(charge_client: ChargeClient, paywall: SandboxPaywall) -> ChargeClient:
    """A builder whose first try was lost, whose second was refused, and whose user then paid."""
    paywall.arm("charge", "drop_before_commit")
    assert charge_client.charge(user="poor").status == 502
    refused = charge_client.charge(user="poor")
    assert (refused.status, refused.outcome) == (200, "topup_required")
    assert refused.body["action_url"].startswith("http")
    paywall.user("poor", balance="2")
    return charge_client


def test_a_user_who_paid_after_the_refusal_is_charged_once_the_lost_try_is_settled(
    refused_after_doubt: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    rows.pass_seconds(SETTLED)
    charged = refused_after_doubt.charge(user="poor")
    assert (charged.status, charged.outcome, charged.duplicate) == (200, "charged", False)
    assert paywall.booked("charge") == ONCE
    assert refused_after_doubt.charge(user="poor").duplicate
    lost, refused, old, new = paywall.keys("charge")
    assert lost == refused == old != new
    assert rows.one().state == DONE


def test_until_then_it_is_said_that_it_is_being_settled_and_no_link_is_shown_again(
    refused_after_doubt: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    told = refused_after_doubt.charge(user="poor")
    assert (told.status, told.outcome, told.retryable) == (409, "still_in_doubt", True)
    assert "http" not in told.body["message"]
    assert "Send the same again" in told.body["message"]
    assert paywall.booked("charge") == []
    assert rows.one().state == IN_DOUBT


def test_the_wait_is_told_in_seconds_and_counts_from_the_last_lost_try(
    refused_after_doubt: ChargeClient, rows: Rows
) -> None:
    rows.pass_seconds(100)
    told = refused_after_doubt.charge(user="poor")
    assert told.status == 409
    assert 1 <= int(told.retry_after) <= 20


def test_a_lost_try_in_between_begins_the_wait_anew(
    refused_after_doubt: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    rows.pass_seconds(SETTLED)
    paywall.arm("charge", "http_500")
    assert refused_after_doubt.charge(user="poor").status == 502
    assert refused_after_doubt.charge(user="poor").status == 409
    rows.pass_seconds(SETTLED)
    assert refused_after_doubt.charge(user="poor").outcome == "charged"
    assert paywall.booked("charge") == ONCE


def test_a_user_who_still_cannot_pay_is_shown_the_link_again(
    refused_after_doubt: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.user("poor", balance="1")
    rows.pass_seconds(SETTLED)
    told = refused_after_doubt.charge(user="poor")
    assert (told.outcome, told.body["action_url"] != "") == ("topup_required", True)
    assert len(set(paywall.keys("charge"))) == 1


def test_a_first_try_that_was_refused_but_whose_answer_was_lost_is_charged_after_the_top_up(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    """Upstream stored the "no" whose answer never came."""
    paywall.arm("charge", "drop_after_commit")
    charge_client.charge(user="poor")
    paywall.user("poor", balance="2")
    assert charge_client.charge(user="poor").outcome == "still_in_doubt"
    rows.pass_seconds(SETTLED)
    assert charge_client.charge(user="poor").outcome == "charged"
    assert paywall.booked("charge") == ONCE


def test_a_first_try_that_did_charge_is_never_followed_by_another_key(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.user("poor", balance="1.5")
    paywall.arm("charge", "drop_after_commit")
    charge_client.charge(user="poor")
    paywall.user("poor", balance="9")
    rows.pass_seconds(SETTLED)
    assert charge_client.charge(user="poor").outcome == "charged"
    assert paywall.booked("charge") == ONCE
    assert len(set(paywall.keys("charge"))) == 1


def test_a_user_who_must_authorize_first_is_charged_after_doing_so(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.user("new", balance="2", connected=False)
    paywall.arm("charge", "drop_before_commit")
    charge_client.charge(user="new")
    assert charge_client.charge(user="new").outcome == "authorization_required"
    paywall.user("new", connected=True)
    rows.pass_seconds(SETTLED)
    assert charge_client.charge(user="new").outcome == "charged"
    assert paywall.booked("charge") == ONCE


def test_the_next_key_whose_answer_is_lost_is_the_one_in_doubt(
    refused_after_doubt: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    rows.pass_seconds(SETTLED)
    paywall.arm("charge", "slow", seconds=0.01)  # the old key's answer
    paywall.arm("charge", "drop_after_commit")
    assert refused_after_doubt.charge(user="poor").status == 502
    assert rows.one().state == IN_DOUBT
    rows.pass_seconds(SETTLED)
    assert refused_after_doubt.charge(user="poor").outcome == "charged"
    assert paywall.booked("charge") == ONCE
    assert paywall.keys("charge")[-1] == paywall.keys("charge")[-2]


def test_a_no_under_the_next_key_is_told_and_the_one_after_it_can_still_charge(
    refused_after_doubt: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    rows.pass_seconds(SETTLED)
    paywall.settings(decline_wording="Not today.")
    assert refused_after_doubt.charge(user="poor").outcome == "declined"
    paywall.settings(decline_wording="")
    assert refused_after_doubt.charge(user="poor").outcome == "charged"
    assert paywall.booked("charge") == ONCE


@pytest.mark.parametrize("operation", ["connect", "balance"])
def test_while_nobody_can_tell_whether_the_user_can_pay_nothing_new_is_sent(
    operation: str, refused_after_doubt: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    rows.pass_seconds(SETTLED)
    paywall.arm(operation, "http_401")
    told = refused_after_doubt.charge(user="poor")
    assert (told.status, told.outcome, told.retryable) == (409, "still_in_doubt", True)
    assert len(set(paywall.keys("charge"))) == 1
    assert refused_after_doubt.charge(user="poor").outcome == "charged"


def test_many_calls_at_once_after_the_top_up_are_one_charge(
    refused_after_doubt: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    paywall.user("poor", balance="20")
    rows.pass_seconds(SETTLED)

    def charge(_: int) -> Answer:
        answer = refused_after_doubt.charge(user="poor")
        refused_after_doubt.hang_up()
        return answer

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(charge, range(12)))
    assert {answer.outcome for answer in answers} == {"charged"}
    assert sorted(answer.duplicate for answer in answers) == [False, *[True] * 11]
    assert paywall.booked("charge") == ONCE


def test_under_another_key_a_charge_in_doubt_is_not_sent(
    charge_client: ChargeClient, paywall: SandboxPaywall, rows: Rows
) -> None:
    """Upstream may remember what was sent for each key apart."""
    paywall.tell_its_id()
    paywall.arm("charge", "drop_after_commit")
    charge_client.charge()
    paywall.rotate()
    told = charge_client.charge()
    assert (told.status, told.outcome, told.retryable) == (409, "still_in_doubt", True)
    assert "another Paywalls key" in told.body["message"]
    assert len(paywall.asked("charge")) == 1
    assert rows.one().state == IN_DOUBT
