"""Who pays is one user, the same by every door: body, header, address, and the pass-through."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from werkzeug.test import TestResponse

from tests.api.builder import Builder, check_problem, running_facade
from tests.catalog.field_cases import FINE_USERS, LOST

MODEL = {"model": "sandbox-echo", "messages": [{"role": "user", "content": "a canary prompt"}]}
HEADERS = ["X-Paywall-User", "X-Openstack-User", "X-OpenWebUI-User-Id"]
UNUSABLE = [*LOST, "{{LIBRECHAT_USER_ID}}", "{{", "a" * 129, "a\u200bnn"]
"""LibreChat leaves a placeholder that it does not know."""
ODD_USERS = ["josé", "Łukasz", "山田", "ann smith", "ann%20smith", "a+b@c.de", "a&user=bob", "ß🙂"]


def chat(
    builder: Builder, body: dict[str, Any], *, prefix: str = "", **headers: str
) -> TestResponse:
    """A chat at the OpenAI address, with `_` for the dashes of header names."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return builder.client.post(
        f"/openai/v1{prefix}/chat/completions", json=MODEL | body, headers=builder.bearer | named
    )


def as_sent(text: str) -> str:
    """A header's UTF-8 bytes as WSGI hands them on."""
    return text.encode().decode("latin-1")


def payers(builder: Builder) -> list[str]:
    return [row["user"] for row in builder.seen("requests") if row["operation"] == "chat"]


def check_refused(answer: TestResponse, builder: Builder, says: str = "") -> None:
    assert answer.status_code == 422, answer.text
    error = answer.get_json()["error"]
    assert error["param"] == "user"
    assert says in error["message"]
    assert payers(builder) == []


@pytest.mark.parametrize("user", [*ODD_USERS, *FINE_USERS])
@pytest.mark.parametrize("door", ["body", "address", *HEADERS])
def test_a_user_is_the_same_wallet_by_every_door(builder: Builder, door: str, user: str) -> None:
    if door == "body":
        answer = chat(builder, {"user": user})
    elif door == "address":
        answer = chat(builder, {}, prefix=f"/{quote(user, safe='')}")
    else:
        answer = chat(builder, {}, **{door: as_sent(user)})
    assert answer.status_code == 200, answer.text
    assert payers(builder) == [user]


def test_a_header_in_latin_1_is_the_same_wallet_too(builder: Builder) -> None:
    """Node's fetch sends header values so."""
    chat(builder, {}, X_Paywall_User="josé")
    assert payers(builder) == ["josé"]


@pytest.mark.parametrize("user", [" ann", "ann ", 42])
def test_a_user_is_read_as_in_the_actions(builder: Builder, user: object) -> None:
    assert chat(builder, {"user": user}).status_code == 200
    assert payers(builder) == [str(user).strip()]


@pytest.mark.parametrize("lost", UNUSABLE)
@pytest.mark.parametrize("door", ["body", *HEADERS])
def test_a_user_that_cannot_be_one_is_refused_by_every_door(
    builder: Builder, door: str, lost: str
) -> None:
    in_body = {"user": lost} if door == "body" else {}
    in_header = {} if door == "body" else {door: as_sent(lost)}
    check_refused(chat(builder, in_body, **in_header), builder)


@pytest.mark.parametrize("lost", [text for text in UNUSABLE if "/" not in text])
def test_a_user_that_cannot_be_one_is_refused_in_the_address(builder: Builder, lost: str) -> None:
    check_refused(chat(builder, {}, prefix=f"/{quote(lost, safe='')}"), builder)


@pytest.mark.parametrize("blank", ["", " ", "\u00a0", None, [], {}])
def test_a_blank_user_is_a_missing_one(builder: Builder, blank: object) -> None:
    check_refused(chat(builder, {"user": blank}), builder)
    assert chat(builder, {"user": blank}, X_Paywall_User="ann").status_code == 200
    assert payers(builder) == ["ann"]


def test_nobody_named_is_told_where_to_name_the_payer(builder: Builder) -> None:
    check_refused(chat(builder, {}), builder, "It is not said who pays")


@pytest.mark.parametrize("user", [True, ["ann"], {"id": "ann"}])
def test_a_user_that_is_no_text_is_refused(builder: Builder, user: object) -> None:
    check_refused(chat(builder, {"user": user}), builder)


def test_two_users_are_refused(builder: Builder) -> None:
    named = [
        chat(builder, {"user": "ann"}, X_Paywall_User="bob"),
        chat(builder, {"user": "ann"}, prefix="/bob"),
        chat(builder, {}, prefix="/ann", X_Paywall_User="bob"),
        chat(builder, {}, X_Paywall_User="ann", X_OpenWebUI_User_Id="bob"),
    ]
    for answer in named:
        check_refused(answer, builder, "different users: “ann” and “bob”")


