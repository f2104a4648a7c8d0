"""Every recipe is run as FlowXO runs a flow: a filter skips its own task and nothing else."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connector.catalog.callbacks import WAIT_USUAL
from connector.specs.flowxo import described
from connector.specs.flowxo.recipes import NOT_DONE, OWED
from connector.specs.flowxo.tasks import LATER
from tests.specs import stripe_events as stripe
from tests.specs.flowxo.conftest import FlowXO
from tests.specs.flowxo.flows import NOW, TRIGGER, Run
from tests.support.processes import until
from tests.support.slow_model import SECONDS, SLOW_MODEL

pytestmark = pytest.mark.xdist_group("flowxo")
MESSAGE_MAX = 640
"""What channels like Messenger show of one message."""
PAYMENT = stripe.session("pi_1", "user_42", 1250)
TOLD_BY_STRIPE = {
    "stripe_payment": stripe.event("checkout.session.completed", PAYMENT),
    "stripe_take_back": stripe.event("refund.created", stripe.refund("re_1", "pi_1", 1250)),
    "stripe_came_back": stripe.event(
        "refund.failed", stripe.refund("re_1", "pi_1", 1250, status="failed")
    ),
}
KEYS = [recipe["key"] for recipe in described()["recipes"]]
LAST_TASKS = {
    "charge_per_form": ["thanks"],
    "charge_before_answer": ["answer"],
    "paid_ai_answer": ["reply"],
    "free_then_paid": ["answer"],
    "cap_then_cheaper": ["best_answer"],
    "tiered_tools": ["found"],
    "check_run_charge": ["work", "result"],
    "refund_if_failed": ["work", "result"],
    "balance_depleted": ["mail", "remember"],
    "signup_credit": ["told"],
    "renewal_credit": ["told"],
    "refund": ["told"],
    "stripe_payment": ["remember"],
    "stripe_take_back": [],
    "stripe_came_back": ["told"],
}
"""What happens beside the HTTP tasks while all goes well."""
PAID = [
    "charge_per_form",
    "charge_before_answer",
    "paid_ai_answer",
    "free_then_paid",
    "cap_then_cheaper",
    "tiered_tools",
    "check_run_charge",
    "refund_if_failed",
]
RULES: dict[str, dict[str, Any]] = {
    "answer": {"free_per_day": 3, "price": "0.25"},
    "best-answer": {"price": "0.25", "cap_per_user_day": "2.50"},
    "small-answer": {"price": "0.02"},
    "tool-search": {"price": "0.02"},
    "tool-report": {"price": "0.50"},
}
"""What the notes of the recipes say to set."""
TOOLS = ["search", "report", "free"]


def set_rules(flowxo: FlowXO) -> None:
    """Set what the recipes' notes say."""
    for name, rule in RULES.items():
        address = f"{flowxo.found['address']}/v1/features/{name}"
        flowxo.http.put(address, json=rule, headers=flowxo.paywall.bearer).raise_for_status()


@pytest.fixture(autouse=True)
def rules(request: pytest.FixtureRequest) -> None:
    """The rules of the features, wherever a builder is there."""
    if "flowxo" in request.fixturenames:
        set_rules(request.getfixturevalue("flowxo"))


def use_up_what_is_free(run: Run) -> None:
    """Ask three times; what comes after is to be paid."""
    for number in range(3):
        run.message = f"free-{number}"
        assert run.go("free_then_paid").done == ["answer"]
    run.message = ""


def check_link(said: list[str], paywall_address: str) -> None:
    """One message, short enough, whose last line is a link and nothing else."""
    (text,) = said
    assert len(text) <= MESSAGE_MAX
    words, link = text.split("\n")
    assert words.endswith(":")
    assert re.fullmatch(rf"{re.escape(paywall_address)}/\S+", link)


def test_every_recipe_is_expected_here() -> None:
    assert list(LAST_TASKS) == KEYS


@pytest.mark.parametrize("key", KEYS)
def test_its_http_tasks_use_steps_and_rows_that_exist(key: str) -> None:
    steps = {step["key"]: step for step in described()["steps"]}
    recipe = next(r for r in described()["recipes"] if r["key"] == key)
    tasks = [task for task in recipe["tasks"] if task["do"] == "http"]
    assert tasks
    for task in tasks:
        known = {row["name"]: row["required"] for row in steps[task["step"]]["rows"]}
        given = [row["name"] for row in task["rows"]]
        assert {name for name, required in known.items() if required} <= set(given) <= set(known)


