"""What is sent and cannot be read is refused by every door, never ignored (misread_cases)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, unquote_to_bytes

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from connector.api.authentication import Access
from connector.app import create_app, stop
from tests.api import misread_cases as cases
from tests.api.builder import Builder, check_problem, check_sentence
from tests.api.misread_cases import Sent
from tests.conftest import settings_for

FILLED_IN = {
    "key": "any_event",
    "hook_id": "hook_1",
    "delivery_id": "dlv_1",
    "token_id": "tok_1",
    "feature": "pdf-parse",
    "transaction_id": "led_1",
    "path:prefix": "ann",
}


def _doors() -> list[tuple[str, str]]:
    """Every method and address that takes values of a caller with a key, from the route table."""
    app = create_app(settings_for("sqlite:////nonexistent/connector.sqlite3"))
    doors = []
    for rule in app.url_map.iter_rules():
        if getattr(app.view_functions[rule.endpoint], "access", Access.OPEN) in (
            Access.OPEN,
            Access.SIGNED,
        ) or rule.rule.startswith("/console"):  # which asks for a session, not for a key
            continue
        path = rule.rule
        for name, value in FILLED_IN.items():
            path = path.replace(f"<{name}>", value)
        assert "<" not in path, f"fill in the address {path}"
        doors += [
            (method, path) for method in sorted(rule.methods or ()) if method in ("GET", "POST")
        ]
    stop(app)
    return doors


DOORS = _doors()
CHATS = [path for method, path in DOORS if path.endswith("chat/completions")]
FLAT = [path for method, path in DOORS if method == "POST" and path not in (*CHATS, "/mcp")]
READS = [path for method, path in DOORS if method == "GET" and "/openai/" not in path]


def test_the_doors_are_there() -> None:
    assert {"/v1/charge", "/v1/triggers/any_event", "/v1/hooks", "/v1/deliveries"} <= set(FLAT)
    assert len(CHATS) == 3
    assert {"/v1/balance", "/v1/triggers/any_event", "/v1/hooks/hook_1"} <= set(READS)


def post(builder: Builder, path: str, sent: Sent) -> TestResponse:
    headers = builder.bearer | sent.headers | {"Content-Type": sent.content_type}
    return builder.client.post(path, data=sent.body, headers=headers)


def raw(client: FlaskClient, path: str, **options: Any) -> TestResponse:
    """Ask for a path as it stands, which the test client would tidy up, as gunicorn hands it on."""
    path_info = unquote_to_bytes(path).decode("latin-1")
    return client.open("/", environ_overrides={"PATH_INFO": path_info, "RAW_URI": path}, **options)


def check(builder: Builder, path: str, answer: TestResponse, status: int, says: str) -> None:
    assert answer.status_code == status, answer.text
    told: dict[str, Any] = answer.get_json()
    message = told["error"]["message"] if path in CHATS else told["message"]
    assert says in message, message
    check_sentence(message)
    assert builder.seen("requests") == []


@pytest.mark.parametrize("path", FLAT)
@pytest.mark.parametrize(
    "sent",
    [
        *cases.READ_AS_JSON,
        *cases.COMPRESSED,
        *cases.OTHER_TEXT,
        *cases.OTHER_KINDS,
        *cases.JSON_OF_ANOTHER_KIND,
        *cases.BROKEN_FORMS,
    ],
    ids=str,
)
def test_a_body_is_read_or_refused_with_the_reason(builder: Builder, path: str, sent: Sent) -> None:
    check(builder, path, post(builder, path, sent), sent.status, sent.says)


@pytest.mark.parametrize("path", CHATS)
@pytest.mark.parametrize(
    "sent", [*cases.COMPRESSED, *cases.OTHER_TEXT, *cases.OTHER_KINDS], ids=str
)
def test_a_chat_is_read_or_refused_with_the_reason(builder: Builder, path: str, sent: Sent) -> None:
    check(builder, path, post(builder, path, sent), sent.status, sent.says)


@pytest.mark.parametrize("path", CHATS)
def test_a_chat_of_two_users_is_refused(builder: Builder, path: str) -> None:
    twice = Sent(
        "", b'{"user": "ann", "user": "bob", "messages": []}', cases.JSON, 422, "more than"
    )
    check(builder, path, post(builder, path, twice), 422, "more than once")


@pytest.mark.parametrize("path", CHATS)
@pytest.mark.parametrize("kind", [cases.FORM, "text/plain", "", "application/octet-stream"])
def test_a_chat_in_json_is_one_by_any_header(builder: Builder, path: str, kind: str) -> None:
    body = (
        b'{"user": "ann", "model": "sandbox-echo", "messages": [{"role": "user", "content": "x"}]}'
    )
    assert post(builder, path, Sent("", body, kind, 200, "")).status_code == 200


@pytest.mark.parametrize("path", FLAT)
@pytest.mark.parametrize("query", cases.ADDRESSES, ids=lambda query: query[0][:20])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_address_is_read_or_refused_with_the_reason(
    builder: Builder, method: str, path: str, query: tuple[str, int, str]
) -> None:
    if method == "GET" and path not in READS:
        return
    answer = builder.client.open(path, method=method, query_string=query[0], headers=builder.bearer)
    check(builder, path, answer, query[1], query[2])


@pytest.mark.parametrize("path", READS)
@pytest.mark.parametrize(
    "sent",
    [
        # n8n's and Postman's GET with a body; curl -G forgotten (curl -X GET -d …)
        Sent("JSON", cases.UNKNOWN, cases.JSON, 400, "GET request is read from its address"),
        Sent("form", b"user=ann", cases.FORM, 400, "GET request is read from its address"),
        Sent("words", b"user is ann", "text/plain", 415, "application/json"),
    ],
    ids=str,
)
def test_the_body_of_a_read_is_not_ignored(builder: Builder, path: str, sent: Sent) -> None:
    headers = builder.bearer | {"Content-Type": sent.content_type}
    answer = builder.client.get(path, data=sent.body, headers=headers)
    check(builder, path, answer, sent.status, sent.says)


@pytest.mark.parametrize("body", [b"", b" ", b"{}", b'{"user": null}'])
def test_a_body_that_says_nothing_does_no_harm(builder: Builder, body: bytes) -> None:
    headers = builder.bearer | {"Content-Type": cases.JSON}
    assert builder.client.get("/v1/me", data=body, headers=headers).status_code == 200


@pytest.mark.parametrize("user", cases.LOST_PLUS)
@pytest.mark.parametrize("way", ["query", "form", "chat"])
def test_a_plus_sign_that_became_a_space_is_refused(builder: Builder, way: str, user: str) -> None:
    values = "user=" + quote(user, safe="+@ ").replace(" ", "%20")
    if way == "query":
        answer = builder.client.get(f"/v1/balance?{values}", headers=builder.bearer)
    elif way == "form":
        answer = builder.send("balance", values.encode(), cases.FORM)
    else:
        path = CHATS[0]
        answer = builder.client.post(
            f"{path}?{values}", json={"messages": []}, headers=builder.bearer
        )
        check(builder, path, answer, 422, "%2B")
        return
    assert "%2B" in check_problem(answer, 422, "invalid_field", "user")["message"]
    assert builder.seen("requests") == []


@pytest.mark.parametrize("user", [*cases.LOST_PLUS, *cases.NO_LOST_PLUS])
def test_an_encoded_plus_and_a_space_are_what_they_are(builder: Builder, user: str) -> None:
    encoded = quote(user, safe="")
    if user in cases.LOST_PLUS:
        assert builder.post("balance", user=user).get_json()["user"] == user
    by_query = builder.client.get(f"/v1/balance?user={encoded}", headers=builder.bearer)
    assert by_query.get_json()["user"] == user
    assert (
        builder.send("balance", f"user={encoded}".encode(), cases.FORM).get_json()["user"] == user
    )


def test_json_under_the_header_of_a_form_does_what_it_says(builder: Builder) -> None:
    builder.user("ann", balance="1")
    body = b'{"user": "ann", "amount": 0.25, "reference": "order-7", "metadata": {"a": "b=c&d"}}'
    answer = builder.send("charge", body, cases.FORM).get_json()
    assert (answer["outcome"], answer["amount"]) == ("charged", "0.25")


def test_a_name_with_a_placeholder_is_no_json(builder: Builder) -> None:
    answer = builder.send("balance", b"{{x}}=1&user=ann", cases.FORM)
    check_problem(answer, 422, "invalid_field", "{{x}}")


def test_soft_errors_are_soft_for_these_too(builder: Builder) -> None:
    sent = [
        builder.client.post("/v1/charge?errors=soft&user=jos%E9", headers=builder.bearer),
        builder.client.post(
            "/v1/charge?errors=soft",
            data=b"\x1f\x8b",
            headers=builder.bearer | {"Content-Encoding": "gzip"},
        ),
    ]
    for answer in sent:
        assert answer.status_code == 200
        assert answer.get_json()["outcome"] == "error"


@pytest.mark.parametrize(
    "path", ["/openai/v1/jos%E9/chat/completions", "/v1/triggers/jos%E9", "/v1/hooks/%FF", "/%E9"]
)
def test_a_path_that_is_not_utf_8_is_refused(builder: Builder, path: str) -> None:
    answer = raw(builder.client, path, method="POST", json={}, headers=builder.bearer)
    assert answer.status_code == 400
    assert "%C3%A9" in answer.text
    assert builder.seen("requests") == []


def test_an_id_with_a_slash_is_not_half_an_id(builder: Builder) -> None:
    path = "/openai/v1/ann%2F/chat/completions"
    answer = raw(builder.client, path, method="POST", json={}, headers=builder.bearer)
    assert answer.status_code == 422
    assert "slash" in answer.get_json()["error"]["message"]


@pytest.mark.parametrize("spelling", cases.SLASHES)
def test_slashes_too_many_are_no_other_address(builder: Builder, spelling: str) -> None:
    builder.user("ann", balance="1")
    values = {"user": "ann", "amount": "0.5", "reference": "order-1"}
    path = spelling.format("charge")
    answer = raw(builder.client, path, method="POST", json=values, headers=builder.bearer)
    assert answer.status_code == 200
    assert answer.get_json()["outcome"] == "charged"


@pytest.mark.parametrize("spelling", cases.SLASHES)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_nothing_is_ever_redirected(builder: Builder, method: str, spelling: str) -> None:
    assert raw(builder.client, "").status_code == 200
    for name in ("triggers", "hooks", "nothing", "charge"):
        answer = raw(builder.client, spelling.format(name), method=method)
        assert answer.status_code in (401, 404, 405), answer.status_code


@pytest.mark.parametrize(
    "spelling", ["//openai/v1//chat/completions/", "/openai//v1/chat//completions"]
)
def test_a_chat_with_slashes_too_many_is_the_same(builder: Builder, spelling: str) -> None:
    body = {"user": "ann", "model": "sandbox-echo", "messages": [{"role": "user", "content": "x"}]}
    answer = raw(builder.client, spelling, method="POST", json=body, headers=builder.bearer)
    assert answer.status_code == 200


@pytest.mark.parametrize("spelling", cases.METRICS_BY_ANOTHER_NAME)
def test_metrics_have_one_spelling(app: Flask, spelling: str) -> None:
    """As a proxy forbids that one."""
    assert app.test_client().get("/metrics").status_code == 200
    answer = raw(app.test_client(), spelling)
    assert answer.status_code == 404
    assert "connector_" not in answer.text
