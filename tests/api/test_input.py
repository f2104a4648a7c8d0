"""The same values, however they are sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.builder import Builder, check_problem

CHARGE = {"user": "ann", "amount": "0.5", "reference": "order-1"}
READS = {
    "balance": {"user": "ann", "minimum": "0.000001"},
    "topup-link": {"user": "ann"},
    "connection": {"user": "ann"},
    "usage": {"user": "ann", "feature": "pdf-parse"},
    "transactions": {"reference": "order-1", "limit": "5"},
    "models": {"search": "echo"},
    "me": {},
}
WRITES = {"charge": CHARGE, "deposit": CHARGE, "disconnect": {"user": "ann"}}
per_paywall = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def without_request(answer: Any) -> Any:
    """An answer without what differs from call to call."""
    result = answer.get_json()
    if isinstance(result, dict):
        result.pop("request_id", None)
    return answer.status_code, result


def visible(alphabet: str) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=20).map(str.strip).filter(bool)


users = visible("abcXYZ019-_.@|+ %&=/?#äß日é") | st.text(
    st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=128
).filter(lambda user: "{{" not in user)


@given(user=users, minimum=st.none() | st.from_regex(r"\A[0-9]{1,12}(\.[0-9]{1,6})?\Z"))
@per_paywall
def test_json_form_multipart_and_query_are_the_same(
    builder: Builder, user: str, minimum: str | None
) -> None:
    values = {"user": user} | ({} if minimum is None else {"minimum": minimum})
    headers = builder.bearer
    as_json = without_request(builder.post("balance", **values))
    assert as_json[0] == 200
    assert without_request(builder.form("balance", **values)) == as_json
    assert without_request(builder.get("balance", **values)) == as_json
    multipart = builder.client.post(
        "/v1/balance", data=values, headers=headers, content_type="multipart/form-data"
    )
    assert without_request(multipart) == as_json
    in_the_address = builder.client.post("/v1/balance", query_string=values, headers=headers)
    assert without_request(in_the_address) == as_json


@pytest.mark.parametrize("action", READS)
def test_reads_answer_get_and_post_alike(builder: Builder, action: str) -> None:
    rule = {"price": "1"}
    builder.client.put("/v1/features/pdf-parse", json=rule, headers=builder.bearer)
    by_get = without_request(builder.get(action, **READS[action]))
    assert by_get[0] == 200
    assert without_request(builder.post(action, **READS[action])) == by_get
    assert without_request(builder.form(action, **READS[action])) == by_get


@pytest.mark.parametrize("action", [*WRITES, "chat"])
def test_writes_answer_post_only(builder: Builder, action: str) -> None:
    refused = builder.get(action, **WRITES.get(action, {}))
    check_problem(refused, 405, "wrong_method")
    assert "POST" in refused.headers["Allow"]
    assert "GET" not in refused.headers["Allow"]
    assert builder.operations() == []


@pytest.mark.parametrize("way", ["post", "form"])
def test_a_charge_is_the_same_by_json_and_form(builder: Builder, way: str) -> None:
    builder.user("ann", balance="1")
    answer = getattr(builder, way)("charge", **CHARGE).json
    assert (answer["outcome"], answer["amount"], answer["reference"]) == (
        "charged",
        "0.5",
        "order-1",
    )


@pytest.mark.parametrize("empty", ["", None, [], {}])
def test_empty_values_are_the_same_as_missing_ones(builder: Builder, empty: object) -> None:
    builder.user("ann", balance="1")
    values = CHARGE | {"description": empty, "metadata": empty, "metadata_x": empty}
    answer = builder.post("charge", **values).json
    assert answer is not None
    assert answer["outcome"] == "charged"
    assert builder.seen("ledger")[0]["metadata"] == {"reference": "order-1"}


@pytest.mark.parametrize("empty", ["", None, [], {}, " "])
@pytest.mark.parametrize("name", CHARGE)
def test_an_empty_required_field_is_a_missing_one(
    builder: Builder, name: str, empty: object
) -> None:
    missing = builder.post("charge", **{n: v for n, v in CHARGE.items() if n != name})
    as_empty = builder.post("charge", **(CHARGE | {name: empty}))
    assert as_empty.status_code == missing.status_code == 422
    assert as_empty.get_json()["field"] == missing.get_json()["field"] == name
    assert builder.operations() == []


def test_the_user_may_stand_in_a_header(builder: Builder) -> None:
    builder.user("jürgen", balance="3")
    headers = builder.bearer | {"X-Paywall-User": "jürgen".encode().decode("latin-1")}
    answer = builder.client.get("/v1/balance", headers=headers).json
    assert answer is not None
    assert (answer["user"], answer["balance"]) == ("jürgen", "3")


def test_an_empty_header_is_a_missing_one(builder: Builder) -> None:
    headers = builder.bearer | {"X-Paywall-User": ""}
    refused = builder.client.post("/v1/balance", json={}, headers=headers)
    check_problem(refused, 422, "invalid_field", "user")


def test_the_reference_may_stand_in_the_idempotency_key(builder: Builder) -> None:
    builder.user("ann", balance="1")
    headers = builder.bearer | {"Idempotency-Key": "order-9"}
    values = {"user": "ann", "amount": "1"}
    answer = builder.client.post("/v1/charge", json=values, headers=headers).json
    assert answer is not None
    assert (answer["outcome"], answer["reference"]) == ("charged", "order-9")
    again = builder.post("charge", **values, reference="order-9").json
    assert again is not None
    assert again["duplicate"] is True


@pytest.mark.parametrize(
    "metadata",
    [
        {"metadata": {"plan": "pro", "seats": "2"}},
        {"metadata": '{"plan": "pro", "seats": "2"}'},
        {"metadata_plan": "pro", "metadata_seats": "2"},
        {"metadata": {"plan": "pro"}, "metadata_seats": "2"},
        {"metadata": '{"plan": "free", "seats": "2"}', "metadata_plan": "pro"},
    ],
)
@pytest.mark.parametrize("way", ["post", "form"])
def test_metadata_is_an_object_json_text_or_flat_fields(
    builder: Builder, metadata: dict[str, Any], way: str
) -> None:
    builder.user("ann", balance="1")
    if way == "form" and isinstance(metadata.get("metadata"), dict):
        metadata = metadata | {"metadata": json.dumps(metadata["metadata"])}
    assert getattr(builder, way)("charge", **CHARGE, **metadata).status_code == 200
    kept = builder.seen("ledger")[0]["metadata"]
    assert kept == {"reference": "order-1", "plan": "pro", "seats": "2"}


@pytest.mark.parametrize(("user", "seen"), [(42, "42"), (10**20, "1" + 20 * "0"), (1.50, "1.5")])
def test_numbers_are_taken_as_text_for_users_and_references(
    builder: Builder, user: object, seen: str
) -> None:
    builder.user(seen, balance="1")
    answer = builder.post("charge", user=user, amount=1, reference=user).json
    assert answer is not None
    assert (answer["user"], answer["reference"], answer["outcome"]) == (seen, seen, "charged")


def test_a_user_is_trimmed_and_otherwise_taken_as_it_is(builder: Builder) -> None:
    answer = builder.post("balance", user="  Ann Lee|7%2F ü ").json
    assert answer is not None
    assert answer["user"] == "Ann Lee|7%2F ü"
    assert builder.seen("requests")[-1]["user"] == "Ann Lee|7%2F ü"


def test_the_same_value_twice_is_one_value(builder: Builder) -> None:
    answer = builder.client.post(
        "/v1/balance?user=ann&user=ann", json={"user": "ann"}, headers=builder.bearer
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "place",
    [
        lambda key: {"headers": {"Authorization": f"Bearer {key}"}},
        lambda key: {"headers": {"Authorization": f"bearer   {key} "}},
        lambda key: {"headers": {"X-API-Key": key}},
        lambda key: {"json": {"api_key": key}},
        lambda key: {"data": {"api_key": key}},
        lambda key: {"json": {"api_key": f"  {key}  "}},
    ],
)
def test_the_key_may_stand_in_a_header_or_in_the_body(builder: Builder, place: Any) -> None:
    assert builder.client.post("/v1/me", **place(builder.key)).status_code == 200


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
names = st.sampled_from(
    ["user", "amount", "reference", "description", "metadata", "metadata_x", "errors", "api_key"]
) | st.text(max_size=10)


@given(body=st.dictionaries(names, json_values, max_size=8) | json_values)
@settings(per_paywall, max_examples=300)
def test_no_json_is_ever_our_failure(builder: Builder, body: object) -> None:
    for action in ("charge", "chat"):
        answer = builder.send(action, json.dumps(body).encode())
        assert answer.status_code < 500, answer.text


@given(body=st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
@settings(per_paywall, max_examples=150)
def test_no_bytes_are_ever_our_failure(builder: Builder, body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data"):
        answer = builder.send("charge", body, kind)
        assert answer.status_code < 500, answer.text