@pytest.mark.parametrize("key", PAID)
def test_something_is_said_or_done_for_every_outcome(key: str) -> None:
    steps = {step["key"]: step for step in described()["steps"]}
    recipe = next(r for r in described()["recipes"] if r["key"] == key)
    conditions = [c for task in recipe["tasks"] for c in task.get("only_if", [])]
    for task in recipe["tasks"]:
        if task["do"] == "http":
            asked = f"{{{{{task['name']}.data__outcome}}}}"
            items = {o for c in conditions if c["value"] == asked for o in c["to"].split(", ")}
            assert items == set(steps[task["step"]]["outcomes"])


BEFORE = {
    "refund": ["charge_per_form"],
    "stripe_take_back": ["stripe_payment"],
    "stripe_came_back": ["stripe_payment", "stripe_take_back"],
}
"""What must have happened for a recipe to have something to do."""


@pytest.mark.parametrize("key", KEYS)
def test_with_money_all_goes_well(flowxo: FlowXO, key: str) -> None:
    flowxo.paywall.user("user_42", balance="20")
    run = Run(flowxo, {("user_42", "email"): "ann@example.com"})
    for name in [*BEFORE.get(key, []), key]:
        run.trigger = TOLD_BY_STRIPE.get(name, TRIGGER)
        run.go(name)
    assert run.done == LAST_TASKS[key]
    assert all(text and len(text) <= MESSAGE_MAX for text in run.said)


def test_an_answer_that_takes_longer_than_a_task_is_asked_for_again(flowxo: FlowXO) -> None:
    flowxo.paywall.user("user_42", balance="20")
    flowxo.paywall.arm("chat", "slow", seconds=1)
    before = len(flowxo.paywall.asked("chat"))
    run = Run(flowxo, more={"chat": {"wait": "0"}}).go("paid_ai_answer")
    assert run.answers["chat"]["data"]["outcome"] == "pending"
    assert run.done == ["reply_again"]
    assert len(flowxo.paywall.asked("chat")) == before + 1


def test_an_answer_that_takes_even_longer_is_promised(flowxo: FlowXO) -> None:
    flowxo.paywall.user("user_42", balance="20")
    flowxo.paywall.arm("chat", "hold", seconds=60)
    at_once = {"wait": "0"}
    try:
        run = Run(flowxo, more={"chat": at_once, "again": at_once}).go("paid_ai_answer")
        assert run.done == ["slow"]
        until(lambda: flowxo.paywall.asked("chat"))
    finally:
        flowxo.paywall.release()
    assert Run(flowxo).go("paid_ai_answer").done == ["reply"]
    assert len(flowxo.paywall.asked("chat")) == len(flowxo.paywall.booked("charge")) == 1


