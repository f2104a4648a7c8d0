"""An id that a builder's tool lost is refused by every door, with a sentence that says what to do.

As a reference it would let one paid order deliver all others unpaid; as a user id everybody would
share one wallet.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.builder import Builder, check_problem
from tests.catalog.field_cases import FINE, FINE_USERS, LOST, LOST_REFERENCES

CHARGE = {"user": "ann", "amount": "0.5", "reference": "order-1"}
TARGET = "https://receiver.example/hook"
DOORS = [
    "charge",
    "deposit",
    "balance",
    "topup",
    "connection",
    "disconnect",
    "chat",
    "poll",
    "hook",
    "header",
]
ONE_OF_EACH_KIND = ["order-undefined", "null", "signup-None", "NaN", "u-[object Object]", "<id>"]


@pytest.mark.parametrize("action", ["charge", "deposit"])
@pytest.mark.parametrize("lost", [*ONE_OF_EACH_KIND, "n/a", "order #", "Order-"])
def test_the_second_order_is_not_delivered_for_the_first_ones_money(
    builder: Builder, action: str, lost: str
) -> None:
    builder.user("ann", balance="10")
    for _ in range(2):
        answer = builder.post(action, **(CHARGE | {"reference": lost}))
        problem = check_problem(answer, 422, "invalid_field", "reference")
        assert "Choose the field" in problem["message"]
        assert lost in problem["message"]
    assert action not in builder.operations()


@pytest.mark.parametrize("lost", [*LOST, *LOST_REFERENCES])
def test_a_lost_reference_is_refused(builder: Builder, lost: str) -> None:
    answer = builder.post("charge", **(CHARGE | {"reference": lost}))
    check_problem(answer, 422, "invalid_field", "reference")
    assert builder.operations() == []


@pytest.mark.parametrize("lost", LOST)
def test_a_lost_user_id_is_refused(builder: Builder, lost: str) -> None:
    problem = check_problem(builder.post("balance", user=lost), 422, "invalid_field", "user")
    assert "Choose the field" in problem["message"]
    assert builder.operations() == []


@pytest.mark.parametrize(
    "fine", [text for text in [*FINE, *FINE_USERS] if text.isascii() or text.isprintable()]
)
def test_an_id_that_only_looks_lost_is_taken(builder: Builder, fine: str) -> None:
    assert builder.post("balance", user=fine).get_json()["user"] == fine


@pytest.mark.parametrize("fine", FINE)
def test_a_reference_that_only_looks_lost_is_charged_once(builder: Builder, fine: str) -> None:
    builder.user("ann", balance="10")
    first = builder.post("charge", **(CHARGE | {"reference": fine})).get_json()
    again = builder.post("charge", **(CHARGE | {"reference": fine})).get_json()
    assert (first["outcome"], first["duplicate"], again["duplicate"]) == ("charged", False, True)


@pytest.mark.parametrize("lost", ONE_OF_EACH_KIND)
@pytest.mark.parametrize(
    "send",
    [
        lambda b, lost: b.post("charge", **(CHARGE | {"user": lost})),
        lambda b, lost: b.form("deposit", **(CHARGE | {"user": lost})),
        lambda b, lost: b.get("balance", user=lost),
        lambda b, lost: b.get("topup-link", user=lost),
        lambda b, lost: b.get("connection", user=lost),
        lambda b, lost: b.post("disconnect", user=lost),
        lambda b, lost: b.post("chat", user=lost, model="sandbox-echo", prompt="a canary prompt"),
        lambda b, lost: b.get("triggers/any_event", user=lost),
        lambda b, lost: b.post(
            "hooks", target_url="https://x.example", trigger="any_event", user=lost
        ),
        lambda b, lost: b.client.get("/v1/balance", headers=b.bearer | {"X-Paywall-User": lost}),
    ],
    ids=DOORS,
)
def test_a_lost_user_id_is_refused_by_every_door(
    builder: Builder, send: Callable[[Builder, str], Any], lost: str
) -> None:
    check_problem(send(builder, lost), 422, "invalid_field", "user")
    assert builder.operations() == []


def test_a_lost_reference_in_the_header_is_refused(builder: Builder) -> None:
    values = {"user": "ann", "amount": "0.5"}
    headers = builder.bearer | {"Idempotency-Key": "order-undefined"}
    answer: TestResponse = builder.client.post("/v1/charge", json=values, headers=headers)
    check_problem(answer, 422, "invalid_field", "reference")


def test_soft_errors_say_the_same(builder: Builder) -> None:
    answer = builder.post("charge", **(CHARGE | {"reference": "order-undefined"}), errors="soft")
    body = answer.get_json()
    assert (answer.status_code, body["outcome"], body["field"]) == (200, "error", "reference")
