"""Stripe's own events through the recipes for an owner's own Stripe."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector.specs.flowxo import described
from tests.specs import stripe_events as stripe
from tests.specs.flowxo.conftest import FlowXO
from tests.specs.flowxo.flows import Run
from tests.specs.flowxo.scripts import result_of

pytestmark = pytest.mark.xdist_group("flowxo")
PAYMENT = stripe.session("pi_1", "user_42", 1250)


def paid(flowxo: FlowXO) -> Run:
    """The flows, after the payment of 12.50."""
    return tell(Run(flowxo), "stripe_payment", PAYMENT)


def tell(
    run: Run, key: str, inner: dict[str, Any], kind: str = "checkout.session.completed"
) -> Run:
    """Run a recipe with what Stripe posts."""
    run.trigger = stripe.event(kind, inner)
    return run.go(key)


@pytest.mark.parametrize(
    ("currency", "amount"), [("usd", "12.50"), ("jpy", "1250"), ("kwd", "1.250")]
)
def test_the_script_makes_a_sum_of_stripes_number(currency: str, amount: str) -> None:
    recipe = next(r for r in described()["recipes"] if r["key"] == "stripe_payment")
    script = next(task["script"] for task in recipe["tasks"] if task["do"] == "code")
    assert result_of(script, {"amount": "1250", "currency": currency}) == {"amount": amount}


def test_each_partial_refund_is_taken_back_once(flowxo: FlowXO) -> None:
    run = paid(flowxo)
    assert tell(run, "stripe_payment", PAYMENT).done == ["remember"]
    for id, amount in (("re_a", 250), ("re_b", 300), ("re_a", 250)):
        inner = stripe.refund(id, "pi_1", amount)
        assert tell(run, "stripe_take_back", inner, "refund.created").said == []
    assert flowxo.paywall.balance("user_42") == Decimal("7.00")


def test_a_dispute_is_taken_back_once_and_a_question_is_not(flowxo: FlowXO) -> None:
    run = paid(flowxo)
    for status, left in (("warning_needs_response", "12.5"), ("needs_response", "0")):
        for kind in ("charge.dispute.created", "charge.dispute.funds_withdrawn"):
            inner = stripe.dispute("du_1", "pi_1", 1250, status)
            tell(run, "stripe_take_back", inner, kind)
        assert flowxo.paywall.balance("user_42") == Decimal(left)
    won = stripe.dispute("du_1", "pi_1", 1250, "won")
    for _ in range(2):
        tell(run, "stripe_came_back", won, "charge.dispute.funds_reinstated")
    assert flowxo.paywall.balance("user_42") == Decimal("12.5")


def test_the_owner_hears_when_the_money_is_spent(flowxo: FlowXO) -> None:
    run = paid(flowxo)
    flowxo.paywall.user("user_42", balance="1")
    inner = stripe.refund("re_1", "pi_1", 1250)
    tell(run, "stripe_take_back", inner, "refund.created")
    assert run.done == ["owed"]
    assert "12.50 could not be taken back from user_42" in run.said[0]
    assert "/checkout/" in run.said[0]
    flowxo.paywall.user("user_42", balance="20")
    assert tell(run, "stripe_take_back", inner, "refund.created").done == []
    assert flowxo.paywall.balance("user_42") == Decimal("7.50")


def test_what_was_never_deposited_is_told(flowxo: FlowXO) -> None:
    inner = stripe.refund("re_1", "pi_other", 1250)
    run = tell(paid(flowxo), "stripe_take_back", inner, "refund.created")
    assert run.done == ["unknown_payment"]
    assert flowxo.paywall.booked("charge") == []


def test_another_currency_is_told_and_not_deposited(flowxo: FlowXO) -> None:
    run = tell(Run(flowxo), "stripe_payment", stripe.session("pi_1", "u", 1250, "jpy"))
    assert run.done == ["other_currency"]
    assert flowxo.paywall.booked("deposit") == []


@pytest.mark.parametrize("status", ["unpaid", "no_payment_required"])
def test_what_is_not_paid_yet_is_not_deposited(flowxo: FlowXO, status: str) -> None:
    inner = stripe.session("pi_1", "user_42", 1250, status=status)
    assert tell(Run(flowxo), "stripe_payment", inner).done == []
    assert flowxo.paywall.booked("deposit") == []
