"""Every ready-made workflow, imported by n8n's own command as it is, and run."""

from __future__ import annotations

import json
from decimal import Decimal
from email.message import Message
from typing import Any

import pytest

from connector.actions.deposit import NOT_SUPPORTED
from connector.specs.n8n import workflows
from tests.specs.n8n.conftest import House
from tests.specs.n8n.test_triggers import emit, hooks_of, meet
from tests.support.processes import SandboxPaywall, until

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
    workflow = published(house, f"Charge before an AI step{ending}", path)
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
    assert house.n8n.call(path, {**question, "user": rich}, secret="guessed").status_code == 403
    house.n8n.call(path, {"user": rich, "message": "Free?"})
    run = house.n8n.execution(house.n8n.executions(workflow)[-1])
    assert run.status == "error"
    assert "“Reference”" in str(run.error)
    assert house.paywall.balance(rich) == Decimal("0.95")


@VARIANTS
def test_a_signup_is_credited_once(ending: str, house: House) -> None:
    path = "signup-credit" + ("-http" if ending else "")
    published(house, f"Signup credit{ending}", path)
    user = f"new-{path}"
    first, second = (house.n8n.call(path, {"user": user}).json() for _ in range(2))
    assert (first["outcome"], first["duplicate"]) == ("deposited", False)
    assert second["duplicate"] is True
    assert house.n8n.call(path, {"user": f"not-{user}"}, secret="guessed").status_code == 403
    assert house.booked(f"not-{user}") == []
    assert house.paywall.balance(user) == Decimal(5)


@VARIANTS
def test_a_stripe_payment_is_deposited_once(ending: str, house: House) -> None:
    workflow = house.imported(f"Deposit after a Stripe payment{ending}")
    user = f"stripe-{workflow['id']}"
    session = {"id": f"cs_{user}", "client_reference_id": user, "amount_total": 1250}
    for status in ("unpaid", "paid", "paid"):
        for kind in ("completed", "async_payment_succeeded", "expired"):
            event = {
                "type": f"checkout.session.{kind}",
                "data": {"object": {**session, "payment_status": status}},
            }
            done = house.n8n.run(workflow, "Stripe Payment", [event])
            assert done.status == "success"
            assert ("Deposit Credits" in done.ran) is (status == "paid" and kind != "expired")
            workflow = house.n8n.workflow(workflow["id"])
    assert house.paywall.balance(user) == Decimal("12.50")


@pytest.mark.parametrize("key", ["stripe-deposit", "stripe-deposit-http"])
def test_a_deposit_that_was_not_made_is_no_success(key: str, house: House) -> None:
    shared = SandboxPaywall(house.paywall.address, f"shared-{key}")
    data = {**house.credential, "apiKey": shared.key}
    header = {"name": "X-API-Key", "value": shared.key}
    text = workflows(house.connector.address)[key]
    for kind, name, values in (
        ("paywallsApi", "Paywalls account", data),
        ("httpHeaderAuth", "Header Auth account", header),
    ):
        house.n8n.credential(kind, f"{name} {key}", values)
        text = text.replace(f'"{name}"', f'"{name} {key}"')
    workflow = house.n8n.save(json.loads(text))
    session = {
        "id": "cs_1",
        "client_reference_id": "x",
        "amount_total": 1,
        "payment_status": "paid",
    }
    event = {"type": "checkout.session.completed", "data": {"object": session}}
    done = house.n8n.run(workflow, "Stripe Payment", [event])
    shared.close()
    assert done.status == "error"
    assert done.error["message"] == NOT_SUPPORTED


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
    for _ in range(2):
        emit(house, "asked-for")
    heard = "/v1/triggers/balance_depleted?user=asked-for"
    until(lambda: len(house.asked(heard).json()) == 2)
    for _ in range(2):
        assert house.n8n.run(workflow, "Every 5 Minutes", [{}]).status == "success"
        workflow = house.n8n.workflow(workflow["id"])
    (mail,) = mails_to(house, "asked-for@example.com")
    assert "/checkout/" in str(mail.get_payload())