def test_the_same_user_twice_is_one(builder: Builder) -> None:
    answer = chat(builder, {"user": "ann"}, prefix="/ann", X_Paywall_User=" ann")
    assert answer.status_code == 200
    assert payers(builder) == ["ann"]


@pytest.mark.parametrize("prefix", ["/v1", "/v1/v1", "/ann/v1", "/v1/ann"])
def test_a_doubled_v1_is_no_user(builder: Builder, prefix: str) -> None:
    """A tool that adds /v1 to a base address that has it."""
    answer = chat(builder, {"user": "ann"}, prefix=prefix)
    assert answer.status_code == 200
    assert payers(builder) == ["ann"]
    assert (
        builder.client.get(f"/openai/v1{prefix}/models", headers=builder.bearer).status_code == 200
    )


@pytest.mark.parametrize("prefix", ["/openai/v1", "/chat", "/chat/completions", "/api", "/a/b"])
def test_an_address_put_together_wrongly_charges_nobody(builder: Builder, prefix: str) -> None:
    answer = chat(builder, {}, prefix=prefix)
    assert answer.status_code == 404
    assert "The base address ends with /openai/v1" in answer.get_json()["error"]["message"]
    assert payers(builder) == []


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/openai/v1/responses", "Switch “Use Responses API” off"),
        ("/openai/v1/ann/responses", "Switch “Use Responses API” off"),
        ("/openai/v1/embeddings", "no embeddings"),
        ("/openai/v1/completions", "only chat completions"),
        ("/openai/v1/audio/speech", "Sound is neither read nor made here"),
        ("/openai/v1/ann/images/generations", "No images are made here"),
        ("/openai/v1/responses/resp_1/cancel", "Switch “Use Responses API” off"),
        ("/openai/v1/unheard-of", "There are only chats here"),
        ("/openai/chat/completions", "The base address ends with /openai/v1"),
        ("/openai/responses", "The base address ends with /openai/v1"),
    ],
)
def test_what_is_not_there_is_named_with_what_to_do(builder: Builder, path: str, says: str) -> None:
    answer = builder.client.post(path, json=MODEL, headers=builder.bearer)
    assert answer.status_code == 404
    assert says in answer.get_json()["error"]["message"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"user=ann", b'"ann"'])
def test_a_body_in_which_nobody_can_be_read_is_not_sent(builder: Builder, body: bytes) -> None:
    headers = builder.bearer | {"Content-Type": "application/json"}
    answer = builder.client.post("/openai/v1/chat/completions", data=body, headers=headers)
    assert answer.status_code == 400
    assert "JSON" in answer.get_json()["error"]["message"]
    assert payers(builder) == []


@pytest.mark.parametrize("header", HEADERS)
def test_the_actions_know_the_same_headers(builder: Builder, header: str) -> None:
    builder.user("ann", balance="3")
    answer = builder.client.get("/v1/balance", headers=builder.bearer | {header: "ann"})
    assert answer.get_json()["balance"] == "3"


@pytest.mark.parametrize(
    ("header", "field"), [("X-Paywall-User", "user"), ("Idempotency-Key", "reference")]
)
def test_a_header_that_disagrees_with_the_body_is_refused(
    builder: Builder, header: str, field: str
) -> None:
    values = {"user": "ann", "amount": "0.5", "reference": "order-1"}
    headers = builder.bearer | {header: "another"}
    answer = builder.client.post("/v1/charge", json=values, headers=headers)
    problem = check_problem(answer, 422, "invalid_field", field)
    assert "Send it once" in problem["message"]
    assert builder.operations() == []


@pytest.mark.parametrize("user", ["ann", " ann ", 42])
def test_a_header_that_agrees_is_fine(builder: Builder, user: object) -> None:
    headers = builder.bearer | {"X-Paywall-User": str(user)}
    answer = builder.client.post("/v1/balance", json={"user": user}, headers=headers)
    assert answer.get_json()["user"] == str(user).strip()


def test_an_operator_can_name_other_headers(tmp_path: Any, builder: Builder) -> None:
    with running_facade(tmp_path, user_headers="X-My-User") as facade:
        own = Builder(facade, builder.key)
        assert chat(own, {}, X_My_User="ann").status_code == 200
        assert payers(own) == ["ann"]
        assert chat(own, {}, X_Paywall_User="ann").status_code == 422


def test_all_else_in_the_body_is_kept(builder: Builder) -> None:
    builder.user("ann", balance="3")
    body = b' {"messages": [{"role": "user", "content": "1.50"}], "model": "sandbox-echo"}'
    headers = builder.bearer | {"Content-Type": "application/json", "X-Paywall-User": "ann"}
    answer = builder.client.post("/openai/v1/chat/completions", data=body, headers=headers)
    assert json.loads(answer.text)["choices"][0]["message"]["content"] == "You said: 1.50"
