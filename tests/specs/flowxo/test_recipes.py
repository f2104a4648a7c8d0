"""Every recipe is run as FlowXO runs a flow: a filter skips its own task and nothing else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connector.specs.flowxo import described
from connector.specs.flowxo.recipes import LATER
from tests.specs.flowxo.conftest import FlowXO

pytestmark = pytest.mark.xdist_group("flowxo")
MESSAGE_MAX = 640
"""What channels like Messenger show of one message."""
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
TRIGGER = {"user": "user_42", "created_at": NOW.isoformat()}
KEYS = [recipe["key"] for recipe in described()["recipes"]]
LAST_TASKS = {
    "charge_per_form": ["thanks"],
    "charge_before_answer": ["answer"],
    "paid_ai_answer": ["reply"],
    "check_run_charge": ["work", "result"],
    "balance_depleted": ["mail", "remember"],
    "signup_credit": ["told"],
    "renewal_credit": ["told"],
    "refund": ["told"],
}
"""What happens beside the HTTP tasks while all goes well."""
PAID = ["charge_per_form", "charge_before_answer", "paid_ai_answer", "check_run_charge"]


@dataclass
class Run:
    """One run of a flow: what came out of its tasks, what was done, what was said."""

    flowxo: FlowXO
    attributes: dict[tuple[str, str], str] = field(default_factory=dict)
    meanwhile: Callable[[], None] = lambda: None
    trigger: dict[str, Any] = field(default_factory=lambda: dict(TRIGGER))
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    done: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    more: dict[str, dict[str, str]] = field(default_factory=dict)

    def go(self, key: str) -> Run:
        """Run a recipe from its first task to its last."""
        recipe = next(r for r in self.flowxo.found["recipes"] if r["key"] == key)
        self.answers, self.done, self.said = {"trigger": self.trigger}, [], []
        if not all(self._met(condition) for condition in recipe.get("only_if", [])):
            return self
        for task in recipe["tasks"]:
            if all(self._met(condition) for condition in task.get("only_if", [])):
                self._do(task)
        return self

    def _do(self, task: dict[str, Any]) -> None:
        match task["do"]:
            case "http":
                rows = {row["name"]: row["value"] for row in task["rows"]}
                rows |= self.more.get(task["name"], {})
                answer = self.flowxo.send(self.flowxo.step(task["step"]), "as_form", **rows)
                self.answers[task["name"]] = answer.json()
                return
            case "get_attribute":
                value = self.attributes.get((self._filled(task["key"]), task["attribute"]), "")
                self.answers[task["name"]] = {"value": value}
                return
            case "set_attribute":
                to = self._filled(task["set_to"])
                self.attributes[self._filled(task["key"]), task["attribute"]] = to
            case "message" | "mail":
                self.said.append(self._filled(task["text"]))
            case kind:
                assert kind == "your_task"
                self.meanwhile()
        self.done.append(task["name"])

    def _met(self, condition: dict[str, Any]) -> bool:
        value, to = self._filled(condition["value"]), condition["to"]
        if condition.get("or_empty") and not value:
            return True
        match condition["is"]:
            case "is not empty":
                return bool(value)
            case "equals":
                return value == str(to)
            case "equals one of":
                return value in [part.strip() for part in to.split(",")]
            case "is before":
                assert to == "1 day ago"
                return datetime.fromisoformat(value) < NOW - timedelta(days=1)
        raise AssertionError(condition["is"])

    def _filled(self, text: str) -> str:
        def pick(result: re.Match[str]) -> str:
            answer = self.answers.get(result["task"], {})
            value = answer.get(result["field"], "")
            return str(value).lower() if isinstance(value, bool) else str(value)

        return re.sub(r"\{\{(?P<task>\w+?)\.(?:data__)?(?P<field>\w+)\}\}", pick, text)


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


@pytest.mark.parametrize("key", KEYS)
def test_with_money_all_goes_well(flowxo: FlowXO, key: str) -> None:
    flowxo.paywall.user("user_42", balance="20")
    if key == "refund":
        Run(flowxo).go("charge_per_form")
    run = Run(flowxo, {("user_42", "email"): "ann@example.com"}).go(key)
    assert run.done == LAST_TASKS[key]
    assert all(text and len(text) <= MESSAGE_MAX for text in run.said)


def test_an_answer_that_takes_longer_than_a_task_is_asked_for_again(flowxo: FlowXO) -> None:
    flowxo.paywall.user("user_42", balance="20")
    flowxo.paywall.arm("chat", "slow", seconds=1)
    before = len(flowxo.paywall.asked("chat"))
    run = Run(flowxo, more={"chat": {"wait": "0"}}).go("paid_ai_answer")
    assert run.answers["chat"]["outcome"] == "pending"
    assert run.done == ["reply_again"]
    assert len(flowxo.paywall.asked("chat")) == before + 1


def test_an_answer_that_takes_even_longer_is_promised(flowxo: FlowXO) -> None:
    flowxo.paywall.user("user_42", balance="20")
    flowxo.paywall.arm("chat", "hold", seconds=60)
    at_once = {"wait": "0"}
    run = Run(flowxo, more={"chat": at_once, "again": at_once}).go("paid_ai_answer")
    assert run.done == ["slow"]
    flowxo.paywall.release()


@pytest.mark.parametrize("key", PAID)
def test_without_money_nothing_is_done_but_the_link_is_sent(flowxo: FlowXO, key: str) -> None:
    run = Run(flowxo).go(key)
    assert not set(run.done) & set(LAST_TASKS[key])
    check_link(run.said, flowxo.paywall.address)


@pytest.mark.parametrize("key", PAID)
def test_without_authorization_the_link_is_sent(flowxo: FlowXO, key: str) -> None:
    flowxo.paywall.key = f"sk-paywalls-sandbox-shared-{flowxo.paywall.name}"
    run = Run(flowxo).go(key)
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
