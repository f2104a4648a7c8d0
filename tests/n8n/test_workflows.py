"""Every ready-made workflow, imported by n8n's own command as it is, and run."""

from __future__ import annotations

from decimal import Decimal
from email.message import Message
from typing import Any

import pytest

from connector.specs.n8n import workflows
from tests.n8n.conftest import House
from tests.n8n.test_triggers import emit, hooks_of, meet
from tests.processes import until

Json = dict[str, Any]
pytestmark = pytest.mark.xdist_group("n8n")
VARIANTS = pytest.mark.parametrize("ending", ["", " (HTTP Request)"])


def published(house: House, name: str, path: str) -> Json:
    """An imported workflow with a webhook, switched on and listening."""
    workflow = house.imported(name)
    house.n8n.publish(workflow)
    until(lambda: house.n8n.listens(path))
    return workflow


def mails_to(house: House, address: str) -> list[Message]:
    """The mails that came for an address."""
    return [mail for mail in house.mails.kept if mail["To"] == address]


def test_all_are_imported_with_the_credentials_of_their_names(house: House) -> None:
    names = {w["name"] for w in house.n8n.workflows()}
    whole = [house.imported(name) for name in names if name.endswith(" (HTTP Request)")]
    assert len(whole) == len(workflows("")) / 2
    for workflow in whole:
        plain = house.imported(workflow["name"].removesuffix(" (HTTP Request)"))
        assert "n8n-nodes-paywalls" not in str(workflow["nodes"])
        assert "n8n-nodes-paywalls" in str(plain["nodes"])
        for node in [*workflow["nodes"], *plain["nodes"]]:
            assert all(c["id"] for c in node.get("credentials", {}).values()), node["name"]


@VARIANTS
def test_the_gate_answers_who_has_paid_and_sends_others_the_link(ending: str, house: House) -> None:
    path = "gate-before-ai" + ("-http" if ending else "")
    published(house, f"Charge before an AI step{ending}", path)
    rich, poor = f"rich-{path}", f"poor-{path}"
    house.paywall.user(rich, balance="1.00", connected=True)
    house.paywall.user(poor, balance="0.01", connected=True)
    question = {"message": "What is rain?", "message_id": f"{path}-1"}
    for _ in range(2):
        answer = house.n8n.call(path, {**question, "user": rich}).json()
        assert answer["answer"].startswith('You asked: "What is rain?"')
    assert house.paywall.balance(rich) == Decimal("0.95")
    refused = house.n8n.call(path, {**question, "user": poor, "message_id": f"{path}-2"}).json()
    assert refused["link"].startswith("http")
    assert refused["link"] in refused["answer"]


@VARIANTS
def test_a_signup_is_credited_once(ending: str, house: House) -> None:
    path = "signup-credit" + ("-http" if ending else "")
    published(house, f"Signup credit{ending}", path)
    user = f"new-{path}"
    first, second = (house.n8n.call(path, {"user": user}).json() for _ in range(2))
    assert (first["outcome"], first["duplicate"]) == ("deposited", False)
    assert second["duplicate"] is True
    assert house.paywall.balance(user) == Decimal(5)


@VARIANTS
def test_a_stripe_payment_is_deposited_once(ending: str, house: House) -> None:
    workflow = house.imported(f"Deposit after a Stripe payment{ending}")
    user = f"stripe-{workflow['id']}"
    session = {"id": f"cs_{user}", "client_reference_id": user, "amount_total": 1250}
    for status in ("unpaid", "paid", "paid"):
        event = {"data": {"object": {**session, "payment_status": status}}}
        assert house.n8n.run(workflow, "Stripe Payment", [event]).status == "success"
        workflow = house.n8n.workflow(workflow["id"])
    assert house.paywall.balance(user) == Decimal("12.50")


def test_a_user_whose_balance_is_used_up_gets_one_mail_a_day(house: House) -> None:
    workflow = house.imported("Low-balance nudge, at most once a day")
    house.n8n.publish(workflow)
    until(lambda: hooks_of(house, ""))
    meet(house, "nudged", "nudged-too")
    emit(house, "nudged")
    emit(house, "nudged")
    until(lambda: len(house.n8n.executions(workflow)) == 2)
    emit(house, "nudged-too")
    until(lambda: mails_to(house, "nudged-too@example.com"))
    (mail,) = mails_to(house, "nudged@example.com")
    assert "/checkout/" in str(mail.get_payload())
    house.n8n.unpublish(workflow)


def test_the_same_without_our_nodes(house: House) -> None:
    workflow = house.imported("Low-balance nudge, at most once a day (HTTP Request)")
    meet(house, "asked-for")
    emit(house, "asked-for")
    until(lambda: "asked-for" in house.asked("/v1/triggers/balance_depleted").text)
    for _ in range(2):
        assert house.n8n.run(workflow, "Every 5 Minutes", [{}]).status == "success"
        workflow = house.n8n.workflow(workflow["id"])
    (mail,) = mails_to(house, "asked-for@example.com")
    assert "/checkout/" in str(mail.get_payload())
