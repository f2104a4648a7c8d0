"""Check Authorization, Disconnect User and Create Top-Up Link."""

from typing import Any

import pytest

from tests.actions.scripted import Scripted
from tests.api.builder import Builder, check_problem
from tests.conftest import BEARER

FIRST = ["success", "outcome", "message", "action_url"]
CONNECTION = [*FIRST, "user", "connected", "connected_at", "wallet_user_id", "connection_id"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_connected_user_can_be_charged(builder: Builder, method: str) -> None:
    answer = getattr(builder, method)("connection", user="ann").json
    assert list(answer) == CONNECTION
    assert (answer["success"], answer["outcome"], answer["connected"]) == (True, "connected", True)
    assert answer["wallet_user_id"].startswith("wallet_")
    assert answer["connected_at"].endswith("Z")
    assert answer["connection_id"]
    assert answer["action_url"] == ""


@pytest.mark.parametrize("method", ["get", "post"])
def test_somebody_who_is_not_connected_gets_the_link(shared_builder: Builder, method: str) -> None:
    answer = getattr(shared_builder, method)("connection", user="ann").json
    assert list(answer) == CONNECTION
    assert (answer["success"], answer["outcome"], answer["connected"]) == (
        True,
        "not_connected",
        False,
    )
    assert "/authorize/" in answer["action_url"]
    assert (answer["connected_at"], answer["wallet_user_id"], answer["connection_id"]) == (
        "",
        "",
        "",
    )


def test_disconnecting_twice_is_the_same_as_once(builder: Builder) -> None:
    first, again = (builder.post("disconnect", user="ann").json for _ in range(2))
    assert first is not None
    assert again is not None
    assert list(first) == [*FIRST, "user"]
    assert first["success"] is again["success"] is True
    assert first["outcome"] == again["outcome"] == "disconnected"
    answer = builder.get("connection", user="ann").json
    assert answer is not None
    assert answer["outcome"] == "not_connected"


def test_a_disconnection_that_upstream_refuses_is_an_error(scripted: Scripted) -> None:
    scripted.says["user/disconnect"] = {"success": False, "message": ""}
    refused = scripted.client.post("/v1/disconnect", json={"user": "ann"}, headers=BEARER)
    problem = check_problem(refused, 502, "upstream_rejected")
    assert problem["retryable"] is False


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_topup_link_answers_get_and_post_alike(builder: Builder, method: str) -> None:
    answer = getattr(builder, method)("topup-link", user="ann").json
    assert list(answer) == [*FIRST, "user"]
    assert (answer["success"], answer["outcome"], answer["user"]) == (True, "ready", "ann")
    assert "/checkout/" in answer["action_url"]


@pytest.mark.parametrize(
    ("action", "path", "answer"),
    [
        ("topup-link", "user/balance/topup", {}),
        ("topup-link", "user/balance/topup", {"url": None}),
        ("topup-link", "user/balance/topup", {"url": {"href": "x"}}),
        ("connection", "user/connect", {"connected": "yes"}),
        ("connection", "user/connect", []),
        ("disconnect", "user/disconnect", {"success": None}),
        ("balance", "user/balance", {"amount": 3}),
        ("models", "models", {"data": {"id": "x"}}),
        ("models", "models", ["sandbox-echo"]),
    ],
)
def test_an_answer_of_another_shape_is_upstreams_failure(
    scripted: Scripted, action: str, path: str, answer: Any
) -> None:
    scripted.says[path] = answer
    values = {} if action == "models" else {"user": "ann"}
    refused = scripted.client.post(f"/v1/{action}", json=values, headers=BEARER)
    problem = check_problem(refused, 502, "upstream_failed")
    assert problem["retryable"] is True


@pytest.mark.parametrize(
    "extra",
    [
        {"connectedUser": None},
        {"connectedUser": ["ann"]},
        {"connectedUser": {"createdAt": None, "userId": 7, "paywallKeyId": {}}},
        {"message": {"en": "Hello"}},
    ],
)
def test_what_upstream_leaves_out_is_empty_text(scripted: Scripted, extra: dict[str, Any]) -> None:
    scripted.says["user/connect"] = {"connected": True} | extra
    answer = scripted.ask("connection", user="ann")
    assert list(answer) == CONNECTION
    assert answer["outcome"] == "connected"
    assert answer["message"] == "The user is connected."
    assert answer["connected_at"] == answer["connection_id"] == ""
