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
    found = getattr(builder, method)("connection", user="ann").json
    assert list(found) == CONNECTION
    assert (found["success"], found["outcome"], found["connected"]) == (True, "connected", True)
    assert found["wallet_user_id"].startswith("wallet_")
    assert found["connected_at"].endswith("Z")
    assert found["connection_id"]
    assert found["action_url"] == ""


@pytest.mark.parametrize("method", ["get", "post"])
def test_somebody_who_is_not_connected_gets_the_link(shared_builder: Builder, method: str) -> None:
    found = getattr(shared_builder, method)("connection", user="ann").json
    assert list(found) == CONNECTION
    assert (found["success"], found["outcome"], found["connected"]) == (
        True,
        "not_connected",
        False,
    )
    assert "/authorize/" in found["action_url"]
    assert (found["connected_at"], found["wallet_user_id"], found["connection_id"]) == ("", "", "")


def test_disconnecting_twice_is_the_same_as_once(builder: Builder) -> None:
    first, again = (builder.post("disconnect", user="ann").json for _ in range(2))
    assert first is not None
    assert again is not None
    assert list(first) == [*FIRST, "user"]
    assert first["success"] is again["success"] is True
    assert first["outcome"] == again["outcome"] == "disconnected"
    found = builder.get("connection", user="ann").json
    assert found is not None
    assert found["outcome"] == "not_connected"


def test_a_disconnection_that_upstream_refuses_is_an_error(scripted: Scripted) -> None:
    scripted.says["user/disconnect"] = {"success": False, "message": ""}
    refused = scripted.client.post("/v1/disconnect", json={"user": "ann"}, headers=BEARER)
    problem = check_problem(refused, 502, "upstream_rejected")
    assert problem["retryable"] is False


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_topup_link_answers_get_and_post_alike(builder: Builder, method: str) -> None:
    found = getattr(builder, method)("topup-link", user="ann").json
    assert list(found) == [*FIRST, "user"]
    assert (found["success"], found["outcome"], found["user"]) == (True, "ready", "ann")
    assert "/checkout/" in found["action_url"]


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
    found = scripted.ask("connection", user="ann")
    assert list(found) == CONNECTION
    assert found["outcome"] == "connected"
    assert found["message"] == "The user is connected."
    assert found["connected_at"] == found["connection_id"] == ""
