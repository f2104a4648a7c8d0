"""Every ready-made workflow, imported by n8n's own command as it is, and run."""

from __future__ import annotations

from decimal import Decimal
from email.message import Message
from typing import Any

import pytest

from connector.specs.n8n import workflows
from tests.specs.n8n.conftest import ConnectedApp
from tests.specs.n8n.test_triggers import emit, hooks_of, meet
from tests.support.processes import until

Json = dict[str, Any]
pytestmark = pytest.mark.xdist_group("n8n")
VARIANTS = pytest.mark.parametrize("ending", ["", " (HTTP Request)"])


def published(connected_app: ConnectedApp, name: str, path: str) -> Json:
    """An imported workflow with a webhook, switched on and listening."""
    workflow = connected_app.imported(name)
    connected_app.n8n.publish(workflow)
    until(lambda: connected_app.n8n.listens(path))
    return workflow


def mails_to(connected_app: ConnectedApp, address: str) -> list[Message]:
    """The mails that came for an address."""
    return [mail for mail in connected_app.mails.kept if mail["To"] == address]


def test_all_are_imported_with_the_credentials_of_their_names(connected_app: ConnectedApp) -> None:
    names = {w["name"] for w in connected_app.n8n.workflows()}
    whole = [connected_app.imported(name) for name in names if name.endswith(" (HTTP Request)")]
    assert len(whole) == len(workflows("")) / 2
    for workflow in whole:
        plain = connected_app.imported(workflow["name"].removesuffix(" (HTTP Request)"))
        assert "n8n-nodes-paywalls" not in str(workflow["nodes"])
        assert "n8n-nodes-paywalls" in str(plain["nodes"])
        for node in [*workflow["nodes"], *plain["nodes"]]:
            assert all(c["id"] for c in node.get("credentials", {}).values()), node["name"]


@VARIANTS
def test_the_gate_answers_who_has_paid_and_sends_others_the_link(
    ending: str, connected_app: ConnectedApp
) -> None:
    path = "gate-before-ai" + ("-http" if ending else "")
    workflow = published(connected_app, f"Charge before an AI step{ending}", path)
    rich, poor = f"rich-{path}", f"poor-{path}"
    connected_app.paywall.user(rich, balance="1.00", connected=True)
    connected_app.paywall.user(poor, balance="0.01", connected=True)
    question = {"message": "What is rain?", "message_id": f"{path}-1"}
    for _ in range(2):
        answer = connected_app.n8n.call(path, {**question, "user": rich}).json()
        assert answer["answer"].startswith('You asked: "What is rain?"')
    assert connected_app.paywall.balance(rich) == Decimal("0.95")
    refused = connected_app.n8n.call(
        path, {**question, "user": poor, "message_id": f"{path}-2"}
    ).json()
    assert refused["link"].startswith("http")
    assert refused["link"] in refused["answer"]
    assert (
        connected_app.n8n.call(path, {**question, "user": rich}, secret="guessed").status_code
        == 403
    )
    connected_app.n8n.call(path, {"user": rich, "message": "Free?"})
    run = connected_app.n8n.execution(connected_app.n8n.executions(workflow)[-1])
    assert run.status == "error"
    assert "“Reference”" in str(run.error)
    assert connected_app.paywall.balance(rich) == Decimal("0.95")


@VARIANTS
def test_a_signup_is_credited_once(ending: str, connected_app: ConnectedApp) -> None:
    path = "signup-credit" + ("-http" if ending else "")
    published(connected_app, f"Signup credit{ending}", path)
    user = f"new-{path}"
    first, second = (connected_app.n8n.call(path, {"user": user}).json() for _ in range(2))
    assert (first["outcome"], first["duplicate"]) == ("deposited", False)
    assert second["duplicate"] is True
    assert (
        connected_app.n8n.call(path, {"user": f"not-{user}"}, secret="guessed").status_code == 403
    )
    assert connected_app.booked(f"not-{user}") == []
    assert connected_app.paywall.balance(user) == Decimal(5)


def test_a_user_whose_balance_is_used_up_gets_one_mail_a_day(connected_app: ConnectedApp) -> None:
    workflow = connected_app.imported("Low-balance nudge, at most once a day")
    connected_app.n8n.publish(workflow)
    until(lambda: hooks_of(connected_app, ""))
    meet(connected_app, "nudged", "nudged-too")
    emit(connected_app, "nudged")
    emit(connected_app, "nudged")
    until(lambda: len(connected_app.n8n.executions(workflow)) == 2)
    emit(connected_app, "nudged-too")
    until(lambda: mails_to(connected_app, "nudged-too@example.com"))
    (mail,) = mails_to(connected_app, "nudged@example.com")
    assert "/checkout/" in str(mail.get_payload())
    connected_app.n8n.unpublish(workflow)


def test_the_same_without_our_nodes(connected_app: ConnectedApp) -> None:
    workflow = connected_app.imported("Low-balance nudge, at most once a day (HTTP Request)")
    meet(connected_app, "asked-for")
    for _ in range(2):
        emit(connected_app, "asked-for")
    heard = "/v1/triggers/balance_depleted?user=asked-for"
    until(lambda: len(connected_app.asked(heard).json()) == 2)
    for _ in range(2):
        assert connected_app.n8n.run(workflow, "Every 5 Minutes", [{}]).status == "success"
        workflow = connected_app.n8n.workflow(workflow["id"])
    (mail,) = mails_to(connected_app, "asked-for@example.com")
    assert "/checkout/" in str(mail.get_payload())