@pytest.mark.proof
def test_a_model_that_thinks_for_90_seconds_is_asked_and_paid_once(flowxo: FlowXO) -> None:
    """The second task is repeated until its tasks wait for longer than that, as the note says."""
    flowxo.paywall.user("user_42", balance="20")
    (recipe,) = [one for one in flowxo.found["recipes"] if one["key"] == "paid_ai_answer"]
    chat, again, *told = recipe["tasks"]
    recipe["tasks"] = [chat, *[again] * (SECONDS // WAIT_USUAL), *told]
    model = {"model": SLOW_MODEL}
    run = Run(flowxo, more={"chat": model, "again": model}).go("paid_ai_answer")
    assert run.done == ["reply_again"]
    assert len(flowxo.paywall.asked("chat")) == len(flowxo.paywall.booked("charge")) == 1


@pytest.mark.parametrize("key", PAID)
def test_without_money_nothing_is_done_but_the_link_is_sent(flowxo: FlowXO, key: str) -> None:
    run = Run(flowxo)
    if key == "free_then_paid":
        use_up_what_is_free(run)
    run.go(key)
    assert not set(run.done) & set(LAST_TASKS[key])
    check_link(run.said, flowxo.paywall.address)


@pytest.mark.parametrize("key", PAID)
def test_without_authorization_the_link_is_sent(flowxo: FlowXO, key: str) -> None:
    flowxo.paywall.key = f"sk-paywalls-sandbox-shared-{flowxo.paywall.name}"
    set_rules(flowxo)
    run = Run(flowxo)
    if key == "free_then_paid":
        use_up_what_is_free(run)
    run.go(key)
    assert not set(run.done) & set(LAST_TASKS[key])
    check_link(run.said, flowxo.paywall.address)


@pytest.mark.parametrize("key", PAID)
def test_when_something_breaks_one_sentence_is_said(flowxo: FlowXO, key: str) -> None:
    flowxo.paywall.key += "~r9"
    run = Run(flowxo).go(key)
    assert run.said == [LATER]
    assert not set(run.done) & set(LAST_TASKS[key])


def test_money_spent_between_check_and_charge_keeps_the_result_back(flowxo: FlowXO) -> None:
    flowxo.paywall.user("user_42", balance="20")
    run = Run(flowxo, meanwhile=lambda: flowxo.paywall.user("user_42", balance="0"))
    assert run.go("check_run_charge").done == ["work", "link"]
    check_link(run.said, flowxo.paywall.address)


@pytest.mark.parametrize("key", ["signup_credit", "renewal_credit", "refund"])
def test_credits_are_given_and_told_once(flowxo: FlowXO, key: str) -> None:
    run = Run(flowxo)
    if key == "refund":
        flowxo.paywall.user("user_42", balance="20")
        run.go("charge_per_form")
    assert run.go(key).done == ["told"]
    given = flowxo.paywall.booked("deposit")
    assert run.go(key).done == []
    assert flowxo.paywall.booked("deposit") == given
    assert len(given) == 1


def test_the_low_balance_mail_comes_at_most_daily(flowxo: FlowXO) -> None:
    run = Run(flowxo, {("user_42", "email"): "ann@example.com"})
    check_link(run.go("balance_depleted").said, flowxo.paywall.address)
    assert run.go("balance_depleted").done == []
    assert len(flowxo.paywall.asked("topup")) == 1
    run.attributes["user_42", "nudged_at"] = (NOW - timedelta(days=2)).isoformat()
    assert run.go("balance_depleted").done == ["mail", "remember"]


def test_nobody_is_written_to_when_the_event_names_nobody(flowxo: FlowXO) -> None:
    run = Run(flowxo, trigger=TRIGGER | {"user": ""})
    assert run.go("balance_depleted").done == []
    assert flowxo.paywall.asked("topup") == []


def test_after_the_cap_the_cheaper_variant_is_used(flowxo: FlowXO) -> None:
    flowxo.paywall.user("user_42", balance="2.52")
    run = Run(flowxo)
    done = []
    for number in range(12):
        run.message = f"m{number}"
        done += run.go("cap_then_cheaper").done
    assert done == ["best_answer"] * 10 + ["small_answer", "small_link"]
    assert flowxo.paywall.balance("user_42") == 0


def test_each_tool_has_its_price_and_an_unknown_one_costs_nothing(flowxo: FlowXO) -> None:
    flowxo.paywall.user("user_42", balance="0.60")
    done = [Run(flowxo, trigger=TRIGGER | {"tool": t}).go("tiered_tools").done for t in TOOLS]
    assert done == [["found"], ["reported"], []]
    assert flowxo.paywall.balance("user_42") == Decimal("0.08")


def test_work_that_fails_is_given_back_once(flowxo: FlowXO) -> None:
    flowxo.paywall.user("user_42", balance="20")
    run = Run(flowxo, works=False).go("refund_if_failed")
    assert run.said == [NOT_DONE]
    assert run.done == ["work", "sorry"]
    assert "result" not in run.go("refund_if_failed").done
    assert flowxo.paywall.balance("user_42") == 20


def test_what_cannot_be_given_back_is_not_promised(flowxo: FlowXO) -> None:
    flowxo.paywall.user("user_42", balance="20")
    flowxo.paywall.arm("deposit", "http_500", times=50)
    run = Run(flowxo, works=False).go("refund_if_failed")
    flowxo.paywall.arm("deposit", "http_500", times=0)
    assert run.said == [OWED]
