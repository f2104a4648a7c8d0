"""An owner's own Stripe: each event as Stripe sends it, run through the imported workflows."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from connector.actions.deposit import NOT_SUPPORTED
from connector.specs.n8n import workflows
from tests.specs import stripe_events as stripe
from tests.specs.n8n.conftest import ConnectedApp
from tests.specs.n8n.executions import Execution
from tests.support.processes import SandboxPaywall

Json = dict[str, Any]
pytestmark = pytest.mark.xdist_group("n8n")
PAID = "checkout.session.completed"


@dataclass
class Shop:
    """Both workflows in one form, and an id for what is sold in one test."""

    app: ConnectedApp
    ending: str
    id: str

    @property
    def user(self) -> str:
        """Who pays."""
        return f"payer-{self.id}"

    @property
    def payment(self) -> str:
        """The payment's id at Stripe."""
        return f"pi_{self.id}"

    @property
    def balance(self) -> Decimal:
        """What the payer has."""
        return self.app.paywall.balance(self.user)

    def pays(self, inner: Json, kind: str = PAID, currency: str = "usd") -> Execution:
        """Stripe tells of a payment."""
        name = f"Deposit after a Stripe payment{self.ending}"
        return self._tell(name, "Stripe Payment", stripe.event(kind, inner), currency)

    def gives_back(self, kind: str, inner: Json) -> Execution:
        """Stripe tells of a refund or dispute."""
        name = f"Take back after a Stripe refund or dispute{self.ending}"
        return self._tell(name, "Stripe Refund or Dispute", stripe.event(kind, inner), "usd")

    def mails(self, reference: str) -> list[str]:
        """What the owner was written about a refund or dispute."""
        subject = f"Not taken back: {reference}"
        kept = self.app.mails.kept
        return [str(m.get_payload(decode=True)) for m in kept if m["Subject"] == subject]

    def _tell(self, name: str, trigger: str, event: Json, currency: str) -> Execution:
        workflow = self.app.imported(name)
        if currency != "usd":
            # A run by hand saves what it was given, so this is a workflow of its own.
            text = json.dumps({key: workflow[key] for key in ("name", "nodes", "connections")})
            text = text.replace('"value": "usd"', f'"value": "{currency}"')
            workflow = self.app.n8n.save({**json.loads(text), "name": self.id})
        return self.app.n8n.run(workflow, trigger, [event])


@pytest.fixture(params=["", " (HTTP Request)"], ids=["node", "http"])
def shop(request: pytest.FixtureRequest, connected_app: ConnectedApp) -> Shop:
    """A shop with a payer of its own, who has nothing yet."""
    return Shop(connected_app, request.param, secrets.token_hex(6))


def test_a_paid_session_is_deposited_once(shop: Shop) -> None:
    for kind in ("completed", "async_payment_succeeded", "expired"):
        for status in ("unpaid", "paid"):
            inner = stripe.session(shop.payment, shop.user, 1250, status=status)
            done = shop.pays(inner, f"checkout.session.{kind}")
            assert done.status == "success"
            assert ("Deposit Credits" in done.ran) is (status == "paid" and kind != "expired")
    assert shop.balance == Decimal("12.50")


def test_a_payment_without_stripes_page_is_deposited_once(shop: Shop) -> None:
    kind = "payment_intent.succeeded"
    shop.pays(stripe.payment_intent(shop.payment, None, 1250), kind)
    assert shop.app.booked(shop.user) == []
    shop.pays(stripe.payment_intent(shop.payment, shop.user, 1250), kind)
    shop.pays(stripe.session(shop.payment, shop.user, 1250))
    assert shop.balance == Decimal("12.50")


@pytest.mark.parametrize(
    ("currency", "amount"), [("jpy", Decimal(1250)), ("kwd", Decimal("1.25")), ("ugx", "12.5")]
)
def test_a_currency_has_as_many_decimals_as_stripe_gives_it(
    shop: Shop, currency: str, amount: Decimal | str
) -> None:
    done = shop.pays(stripe.session(shop.payment, shop.user, 1250, currency), currency=currency)
    assert done.status == "success", done.error
    assert shop.balance == Decimal(amount)


def test_a_payment_in_another_currency_is_not_deposited_but_told(shop: Shop) -> None:
    done = shop.pays(stripe.session(shop.payment, shop.user, 1250, "jpy"))
    assert done.status == "error"
    assert f"{shop.payment} is in jpy" in done.error["message"]
    assert shop.app.booked(shop.user) == []


def test_a_payment_of_nobody_fails_instead_of_getting_lost(shop: Shop) -> None:
    done = shop.pays(stripe.session(shop.payment, None, 1250))
    assert done.status == "error"
    assert "User ID" in str(done.error)


