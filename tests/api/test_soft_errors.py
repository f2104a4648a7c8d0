"""`errors=soft`: every error of an action is a normal answer, for tools that stop at errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.builder import ERROR_KEYS, Builder

CHARGE = {"user": "ann", "amount": "1", "reference": "order-1"}
CHARGE_KEYS = [
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
FORM = "application/x-www-form-urlencoded"
Send = Callable[[Builder], Any]


def by_query(**values: Any) -> Send:
    return lambda b: b.client.post("/v1/charge?errors=soft", json=values, headers=b.bearer)


def by_body(**values: Any) -> Send:
    return lambda b: b.post("charge", errors="soft", **values)


def by_form(**values: Any) -> Send:
    return lambda b: b.form("charge", errors="soft", **values)


def raw(body: bytes, content_type: str = "application/json") -> Send:
    return lambda b: b.client.post(
        "/v1/charge?errors=soft",
        data=body,
        headers=b.bearer | {"Content-Type": content_type},
    )


def upstream(kind: str, send: Send) -> Send:
    def broken(builder: Builder) -> Any:
        builder.fault("charge", kind, times=5, seconds=60)
        return send(builder)

    return broken


@pytest.mark.parametrize(
    ("send", "status", "code"),
    [
        (by_query(), 422, "invalid_field"),
        (by_body(), 422, "invalid_field"),
        (by_form(), 422, "invalid_field"),
        (by_body(**CHARGE, zzz=1), 422, "invalid_field"),
        (raw(b"{"), 400, "malformed_request"),
        (raw(b"[]"), 400, "malformed_request"),
        (raw(b"x", "text/plain"), 415, "wrong_content_type"),
        (raw(b"a" * (1024 * 1024 + 1)), 413, "body_too_large"),
        (raw(b"user=a&user=b", FORM), 422, "invalid_field"),
        (lambda b: b.client.post("/v1/charge?errors=soft", json=CHARGE), 401, "key_refused"),
        (
            lambda b: b.client.post("/v1/charge", json={"errors": "soft", **CHARGE}),
            401,
            "key_refused",
        ),
        (
            lambda b: b.client.post("/v1/charge?errors=soft&api_key=x", headers=b.bearer),
            400,
            "malformed_request",
        ),
        (
            lambda b: b.client.post("/v1/charge?user=a&user=b&errors=soft", headers=b.bearer),
            422,
            "invalid_field",
        ),
        (
            lambda b: b.send("charge", b"errors=soft&user=a&user=b", FORM),
            422,
            "invalid_field",
        ),
        (upstream("http_401", by_body(**CHARGE)), 401, "key_refused"),
        (upstream("http_500", by_body(**CHARGE)), 502, "upstream_failed"),
        (upstream("http_429", by_body(**CHARGE)), 429, "upstream_busy"),
        (upstream("garbage", by_body(**CHARGE)), 502, "upstream_failed"),
    ],
)
def test_every_error_is_a_200_with_outcome_error(
    builder: Builder, send: Send, status: int, code: str
) -> None:
    answer = send(builder)
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    result = answer.get_json()
    assert list(result)[:4] == CHARGE_KEYS[:4]
    assert set(result) == {*CHARGE_KEYS, *ERROR_KEYS}
    assert None not in result.values()
    assert (result["success"], result["outcome"], result["action_url"]) == (False, "error", "")
    assert (result["status"], result["code"]) == (status, code)
    assert result["message"] == result["detail"]
    assert "error" not in result


def test_a_list_becomes_an_object_with_the_error(builder: Builder) -> None:
    answer = builder.get("models", errors="soft", zzz="1")
    assert answer.status_code == 200
    body = answer.json
    assert body is not None
    assert (body["success"], body["outcome"], body["field"]) == (False, "error", "zzz")


def test_a_success_is_not_changed(builder: Builder) -> None:
    builder.user("ann", balance="1")
    answer = builder.post("charge", **CHARGE, errors="soft").json
    assert answer is not None
    assert list(answer) == CHARGE_KEYS


def test_metrics_keep_the_true_status(builder: Builder) -> None:
    def refused() -> float:
        series = 'connector_requests_total{method="POST",route="/v1/charge",status="422"} '
        shown = builder.client.get("/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in shown if line.startswith(series))

    before = refused()
    builder.post("charge", errors="soft").close()
    assert refused() == before + 1


@pytest.mark.parametrize("path", ["/v1/nothing?errors=soft", "/v1/charge?errors=soft"])
def test_an_address_that_is_no_action_has_no_soft_errors(builder: Builder, path: str) -> None:
    assert builder.client.get(path, headers=builder.bearer).status_code in (404, 405)


@pytest.mark.parametrize(
    ("action", "sent"),
    [
        ("charge", {"user": "ann", "amount": "1,50", "reference": "order-7"}),
        ("charge", {"user": "ann", "amount": 2.5, "reference": "order-7", "unknown": "x"}),
        ("charge", {"amount": "1", "reference": "order-8"}),
        ("deposit", {"user": "ann", "amount": "-1", "reference": "order-9"}),
        ("balance", {"user": "ann", "minimum": "a lot"}),
        ("topup-link", {"user": 42, "amount": "1"}),
        ("connection", {"user": "undefined"}),
        ("chat", {"user": "ann", "model": "gpt-4o-mini"}),
    ],
)
def test_a_soft_error_keeps_what_was_sent(
    builder: Builder, action: str, sent: dict[str, Any]
) -> None:
    answer = builder.post(action, errors="soft", **sent)
    assert answer.status_code == 200
    told: dict[str, Any] = answer.json or {}
    assert told["outcome"] == "error"
    kept = {name: str(value) for name, value in sent.items() if name in told}
    assert {name: told[name] for name in kept} == kept
    assert "user" not in sent or "user" not in told or told["user"] == str(sent["user"])


def test_a_soft_error_of_upstream_keeps_what_was_sent(builder: Builder) -> None:
    builder.fault("charge", "http_500", times=5)
    told: dict[str, Any] = builder.post("charge", errors="soft", **CHARGE).json or {}
    assert (told["outcome"], told["user"], told["amount"]) == ("error", "ann", "1")


AGAIN = {"user": "ann", "reference": "order-1"}


@pytest.mark.parametrize(
    ("address", "form", "headers", "kept"),
    [
        ("&amount=2", CHARGE, {}, AGAIN),
        ("", CHARGE, {"X-Paywall-User": "bob"}, {"user": "", "amount": "1"}),
        ("", CHARGE, {"Idempotency-Key": "order-2"}, {"user": "ann", "reference": ""}),
        ("&amount=2&amount=3", AGAIN, {}, AGAIN | {"amount": ""}),
        ("", "user=ann&reference=order-1&amount=1&amount=2", {}, AGAIN | {"amount": ""}),
        (
            "",
            {"amount": "x", "user": "ann"},
            {"Idempotency-Key": "order-9"},
            {"user": "ann", "reference": "order-9"},
        ),
        ("", CHARGE | {"reference": "a\u202eb"}, {}, {"user": "ann", "reference": "a\u202eb"}),
        ("", CHARGE | {"reference": "r" * 300}, {}, {"user": "ann", "reference": "r" * 300}),
    ],
)
def test_what_is_not_at_fault_itself_comes_back_as_it_was_sent(
    builder: Builder,
    address: str,
    form: dict[str, str] | str,
    headers: dict[str, str],
    kept: dict[str, str],
) -> None:
    answer = builder.client.post(
        f"/v1/charge?errors=soft{address}",
        data=form,
        headers=builder.bearer | {"Content-Type": FORM} | headers,
    )
    body = answer.get_json()
    assert (answer.status_code, body["outcome"]) == (200, "error")
    assert {name: body[name] for name in kept} == kept
