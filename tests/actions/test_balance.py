"""Get Balance: the number in what upstream formatted for people, and whether it is enough."""

from typing import Any

import pytest

from tests.actions.scripted import Scripted
from tests.api.builder import Builder, check_problem
from tests.conftest import BEARER

SHAPE = [
    "success",
    "outcome",
    "message",
    "action_url",
    "user",
    "balance",
    "balance_formatted",
    "balance_raw",
    "sufficient",
]


@pytest.mark.parametrize("method", ["get", "post"])
def test_balance_answers_get_and_post_alike(builder: Builder, method: str) -> None:
    builder.user("ann", balance="1234.5")
    answer = getattr(builder, method)("balance", user="ann")
    assert list(answer.json) == SHAPE
    assert answer.json == {
        "success": True,
        "outcome": "sufficient",
        "message": "The balance is $1,234.50.",
        "action_url": "",
        "user": "ann",
        "balance": "1234.5",
        "balance_formatted": "$1,234.50",
        "balance_raw": "1234500000000000000000",
        "sufficient": True,
    }


def test_a_new_user_has_nothing_and_causes_no_link(builder: Builder) -> None:
    answer = builder.get("balance", user="ann").json
    assert answer is not None
    assert (answer["outcome"], answer["sufficient"]) == ("insufficient", False)
    assert (answer["balance"], answer["action_url"]) == ("0", "")
    assert builder.operations() == ["balance"]


@pytest.mark.parametrize("minimum", ["2", "2.00", "0", "1.999999"])
def test_a_minimum_that_is_met_is_sufficient(builder: Builder, minimum: str) -> None:
    builder.user("ann", balance="2")
    answer = builder.get("balance", user="ann", minimum=minimum).json
    assert answer is not None
    assert (answer["outcome"], answer["action_url"]) == ("sufficient", "")
    assert builder.operations() == ["balance"]


def test_a_minimum_that_is_not_met_comes_with_a_topup_link(builder: Builder) -> None:
    builder.user("ann", balance="2")
    answer = builder.get("balance", user="ann", minimum="2.000001").json
    assert answer is not None
    assert (answer["success"], answer["outcome"]) == (True, "insufficient")
    assert "/checkout/" in answer["action_url"]
    assert builder.operations() == ["balance", "topup"]


@pytest.mark.parametrize(
    ("formatted", "number"),
    [
        ("$1,234.50", "1234.5"),
        ("1.234,50 €", "1234.5"),
        ("1 234,50", "1234.5"),
        ("1\u202f234,50\u00a0€", "1234.5"),
        ("CHF 1'234.50", "1234.5"),
        ("-$3.00", "-3"),
        ("−3,00 €", "-3"),
        ("0.000001 USDC", "0.000001"),
        ("$0.00", "0"),
        ("", ""),
        ("unlimited", ""),
        ("$1.00 of $5.00", ""),
        ("1.2.3,4,5", ""),
    ],
)
def test_the_number_is_read_from_any_format(
    scripted: Scripted, formatted: str, number: str
) -> None:
    scripted.says["user/balance"] = {"balance": "1", "balanceFormatted": formatted}
    answer = scripted.ask("balance", user="ann")
    assert (answer["balance"], answer["balance_formatted"]) == (number, formatted)
    enough = number not in ("", "0") and not number.startswith("-")
    assert answer["sufficient"] is enough
    assert answer["outcome"] == ("sufficient" if enough else "insufficient")


@pytest.mark.parametrize("answer", [{"balance": "5"}, {"balance": None, "balanceFormatted": "?"}])
def test_a_minimum_cannot_be_held_against_an_unreadable_balance(
    scripted: Scripted, answer: dict[str, Any]
) -> None:
    scripted.says["user/balance"] = answer
    values = {"user": "ann", "minimum": "1"}
    refused = scripted.client.post("/v1/balance", json=values, headers=BEARER)
    problem = check_problem(refused, 502, "upstream_failed")
    assert "Minimum" in problem["message"]
    assert problem["retryable"] is False