def test_each_partial_refund_is_taken_back_once(shop: Shop) -> None:
    shop.pays(stripe.session(shop.payment, shop.user, 1250))
    for id, amount in (("re_a", 250), ("re_b", 300), ("re_a", 250), ("re_b", 300)):
        inner = stripe.refund(f"{id}_{shop.id}", shop.payment, amount)
        assert shop.gives_back("refund.created", inner).status == "success"
        # Stripe tells the sum of all refunds as well.
        total = stripe.charge(shop.payment, 1250, 550)
        assert "Charge User" not in shop.gives_back("charge.refunded", total).ran
    assert shop.balance == Decimal("7.00")


def test_a_refund_that_fails_later_is_given_back(shop: Shop) -> None:
    shop.pays(stripe.session(shop.payment, shop.user, 1250))
    id = f"re_{shop.id}"
    shop.gives_back("refund.created", stripe.refund(id, shop.payment, 1250, status="pending"))
    assert shop.balance == 0
    for kind in ("refund.failed", "refund.updated"):
        failed = stripe.refund(id, shop.payment, 1250, status="failed")
        done = shop.gives_back(kind, failed)
        assert (done.status, "Charge User" in done.ran) == ("success", False)
    assert shop.balance == Decimal("12.50")


def test_a_dispute_is_taken_back_once_and_given_back_when_it_is_won(shop: Shop) -> None:
    shop.pays(stripe.session(shop.payment, shop.user, 1250))
    id = f"du_{shop.id}"
    question = stripe.dispute(id, shop.payment, 1250, "warning_needs_response")
    assert "Charge User" not in shop.gives_back("charge.dispute.created", question).ran
    assert shop.balance == Decimal("12.50")
    for kind in ("created", "funds_withdrawn"):
        inner = stripe.dispute(id, shop.payment, 1250, "needs_response")
        assert shop.gives_back(f"charge.dispute.{kind}", inner).status == "success"
    assert shop.balance == 0
    for kind in ("funds_reinstated", "closed"):
        won = stripe.dispute(id, shop.payment, 1250, "won")
        assert shop.gives_back(f"charge.dispute.{kind}", won).status == "success"
    assert shop.balance == Decimal("12.50")


def test_the_owner_hears_when_the_money_is_spent_and_the_event_sent_again_takes_it_later(
    shop: Shop,
) -> None:
    shop.pays(stripe.session(shop.payment, shop.user, 1250))
    shop.app.charge(shop.user, "12.00", f"spent-{shop.id}")
    inner = stripe.refund(f"re_{shop.id}", shop.payment, 1250)
    done = shop.gives_back("refund.created", inner)
    assert done.status == "error"
    assert done.items("Charge User")[0]["outcome"] == "topup_required"
    (told,) = shop.mails(inner["id"])
    assert shop.user in told
    assert "12.50" in told
    assert "/checkout/" in told
    shop.app.paywall.user(shop.user, balance="20.00", connected=True)
    for _ in range(2):
        assert shop.gives_back("refund.created", inner).status == "success"
    assert shop.balance == Decimal("7.50")


@pytest.mark.parametrize("payment", ["pi_of_another_shop", None])
def test_a_refund_of_what_was_never_deposited_is_told_and_takes_nothing(
    shop: Shop, payment: str | None
) -> None:
    shop.pays(stripe.session(shop.payment, shop.user, 1250))
    inner = stripe.refund(f"re_{shop.id}", "x", 1250, payment_intent=payment, charge=payment)
    done = shop.gives_back("refund.created", inner)
    assert done.status == "error"
    assert "Charge User" not in done.ran
    (told,) = shop.mails(inner["id"])
    assert "There is no deposit" in told
    assert shop.balance == Decimal("12.50")


@pytest.mark.parametrize("key", ["stripe-deposit", "stripe-deposit-http"])
def test_a_deposit_that_was_not_made_is_no_success(key: str, connected_app: ConnectedApp) -> None:
    shared = SandboxPaywall(connected_app.paywall.address, f"shared-{key}")
    data = {**connected_app.credential, "apiKey": shared.key}
    header = {"name": "X-API-Key", "value": shared.key}
    text = workflows(connected_app.connector.address)[key]
    for kind, name, values in (
        ("paywallsApi", "Paywalls account", data),
        ("httpHeaderAuth", "Header Auth account", header),
    ):
        connected_app.n8n.credential(kind, f"{name} {key}", values)
        text = text.replace(f'"{name}"', f'"{name} {key}"')
    # Of its own name: others look the imported one up by its name.
    workflow = connected_app.n8n.save({**json.loads(text), "name": key})
    event = stripe.event(PAID, stripe.session(f"pi_{key}", "x", 1))
    done = connected_app.n8n.run(workflow, "Stripe Payment", [event])
    shared.close()
    assert done.status == "error"
    assert done.error["message"] == NOT_SUPPORTED
