"""Bad input gets one clear sentence that names field and fix; nothing is stored or sent."""

from __future__ import annotations

import io
from typing import Any

import pytest

from tests.api.builder import Builder, check_problem

CHARGE: dict[str, Any] = {"user": "ann", "amount": "0.5", "reference": "order-1"}


@pytest.fixture(autouse=True)
def _nothing_is_stored_or_sent(builder: Builder) -> Any:
    before = builder.ledger_rows()
    yield
    assert builder.ledger_rows() == before
    assert builder.seen("requests") == []


@pytest.mark.parametrize(
    ("changed", "field", "fix"),
    [
        ({"user": None}, "user", "Fill in “User ID”"),
        ({"amount": None}, "amount", "Fill in “Amount”"),
        ({"reference": None}, "reference", "Say what this is for"),
        ({"amout": "1"}, "amout", "Did you mean “amount”?"),
        ({"User": "1"}, "User", "Did you mean “user”?"),
        ({"userId": "1"}, "userId", "Did you mean “user”?"),
        ({"zzz": "1"}, "zzz", "The fields are: user, amount, reference"),
        ({"": "1"}, "", "The fields are"),
        ({"x" * 10_000: "1"}, "x" * 40 + "…", "The fields are"),
        ({"metadata_": "1"}, "metadata_", "Did you mean “metadata”?"),
        ({"amount": "1,50"}, "amount", "write 1.50 instead"),
        ({"amount": "1,500"}, "amount", "write 1500 or 1.500"),
        ({"amount": "1,234.50"}, "amount", "write 1234.50"),
        ({"amount": "1'000"}, "amount", "write 1000"),
        ({"amount": "$5"}, "amount", "write 5 instead"),
        ({"amount": "5 USD"}, "amount", "write 5 instead"),
        ({"amount": "5€"}, "amount", "write 5 instead"),
        ({"amount": "-1"}, "amount", "above 0"),
        ({"amount": -1}, "amount", "above 0"),
        ({"amount": -0.0}, "amount", "above 0"),
        ({"amount": "−1"}, "amount", "above 0"),
        ({"amount": "1e3"}, "amount", "write 1000 instead"),
        ({"amount": "1E+3"}, "amount", "write 1000 instead"),
        ({"amount": "1e999999999"}, "amount", "must be a number"),
        ({"amount": "1e-999999999"}, "amount", "must be a number"),
        ({"amount": "1e99999999999999999999"}, "amount", "must be a number"),
        ({"amount": "0"}, "amount", "above 0"),
        ({"amount": 0}, "amount", "above 0"),
        ({"amount": "0.000000"}, "amount", "above 0"),
        ({"amount": "0.1234567"}, "amount", "at most 6 digits after the dot"),
        ({"amount": 1e-7}, "amount", "at most 6 digits after the dot"),
        ({"amount": "10000.000001"}, "amount", "at most 10000"),
        ({"amount": "999999999999"}, "amount", "at most 10000"),
        ({"amount": "1" * 13}, "amount", "too large"),
        ({"amount": 10**400}, "amount", "too large"),
        ({"amount": "1'" * 5_000 + "1"}, "amount", "too large|must be a number"),
        ({"amount": "9" * 10_000}, "amount", "too large"),
        ({"amount": "١٢٣"}, "amount", "write 123 instead"),
        ({"amount": "１"}, "amount", "write 1 instead"),
        ({"amount": " 1 "}, "amount", "write 1 without spaces"),
        ({"amount": "1\n"}, "amount", "write 1 without spaces"),
        ({"amount": ".5"}, "amount", "write 0.5"),
        ({"amount": "1."}, "amount", "must be a number with a dot"),
        ({"amount": "1_000"}, "amount", "write 1000"),
        ({"amount": "one"}, "amount", "must be a number with a dot, such as 0.50"),
        ({"amount": "NaN"}, "amount", "must be a number"),
        ({"amount": "Infinity"}, "amount", "must be a number"),
        ({"amount": True}, "amount", "must be one number"),
        ({"amount": ["1"]}, "amount", "must be one number"),
        ({"amount": {"value": 1}}, "amount", "must be one number"),
        ({"user": "a" * 129}, "user", "at most 128 characters"),
        ({"user": "a" * 10_000}, "user", "at most 128 characters"),
        ({"user": "ann\n"}, "user", "cannot be seen"),
        ({"user": "ann\x00"}, "user", "cannot be seen"),
        ({"user": "a\u200bnn"}, "user", "cannot be seen"),
        ({"user": "a\u00a0nn"}, "user", "cannot be seen"),
        ({"user": "a\u202enn"}, "user", "cannot be seen"),
        ({"user": "a\ufffdnn"}, "user", "cannot be seen"),
        ({"user": True}, "user", "must be plain text"),
        ({"user": {"id": 1}}, "user", "must be plain text"),
        ({"reference": "r" * 256}, "reference", "at most 255 characters"),
        ({"reference": "r\t1"}, "reference", "cannot be seen"),
        ({"reference": ["a"]}, "reference", "must be plain text"),
        ({"description": "d" * 501}, "description", "at most 500 characters"),
        ({"description": "bell \x07"}, "description", "cannot be seen"),
        ({"metadata": "not json"}, "metadata", "must be names with values"),
        ({"metadata": ["a"]}, "metadata", "must be names with values"),
        ({"metadata": "[1]"}, "metadata", "must be names with values"),
        ({"metadata": '{"a": NaN}'}, "metadata", "must be names with values"),
        ({"metadata": '{"a": "\\ud800"}'}, "metadata", "must be names with values"),
        ({"metadata": {str(n): n for n in range(51)}}, "metadata", "at most 50"),
        ({"errors": "hard"}, "errors", "“soft”"),
        ({"errors": True}, "errors", "“soft”"),
    ],
)
def test_a_value_that_cannot_be_used_is_explained(
    builder: Builder, changed: dict[str, Any], field: str, fix: str
) -> None:
    answer = builder.post("charge", **(CHARGE | changed))
    problem = check_problem(answer, 422, "invalid_field", field)
    assert any(part in problem["message"] for part in fix.split("|")), problem["message"]
    assert problem["retryable"] is False


