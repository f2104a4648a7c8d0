"""Which prompts make the sandbox's models call a tool, and with which values."""

import json
from typing import Any

import pytest

from connector.sandbox.tool_calls import wanted_call


def tool(name: str, required: list[str] | None = None, **properties: object) -> dict[str, Any]:
    parameters = {"type": "object", "properties": properties, "required": required or []}
    return {"type": "function", "function": {"name": name, "parameters": parameters}}


TEXT = {"type": "string"}
CHARGE = tool("charge_user", ["user", "amount"], user=TEXT, amount=TEXT, reference=TEXT)
BALANCE = tool("get_balance", ["user"], user=TEXT)


def called(prompt: str, *tools: dict[str, Any], **more: object) -> tuple[str, dict[str, Any]]:
    call = wanted_call({"tools": list(tools), **more}, prompt)
    assert call is not None
    return call.name, json.loads(call.arguments)


@pytest.mark.parametrize(
    ("prompt", "name"),
    [
        ("Use the tool get_balance for user ann", "get_balance"),
        ("Please charge user ann 2.50", "charge_user"),
        ("What is the balance of customer ann?", "get_balance"),
    ],
)
def test_prompt_picks_the_tool(prompt: str, name: str) -> None:
    assert called(prompt, CHARGE, BALANCE)[0] == name


def test_values_come_from_the_prompt() -> None:
    _, arguments = called("Charge user ann 2.50 for order A-17", CHARGE)
    assert arguments == {"user": "ann", "amount": "2.50", "reference": "A-17"}


def test_numbers_are_numbers_where_the_schema_says_so() -> None:
    numeric = tool("charge", amount={"type": "number"})
    assert called("charge 2.50", numeric)[1] == {"amount": 2.5}


def test_required_values_that_are_not_mentioned_are_made_up() -> None:
    send = tool(
        "send_note", ["text", "loud", "kind"], text=TEXT, loud={"type": "boolean"},
        kind={"enum": ["a", "b"]}, extra=TEXT,
    )  # fmt: skip
    _, arguments = called('send_note saying "hello you"', send)
    assert arguments == {"text": "hello you", "loud": True, "kind": "a"}


def test_enum_takes_the_value_that_is_mentioned() -> None:
    paint = tool("paint", colour={"type": "string", "enum": ["red", "blue"]})
    assert called("paint it blue", paint)[1] == {"colour": "blue"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"tools": []},
        {"tools": [CHARGE], "tool_choice": "none"},
        {"tools": [BALANCE]},
    ],
)
def test_no_tool_is_called_where_none_fits(body: dict[str, Any]) -> None:
    assert wanted_call(body, "Please charge_user ann") is None


def test_tool_choice_can_demand_one() -> None:
    assert called("Hello", CHARGE, BALANCE, tool_choice="required")[0] in (
        "charge_user",
        "get_balance",
    )
    named = {"type": "function", "function": {"name": "get_balance"}}
    assert called("Hello", CHARGE, BALANCE, tool_choice=named)[0] == "get_balance"
