"""Keys: where they may stand, and that a refused one is never told or written down."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.telemetry.logs import configure_logging
from tests.api.builder import Builder, check_problem, running_facade

PLANTED = "sk-paywalls-planted-0123456789"


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Logs everything for a while; gives what was logged so far."""
    configure_logging("debug")
    yield lambda: capsys.readouterr().err
    configure_logging("warning")


@pytest.mark.parametrize(
    ("sent", "fix"),
    [
        ({}, "The key is missing"),
        ({"headers": {"Authorization": "Bearer"}}, "The key is empty"),
        ({"headers": {"Authorization": "Bearer  "}}, "The key is empty"),
        ({"headers": {"Authorization": PLANTED}}, "“Bearer” is missing"),
        ({"headers": {"Authorization": "Basic YTpi"}}, "another kind"),
        ({"headers": {"X-API-Key": "a b"}}, "This is not a key"),
        ({"headers": {"X-API-Key": "{{key}}"}}, "placeholder"),
        ({"json": {"api_key": f"{PLANTED}\n"}}, "This is not a key"),
        ({"json": {"api_key": f"{PLANTED}\r\nX-Evil: 1"}}, "This is not a key"),
        ({"json": {"api_key": f"{PLANTED}\x00"}}, "This is not a key"),
        ({"json": {"api_key": "schlüssel"}}, "This is not a key"),
        ({"json": {"api_key": "k" * 513}}, "This is not a key"),
        ({"json": {"api_key": "{{bundle.authData.key}}"}}, "placeholder"),
        ({"json": {"api_key": ["k"]}}, "must be text"),
        ({"json": {"api_key": 5}}, "must be text"),
        ({"json": {"api_key": ""}}, "The key is missing"),
        ({"data": {"api_key": f"{PLANTED} {PLANTED}"}}, "This is not a key"),
    ],
)
def test_a_key_that_cannot_be_one_is_refused_here(
    builder: Builder, sent: dict[str, Any], fix: str
) -> None:
    answer = builder.client.post("/v1/me", **sent)
    field = answer.get_json()["field"]
    problem = check_problem(answer, 401, "key_refused", field)
    assert fix in problem["message"]
    assert "planted" not in answer.text
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert problem["retryable"] is False


@pytest.mark.parametrize("action", ["charge", "deposit", "balance", "me", "models"])
def test_a_key_that_upstream_does_not_know_is_told(builder: Builder, action: str) -> None:
    values = {"user": "ann", "amount": "1", "reference": "r"}
    if action in ("balance", "me", "models"):
        values = {"user": "ann"} if action == "balance" else {}
    before = builder.ledger_rows()
    headers = {"Authorization": f"Bearer {builder.key}~r9"}
    answer = builder.client.post(f"/v1/{action}", json=values, headers=headers)
    problem = check_problem(answer, 401, "key_refused")
    assert "Paywalls does not know this key" in problem["message"]
    assert builder.ledger_rows() == before


def test_a_real_key_at_a_sandbox_is_told_so(builder: Builder) -> None:
    """Whoever moves a flow from test to live changes the address and forgets the key, or the other
    way round."""
    answer = builder.client.get("/v1/balance?user=ann", headers={"X-API-Key": PLANTED})
    told = check_problem(answer, 401, "key_refused")["message"]
    assert "works with a sandbox, which knows no real keys" in told


@pytest.mark.parametrize("key", ["sk-paywalls-sandbox-x~r9", "sk-openstack-v1-sandbox-x~r9"])
def test_a_sandbox_key_at_a_live_connector_is_told_so(tmp_path: Path, key: str) -> None:
    with running_facade(tmp_path, upstream_url="https://api.paywalls.ai/v1") as live:
        answer = live.app.test_client().get("/v1/balance?user=ann", headers={"X-API-Key": key})
        told = check_problem(answer, 401, "key_refused")["message"]
    assert "This is a key of the sandbox" in told


@pytest.mark.parametrize("path", ["/v1/me", "/v1/balance", "/openai/v1/models"])
@pytest.mark.parametrize(
    "query",
    [
        f"api_key={PLANTED}",
        f"API_KEY={PLANTED}",
        f"key={PLANTED}",
        f"user=Bearer%20{PLANTED}",
        f"{PLANTED}=1",
        "api_key=whatever",
    ],
)
def test_a_key_in_an_address_is_refused_and_never_told(
    builder: Builder, logged: Callable[[], str], path: str, query: str
) -> None:
    answer = builder.client.get(f"{path}?{query}", headers=builder.bearer)
    assert answer.status_code == 400
    assert "never stand in an address" in answer.text
    assert "planted" not in answer.text
    answer.close()
    assert "planted" not in logged()
    assert builder.seen("requests") == []


def test_a_key_is_never_logged(builder: Builder, logged: Callable[[], str]) -> None:
    builder.get("balance", user="ann").close()
    builder.client.post("/v1/me", headers={"X-API-Key": PLANTED}).close()
    lines = logged()
    assert '"route":"/v1/balance"' in lines
    assert builder.key not in lines
    assert "planted" not in lines


def test_a_header_counts_more_than_the_body(builder: Builder) -> None:
    answer = builder.client.post("/v1/me", json={"api_key": PLANTED}, headers=builder.bearer)
    assert answer.status_code == 200


def test_a_body_of_get_holds_no_key(builder: Builder) -> None:
    answer = builder.client.get("/v1/me", json={"api_key": builder.key})
    check_problem(answer, 401, "key_refused", "api_key")