@pytest.mark.parametrize(
    ("changed", "field", "fix"),
    [
        ({"temperature": "hot"}, "temperature", "a number from 0 to 2"),
        ({"temperature": 2.1}, "temperature", "a number from 0 to 2"),
        ({"temperature": "0,7"}, "temperature", "a number from 0 to 2"),
        ({"temperature": True}, "temperature", "a number from 0 to 2"),
        ({"temperature": 10**400}, "temperature", "a number from 0 to 2"),
        ({"max_tokens": 0}, "max_tokens", "whole number from 1 to 1,000,000"),
        ({"max_tokens": 1.5}, "max_tokens", "whole number from 1"),
        ({"max_tokens": "many"}, "max_tokens", "whole number from 1"),
        ({"max_tokens": "٣"}, "max_tokens", "whole number from 1"),
        ({"messages": "[]"}, "messages", "must be a list such as [{"),
        ({"messages": "hello"}, "messages", "must be a list"),
        ({"messages": {"role": "user"}}, "messages", "must be a list"),
        ({"messages": [{"role": "customer", "content": "x"}]}, "messages", "needs a role"),
        ({"messages": [{"role": "user", "content": 5}]}, "messages", "a content"),
        ({"messages": [{"role": "user", "content": ["x"]}]}, "messages", "a content"),
        ({"messages": [{"role": "user"}] * 1_001}, "messages", "at most 1,000"),
        ({"model": "gpt{{x}}"}, "model", "placeholder"),
        ({"model": "m" * 201}, "model", "at most 200"),
        ({"prompt": "canary prompt \ud83d"[:-1] + "\x1b"}, "prompt", "cannot be seen"),
        ({"prompt": ["canary prompt"]}, "prompt", "must be plain text"),
        ({"stream": True}, "stream", "no field called “stream”"),
    ],
)
def test_chat_explains_what_it_cannot_use(
    builder: Builder, changed: dict[str, Any], field: str, fix: str
) -> None:
    values: dict[str, Any] = {"user": "ann", "model": "sandbox-echo"}
    if "messages" not in changed:
        values["prompt"] = "a canary prompt"
    answer = builder.post("chat", **(values | changed))
    problem = check_problem(answer, 422, "invalid_field", field)
    assert fix in problem["message"], problem["message"]


@pytest.mark.parametrize("field", ["user", "amount", "reference"])
@pytest.mark.parametrize("left", ["{{bundle.inputData.x}}", "{{", "id-{{ $json.id }}"])
def test_a_placeholder_that_a_tool_left_is_refused(builder: Builder, field: str, left: str) -> None:
    problem = check_problem(
        builder.post("charge", **(CHARGE | {field: left})), 422, "invalid_field", field
    )
    assert "placeholder" in problem["message"]


