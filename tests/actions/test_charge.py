"""Charge User: what a builder gets back, outcome by outcome."""

from typing import Any

import pytest

from tests.api.builder import Builder

SHAPE = [
    "success",
    "outcome",
    "message",
    "action_url",
    "user",
    "amount",
    "reference",
    "duplicate",
    "request_id",
]
ASKED = {"user": "ann", "amount": "0.50", "reference": "order-1"}


def charged(builder: Builder, **changed: Any) -> dict[str, Any]:
    answer = builder.post("charge", **(ASKED | changed))
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.get_json()
    assert list(result) == SHAPE
    assert None not in result.values()
    assert not any(isinstance(value, dict | list) for value in result.values())
    return result


def test_a_user_with_enough_balance_is_charged(builder: Builder) -> None:
    builder.user("ann", balance="2")
    result = charged(builder)
    assert result.pop("request_id").startswith("req_")
    assert result == {
        "success": True,
        "outcome": "charged",
        "message": "The user was charged $0.50.",
        "action_url": "",
        "user": "ann",
        "amount": "0.5",
        "reference": "order-1",
        "duplicate": False,
    }
    assert [row["amount"] for row in builder.seen("ledger")] == ["0.50"]


def test_the_same_reference_again_is_a_duplicate_and_charges_nothing(builder: Builder) -> None:
    builder.user("ann", balance="2")
    first, again = charged(builder), charged(builder)
    assert (first["duplicate"], again["duplicate"]) == (False, True)
    assert again["success"]
    assert again["message"] == first["message"]
    assert len(builder.seen("ledger")) == 1
    assert builder.operations() == ["charge"]


def test_a_user_without_balance_gets_a_topup_link(builder: Builder) -> None:
    result = charged(builder)
    assert (result["success"], result["outcome"]) == (False, "topup_required")
    assert "/checkout/" in result["action_url"]
    assert result["action_url"] in result["message"]
    assert builder.seen("ledger") == []


def test_a_user_who_paid_is_charged_under_the_same_reference(builder: Builder) -> None:
    assert charged(builder)["outcome"] == "topup_required"
    builder.user("ann", balance="1")
    assert charged(builder)["outcome"] == "charged"
    assert len(builder.seen("ledger")) == 1


def test_a_user_of_a_shared_paywall_must_authorize_first(shared_builder: Builder) -> None:
    result = charged(shared_builder)
    assert (result["success"], result["outcome"]) == (False, "authorization_required")
    assert "/authorize/" in result["action_url"]


@pytest.mark.parametrize(
    "wording",
    [
        "Bitte hier aufladen: {link}.",
        "Pay here ({link}), please!",
        "[Top up]({link})",
        "<a href='{link}'>Top up</a>",
        'Open "{link}".',
        "Open “{link}”.",
        "请充值：{link}。",
        "{link}",
        "**{link}**",
    ],
)
def test_the_link_is_found_in_any_wording(builder: Builder, wording: str) -> None:
    builder.control("settings", refusal_wording=wording)
    result = charged(builder)
    assert result["outcome"] == "topup_required"
    assert result["message"] == wording.replace("{link}", result["action_url"])


def test_the_link_decides_even_if_the_words_say_something_else(shared_builder: Builder) -> None:
    shared_builder.control("settings", refusal_wording="Your balance is too low: {link}")
    assert charged(shared_builder)["outcome"] == "authorization_required"


@pytest.mark.parametrize(
    ("state", "outcome", "path"),
    [
        ({"connected": False, "balance": "9"}, "authorization_required", "/authorize/"),
        ({"connected": True, "balance": "0"}, "topup_required", "/checkout/"),
    ],
)
def test_without_a_link_in_the_words_upstream_is_asked(
    shared_builder: Builder, state: dict[str, Any], outcome: str, path: str
) -> None:
    shared_builder.user("ann", **state)
    shared_builder.control("settings", refusal_wording="Not now.")
    result = charged(shared_builder)
    assert (result["outcome"], result["message"]) == (outcome, "Not now.")
    assert path in result["action_url"]


def test_a_refusal_of_somebody_who_could_pay_is_declined(builder: Builder) -> None:
    builder.user("ann", balance="9")
    builder.control("settings", decline_wording="The shop is closed.")
    result = charged(builder)
    assert (result["success"], result["outcome"]) == (False, "declined")
    assert (result["message"], result["action_url"]) == ("The shop is closed.", "")


def test_a_foreign_link_does_not_decide(builder: Builder) -> None:
    builder.user("ann", balance="9")
    builder.control("settings", decline_wording="See https://shop.example/help.")
    result = charged(builder)
    assert (result["outcome"], result["action_url"]) == ("declined", "")


@pytest.mark.parametrize("operation", ["connect", "topup", "balance"])
def test_a_refusal_that_cannot_be_explained_is_declined_with_its_words(
    builder: Builder, operation: str
) -> None:
    builder.control("settings", decline_wording="Read https://shop.example/why.")
    builder.fault(operation, "http_401", times=9)
    result = charged(builder)
    assert (result["outcome"], result["message"]) == ("declined", "Read https://shop.example/why.")
    assert result["action_url"] == "https://shop.example/why"


def test_the_notes_that_upstream_keeps_hold_reference_description_and_metadata(
    builder: Builder,
) -> None:
    builder.user("ann", balance="2")
    charged(builder, description="One {{image}}", metadata={"plan": "pro", "nested": {"n": 1.50}})
    [row] = builder.seen("ledger")
    assert row["metadata"] == {
        "reference": "order-1",
        "description": "One {{image}}",
        "plan": "pro",
        "nested": {"n": 1.5},
    }


def test_the_same_reference_with_another_amount_is_refused(builder: Builder) -> None:
    builder.user("ann", balance="9")
    charged(builder)
    answer = builder.post("charge", **(ASKED | {"amount": "3"}))
    assert answer.status_code == 422
    problem = answer.get_json()
    assert (problem["code"], problem["field"]) == ("reference_reused", "reference")
    assert problem["reference"] == "order-1"
    assert len(builder.seen("ledger")) == 1


def test_the_amount_reaches_upstream_in_full(builder: Builder) -> None:
    builder.user("ann", balance="9999")
    result = charged(builder, amount="1234.567891")
    assert result["amount"] == "1234.567891"
    assert builder.seen("ledger")[0]["amount"] == "1234.567891"
