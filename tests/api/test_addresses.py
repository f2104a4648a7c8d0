"""Wrong methods and unknown addresses."""

from __future__ import annotations

import pytest

from tests.api.builder import Builder, check_problem

BOTH = ["balance", "topup-link", "connection", "models", "me"]
POST_ONLY = ["charge", "chat", "deposit", "disconnect"]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("action", BOTH + POST_ONLY)
def test_a_wrong_method_is_told_the_right_ones(builder: Builder, action: str, method: str) -> None:
    answer = builder.client.open(f"/v1/{action}", method=method, headers=builder.bearer)
    problem = check_problem(answer, 405, "wrong_method")
    allowed = set(answer.headers["Allow"].split(", "))
    assert allowed == {"POST", "OPTIONS"} | ({"GET", "HEAD"} if action in BOTH else set())
    assert method in problem["message"]
    assert "POST" in problem["message"]


@pytest.mark.parametrize("action", BOTH + POST_ONLY)
def test_options_tells_the_methods(builder: Builder, action: str) -> None:
    answer = builder.client.options(f"/v1/{action}")
    assert answer.status_code == 200
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize(
    "path",
    ["/v1", "/v1/", "/v1/charges", "/v2/charge", "/v1/charge/5", "/nothing", "/%00", "/v1/ä"],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_unknown_address_is_told(builder: Builder, path: str, method: str) -> None:
    problem = check_problem(builder.client.open(path, method=method), 404, "not_found")
    assert "/docs" in problem["message"]


def test_a_slash_at_the_end_does_no_harm(builder: Builder) -> None:
    assert builder.client.get("/v1/me/", headers=builder.bearer).status_code == 200


def test_every_answer_has_a_request_id_and_is_not_cached(builder: Builder) -> None:
    answer = builder.client.get("/v1/me")
    assert answer.headers["X-Request-Id"] == answer.get_json()["request_id"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