@pytest.mark.parametrize(
    ("header", "field"), [("X-Paywall-User", "user"), ("Idempotency-Key", "reference")]
)
def test_a_placeholder_in_a_header_is_refused(builder: Builder, header: str, field: str) -> None:
    values = {name: value for name, value in CHARGE.items() if name != field}
    headers = builder.bearer | {header: "{{bundle.inputData.x}}"}
    answer = builder.client.post("/v1/charge", json=values, headers=headers)
    check_problem(answer, 422, "invalid_field", field)


def test_a_placeholder_in_the_address_is_refused(builder: Builder) -> None:
    check_problem(builder.get("balance", user="{{x}}"), 422, "invalid_field", "user")


def test_a_placeholder_in_a_name_is_refused(builder: Builder) -> None:
    answer = builder.post("charge", **CHARGE, **{"{{x}}": "1"})
    check_problem(answer, 422, "invalid_field", "{{x}}")


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"user=ann",
        b"{'user': 'ann'}",
        b'{"user": "ann",}',
        b'{"user": NaN}',
        b'{"amount": Infinity}',
        b'{"amount": 1e99999999999999999999}',
        b'{"user": "\\ud800"}',
        b'{"user": "a\nb"}',
        b"[" * 1_000 + b"]" * 1_000,
        b'{"metadata": ' + b'{"a": ' * 400 + b"1" + b"}" * 401,
        b'{"metadata": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    ],
    ids=lambda body: repr(body[:24]),
)
def test_a_body_that_is_no_json_is_malformed(builder: Builder, body: bytes) -> None:
    problem = check_problem(builder.send("charge", body), 400, "malformed_request")
    assert "JSON" in problem["message"]


@pytest.mark.parametrize("body", [b"[]", b'["user"]', b"5", b'"user"', b"true", b"null"])
def test_a_body_must_be_an_object(builder: Builder, body: bytes) -> None:
    problem = check_problem(builder.send("charge", body), 400, "malformed_request")
    assert "one JSON object" in problem["message"]


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "", "application/octet-stream", "json"]
)
def test_a_body_of_another_kind_is_refused(builder: Builder, content_type: str) -> None:
    answer = builder.send("charge", b'{"user": "ann"}', content_type)
    problem = check_problem(answer, 415, "wrong_content_type")
    assert "application/json" in problem["message"]


def test_an_empty_body_is_an_empty_form(builder: Builder) -> None:
    check_problem(builder.send("charge", b"", ""), 422, "invalid_field", "user")


@pytest.mark.parametrize("content_type", ["application/json", "application/x-www-form-urlencoded"])
def test_a_body_over_1_mib_is_too_large(builder: Builder, content_type: str) -> None:
    body = b'{"user": "' + b"a" * 1024 * 1024 + b'"}'
    check_problem(builder.send("charge", body, content_type), 413, "body_too_large")


@pytest.mark.parametrize("name", ["user", "metadata_x", "metadata", "api_key", "errors", "other"])
def test_a_file_is_no_value(builder: Builder, name: str) -> None:
    values = CHARGE | {name: (io.BytesIO(b"content"), "file.txt")}
    answer = builder.form("charge", **values)
    problem = check_problem(answer, 422, "invalid_field", name)
    assert "is a file" in problem["message"]


@pytest.mark.parametrize(
    "send",
    [
        lambda b: b.client.get("/v1/balance?user=ann&user=bob", headers=b.bearer),
        lambda b: b.send("balance", b"user=ann&user=bob", "application/x-www-form-urlencoded"),
        lambda b: b.client.post("/v1/balance?user=ann", json={"user": "bob"}, headers=b.bearer),
    ],
)
def test_two_different_values_for_one_field_are_refused(builder: Builder, send: Any) -> None:
    problem = check_problem(send(builder), 422, "invalid_field", "user")
    assert "Send it once" in problem["message"]


@pytest.mark.parametrize("values", [{"user": "ann"}, CHARGE | {"zzz": 1}, CHARGE | {"amount": "x"}])
def test_errors_carry_the_reference_that_was_sent(builder: Builder, values: dict[str, Any]) -> None:
    answer = builder.post("charge", **values)
    assert answer.get_json()["reference"] == values.get("reference", "")


def test_errors_carry_the_reference_even_without_a_key(builder: Builder) -> None:
    answer = builder.client.post("/v1/charge", json=CHARGE)
    assert check_problem(answer, 401, "key_refused", "api_key")["reference"] == "order-1"
