"""Every operation of the node, run by a real n8n against a real connector."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connector import actions as actions_folder
from connector.catalog.actions import Action, actions
from connector.specs.n8n.action_node import resource
from tests.specs.n8n.conftest import ConnectedApp
from tests.specs.n8n.executions import Execution
from tests.specs.n8n.flows import GO, STEP, step

Json = dict[str, Any]
pytestmark = pytest.mark.xdist_group("n8n")
actions_folder.load()


def run(connected_app: ConnectedApp, workflow: Json) -> Execution:
    return connected_app.n8n.run(connected_app.n8n.save(workflow), GO)


def filled_in(action: Action) -> Json:
    """Every field that must be filled in, with its example."""
    words = action.words()
    names = [name for name, field in words.items() if field.required] + list(
        action.input.one_of[:1]
    )
    values: Json = {name: words[name].example for name in names}
    if "model" in values:
        values["model"] = {"__rl": True, "mode": "id", "value": values["model"]}
    return values


@pytest.mark.parametrize("action", actions(), ids=lambda action: action.key)
def test_every_operation_runs(action: Action, connected_app: ConnectedApp) -> None:
    connected_app.paywall.user("user_42", balance="20.00", connected=True)
    connected_app.paywall.set_feature(connected_app.connector, price="0.25")
    values = filled_in(action)
    if action.key == "refund":  # the example is the reference of a charge and of a use here
        values["reference"] = "refund-me"
        connected_app.charge("user_42", "0.50", "refund-me")
    done = run(connected_app, step(action.key, resource(action), values))
    assert done.status == "success", done.error
    items = done.items(STEP)
    if action.many:
        assert action.key != "models" or "gpt-4o-mini" in [item["id"] for item in items]
    else:
        (item,) = items
        assert item["outcome"] == next(iter(action.outcomes))
        assert set(item) == set(action.output().fields)


@pytest.mark.parametrize("action", [a for a in actions() if a.exactly_once], ids=lambda a: a.key)
def test_a_run_by_hand_moves_nothing(action: Action, connected_app: ConnectedApp) -> None:
    user, reference = f"tried-{action.key}", f"tried-{action.key}"
    connected_app.paywall.user(user, balance="20.00", connected=True)
    connected_app.paywall.set_feature(connected_app.connector, price="0.25")
    values = filled_in(action) | {"reference": reference, "when_tested": "check"}
    if "user" in values:
        values["user"] = user
    if action.key == "refund":
        connected_app.charge(user, "0.50", reference)
    booked = connected_app.booked(user)
    (item,) = run(connected_app, step(action.key, resource(action), values)).items(STEP)
    assert (item["success"], item["outcome"]) == (False, f"would_{action.key}")
    assert connected_app.booked(user) == booked
    assert set(item) == set(action.output().fields)


def test_a_run_by_hand_goes_on_where_the_user_cannot_pay(connected_app: ConnectedApp) -> None:
    values = {"user": "tried-poor", "amount": "5", "reference": "tried-poor"}
    (item,) = run(connected_app, step("charge", "user", {**values, "when_tested": "check"})).items(
        STEP
    )
    assert item["outcome"] == "topup_required"
    assert item["action_url"].startswith("http")


def test_a_feature_is_free_and_then_at_its_quota(connected_app: ConnectedApp) -> None:
    connected_app.paywall.set_feature(connected_app.connector, free_per_day=1)
    values = {"user": "frugal", "feature": "pdf-parse", "reference": "free-1"}
    (item,) = run(connected_app, step("use", "user", values)).items(STEP)
    assert (item["outcome"], item["amount"], item["free_left"]) == ("free", "0", 0)
    stopped = run(connected_app, step("use", "user", {**values, "reference": "free-2"}))
    assert stopped.status == "error"
    assert "has used up what is free today" in stopped.error["message"]
    assert connected_app.booked("frugal") == []


def test_what_was_free_has_nothing_to_give_back_and_the_run_goes_on(
    connected_app: ConnectedApp,
) -> None:
    connected_app.paywall.set_feature(connected_app.connector, free_per_day=1)
    values = {"user": "gratis", "feature": "pdf-parse", "reference": "gratis-1"}
    assert run(connected_app, step("use", "user", values)).status == "success"
    done = run(connected_app, step("refund", "transaction", {"reference": "gratis-1"}))
    (item,) = done.items(STEP)
    assert (item["success"], item["outcome"]) == (False, "nothing_to_refund")


def test_a_transaction_is_found_by_its_reference(connected_app: ConnectedApp) -> None:
    connected_app.paywall.user("found", balance="5.00", connected=True)
    values = {"user": "found", "amount": "0.10", "reference": "found-1"}
    assert run(connected_app, step("charge", "user", values)).status == "success"
    asked = {"additionalFields": {"reference": "found-1"}}
    done = run(connected_app, step("transactions", "transaction", asked))
    (item,) = done.items(STEP)
    assert (item["user"], item["happened"], item["result"]) == ("found", True, "charged")


def test_additional_fields_are_sent(connected_app: ConnectedApp) -> None:
    connected_app.paywall.user("noted", balance="5.00", connected=True)
    more = {"metadata": '{"plan": "pro"}', "description": "One image"}
    values = {"user": "noted", "amount": "0.10", "reference": "noted-1", "additionalFields": more}
    assert run(connected_app, step("charge", "user", values)).status == "success"
    (booked,) = connected_app.booked("noted")
    notes = {"reference": "noted-1", "description": "One image", "plan": "pro"}
    assert booked["metadata"] == notes


def test_each_item_and_each_run_is_a_charge_of_its_own(connected_app: ConnectedApp) -> None:
    connected_app.paywall.user("many", balance="5.00", connected=True)
    saved = connected_app.n8n.save(
        step("charge", "user", {"user": "many", "amount": "={{ $json.price }}"})
    )
    for _ in range(2):
        done = connected_app.n8n.run(
            saved, GO, [{"price": "0.10"}, {"price": "0.20"}, {"price": "0.30"}]
        )
        assert [item["duplicate"] for item in done.items(STEP)] == [False] * 3
    assert connected_app.paywall.balance("many") == Decimal("3.80")


def test_a_refused_charge_stops_the_run_with_the_words_and_the_link(
    connected_app: ConnectedApp,
) -> None:
    connected_app.paywall.user("broke", balance="0.00", connected=True)
    done = run(connected_app, step("charge", "user", {"user": "broke", "amount": "1.00"}))
    assert done.status == "error"
    assert done.error["message"] == "User broke has too little balance for 1"
    link = done.error["errorResponse"]["action_url"]
    clickable = f'Send them this link: <a href="{link}" target="_blank">{link}</a>.'
    assert clickable in done.error["description"]
    assert "“Continue”" in done.error["description"]


def test_a_refused_chat_stops_too(connected_app: ConnectedApp) -> None:
    model = {"__rl": True, "mode": "id", "value": "sandbox-chat"}
    values = {"user": "never-seen", "model": model, "prompt": "Hello"}
    done = run(connected_app, step("chat", "model", values))
    assert done.status == "error"
    assert done.error["errorResponse"]["outcome"] == "topup_required"
    assert done.error["message"] == "User never-seen has too little balance for an answer"


def test_markup_in_a_user_id_is_shown_as_it_was_sent(connected_app: ConnectedApp) -> None:
    values = {"user": '<img src=x onerror="alert(1)">', "amount": "1"}
    done = run(connected_app, step("charge", "user", values))
    assert done.error["message"].startswith("User &lt;img src=x onerror=&quot;alert(1)&quot;&gt; ")
    assert "<img" not in done.error["description"]


def test_a_refused_charge_goes_on_where_that_is_wanted(connected_app: ConnectedApp) -> None:
    connected_app.paywall.user("broke", balance="0.00", connected=True)
    values = {"user": "broke", "amount": "1.00", "on_refusal": "continue"}
    done = run(connected_app, step("charge", "user", values))
    assert done.status == "success"
    (item,) = done.items(STEP)
    assert (item["success"], item["outcome"]) == (False, "topup_required")
    assert item["action_url"].startswith("http")


def test_a_wrong_value_is_told_in_the_connectors_own_words(connected_app: ConnectedApp) -> None:
    done = run(connected_app, step("charge", "user", {"user": "ann", "amount": "1,50"}))
    assert done.error["message"].startswith("“Amount” needs a dot")
    assert "req_" in done.error["description"]


def test_the_node_tries_again_and_charges_once(connected_app: ConnectedApp) -> None:
    paywall = connected_app.paywall
    paywall.user("once", balance="5.00", connected=True)
    values = {"user": "once", "amount": "1.00"}
    paywall.arm("charge", "drop_after_commit")
    assert run(connected_app, step("charge", "user", values)).status == "error"
    assert paywall.balance("once") == Decimal("4.00")
    paywall.arm("charge", "drop_after_commit")
    before = len(paywall.keys("charge"))
    again = {"retryOnFail": True, "maxTries": 3, "waitBetweenTries": 100}
    done = run(connected_app, step("charge", "user", values, **again))
    assert done.items(STEP)[0]["outcome"] == "charged"
    sent = paywall.keys("charge")[before:]
    assert len(sent) == 2
    assert len(set(sent)) == 1
    assert paywall.balance("once") == Decimal("3.00")


def test_the_credential_is_tested(connected_app: ConnectedApp) -> None:
    def told(data: Json) -> Json:
        named = ("paywallsApi", "Paywalls account")
        return connected_app.n8n.test_credential(connected_app.key_credential, *named, data)

    assert told(connected_app.credential)["status"] == "OK"
    assert (
        told({**connected_app.credential, "url": f"{connected_app.connector.address}/ "})["status"]
        == "OK"
    )
    wrong = told({**connected_app.credential, "apiKey": "sk-paywalls-sandbox-"})
    assert wrong["status"] == "Error"
    assert wrong["message"].startswith("The API key was not accepted.")
    elsewhere = told({**connected_app.credential, "url": connected_app.paywall.address})
    assert elsewhere["message"].startswith("There is no Paywalls Connector at this address.")


@pytest.mark.parametrize("node", ["paywalls", "paywallsChatModel"])
def test_models_are_offered_to_choose_from(node: str, connected_app: ConnectedApp) -> None:
    kind = f"n8n-nodes-paywalls.{node}"
    offered = connected_app.n8n.models(kind, connected_app.key_credential)
    assert len(offered) > 1
    assert {"name": "GPT-4o mini", "value": "gpt-4o-mini"}.items() <= connected_app.n8n.models(
        kind, connected_app.key_credential, "4o"
    )[0].items()
