"""Every step does what it says when it is sent as it is written."""

from __future__ import annotations

from typing import Any

import pytest

from connector import actions as actions_folder
from connector.catalog.actions import actions
from connector.specs.flowxo import described
from tests.specs.flowxo.conftest import FlowXO

pytestmark = pytest.mark.xdist_group("flowxo")
WAYS = ["as_form", "as_json"]
STEPS = [step["key"] for step in described()["steps"]]

actions_folder.load()


def check_flat(answer: Any, step: dict[str, Any]) -> None:
    """No nulls, nesting or arrays, and at least the outputs that the step tells."""
    assert isinstance(answer, dict)
    assert {type(value) for value in answer.values()} <= {str, bool, int}
    assert [output["name"] for output in step["outputs"]] == list(answer)[: len(step["outputs"])]
    assert not [name for name in answer if "__" in name or "." in name or name.startswith("$")]


def test_every_action_has_a_step_or_a_reason_why_not() -> None:
    result = described()
    left_out = [left["key"] for left in result["left_out"]]
    assert [action.key for action in actions() if not action.many] == STEPS
    lists = [action.key for action in actions() if action.many]
    assert left_out == lists == ["transactions", "models"]


def prepare(flowxo: FlowXO, key: str, before: str = "charge") -> None:
    """What a step needs: a user who has money and, for a refund, one who has paid."""
    flowxo.paywall.user("user_42", balance="20")
    if key == "refund":
        assert flowxo.send(flowxo.step(before), "as_form").json()["outcome"] == "charged"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", STEPS)
def test_a_step_succeeds_as_it_is_written(flowxo: FlowXO, key: str, way: str) -> None:
    prepare(flowxo, key)
    step = flowxo.step(key)
    answer = flowxo.send(step, way)
    assert answer.status_code == 200
    check_flat(answer.json(), step)
    assert answer.json()["success"] is True
    assert answer.json()["outcome"] == next(iter(step["outcomes"]))
    assert len(answer.json()) == len(step["outputs"])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", STEPS)
def test_a_step_takes_its_optional_rows_too(flowxo: FlowXO, key: str, way: str) -> None:
    prepare(flowxo, key, "use")
    step = flowxo.step(key)
    more = {row["name"]: row["value"] for row in step["rows"] if "instead_of" not in row}
    assert flowxo.send(step, way, **more).json()["success"] is True


@pytest.mark.parametrize("way", WAYS)
def test_a_row_can_stand_in_for_another(flowxo: FlowXO, way: str) -> None:
    flowxo.paywall.user("user_42", balance="20")
    items = [(s, row) for s in flowxo.found["steps"] for row in s["rows"] if "instead_of" in row]
    assert items
    for step, row in items:
        changed = {row["instead_of"]: "", row["name"]: row["value"]}
        assert flowxo.send(step, way, **changed).json()["success"] is True


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", STEPS)
def test_the_key_may_be_a_row_instead_of_a_header(flowxo: FlowXO, key: str, way: str) -> None:
    prepare(flowxo, key)
    step = flowxo.step(key)
    content_type = [row for row in step[way]["headers"] if row["name"] == "Content-Type"]
    bare = step | {way: step[way] | {"headers": content_type}}
    answer = flowxo.send(bare, way, api_key=flowxo.paywall.key)
    assert answer.json()["success"] is True


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", STEPS)
def test_a_problem_is_a_normal_flat_answer_with_a_sentence(
    flowxo: FlowXO, key: str, way: str
) -> None:
    flowxo.paywall.key += "~r9"
    step = flowxo.step(key)
    answer = flowxo.send(step, way)
    assert answer.status_code == 200
    check_flat(answer.json(), step)
    assert (answer.json()["success"], answer.json()["outcome"]) == (False, "error")
    assert answer.json()["outcome"] in step["outcomes"]
    assert answer.json()["message"].endswith(".")


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("key", ["charge", "deposit"])
def test_a_task_that_runs_twice_counts_once(flowxo: FlowXO, key: str, way: str) -> None:
    flowxo.paywall.user("user_42", balance="20")
    first, second = (flowxo.send(flowxo.step(key), way).json() for _ in range(2))
    assert (first["duplicate"], second["duplicate"]) == (False, True)
    assert len(flowxo.paywall.booked(key)) == 1


@pytest.mark.parametrize("way", WAYS)
def test_a_pick_that_gave_nothing_is_told_not_charged(flowxo: FlowXO, way: str) -> None:
    flowxo.paywall.user("user_42", balance="20")
    answer = flowxo.send(flowxo.step("charge"), way, reference="form-{{trigger.data__id}}")
    assert answer.json()["outcome"] == "error"
    assert "placeholder" in answer.json()["message"]
    assert flowxo.paywall.booked("charge") == []


def test_the_address_everywhere_is_the_public_one(flowxo: FlowXO) -> None:
    assert "connector.example.com" not in str(flowxo.found)
    for step in [*flowxo.found["steps"], flowxo.found["subscribe"]]:
        assert step["address"].startswith(f"{flowxo.found['address']}/v1/")
        assert step["method"] == "POST"
