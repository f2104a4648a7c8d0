"""Faults on demand, in the process and over a real socket."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from connector.sandbox.errors import ConnectionDropped
from tests.support.processes import until

CHARGE = {"user": "ann", "amount": "1"}


def arm(client: httpx.Client, kind: str, operation: str = "charge", **more: float) -> None:
    body = {"operation": operation, "kind": kind, **more}
    assert client.post("/_sandbox/faults", json=body).status_code == 200


def charges(client: httpx.Client) -> int:
    rows = client.get("/_sandbox/ledger").json()
    return sum(row["type"] == "charge" for row in rows)


@pytest.fixture
def funded(live: httpx.Client) -> httpx.Client:
    live.post("/_sandbox/users/ann", json={"balance": "10"})
    return live


@pytest.mark.parametrize(
    ("kind", "status"), [("http_500", 500), ("http_429", 429), ("http_401", 401)]
)
def test_http_faults_charge_nothing(funded: httpx.Client, kind: str, status: int) -> None:
    arm(funded, kind)
    assert funded.post("/v1/user/charge", json=CHARGE).status_code == status
    assert charges(funded) == 0
    assert funded.post("/v1/user/charge", json=CHARGE).json()["success"] is True


def test_429_says_when_to_come_back(funded: httpx.Client) -> None:
    arm(funded, "http_429", seconds=7)
    assert funded.post("/v1/user/charge", json=CHARGE).headers["Retry-After"] == "7"


@pytest.mark.parametrize(("kind", "done"), [("drop_before_commit", 0), ("drop_after_commit", 1)])
def test_dropped_connection_brings_no_answer(funded: httpx.Client, kind: str, done: int) -> None:
    arm(funded, kind)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        funded.post("/v1/user/charge", json=CHARGE)
    assert charges(funded) == done


@pytest.mark.parametrize(("kind", "done"), [("drop_before_commit", 0), ("drop_after_commit", 1)])
def test_dropped_connection_is_an_exception_in_process(
    client: httpx.Client, kind: str, done: int
) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "10"})
    arm(client, kind)
    with pytest.raises(ConnectionDropped):
        client.post("/v1/user/charge", json=CHARGE)
    assert charges(client) == done


def test_answer_lost_after_the_commit_is_found_again_by_its_key(client: httpx.Client) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "10"})
    arm(client, "drop_after_commit")
    headers = {"Idempotency-Key": "order-1"}
    with pytest.raises(ConnectionDropped):
        client.post("/v1/user/charge", json=CHARGE, headers=headers)
    assert client.post("/v1/user/charge", json=CHARGE, headers=headers).json()["success"] is True
    assert charges(client) == 1


def test_garbage_is_a_200_that_is_not_json(client: httpx.Client) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "10"})
    arm(client, "garbage")
    answer = client.post("/v1/user/charge", json=CHARGE)
    assert answer.status_code == 200
    assert answer.text.startswith("<html>")
    assert charges(client) == 1


def test_slow_waits_and_then_answers(client: httpx.Client) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "10"})
    arm(client, "slow", seconds=0.1)
    started = time.monotonic()
    assert client.post("/v1/user/charge", json=CHARGE).json()["success"] is True
    assert time.monotonic() - started >= 0.1


def test_what_is_held_waits_until_it_is_released(funded: httpx.Client) -> None:
    arm(funded, "hold", seconds=60)
    with ThreadPoolExecutor(1) as background:
        held = background.submit(funded.post, "/v1/user/charge", json=CHARGE)
        until(lambda: funded.post("/_sandbox/release", json={}).json()["released"])
        assert held.result().json()["success"] is True


def test_what_is_held_for_too_long_goes_on(client: httpx.Client) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "10"})
    arm(client, "hold", seconds=0.1)
    assert client.post("/v1/user/charge", json=CHARGE).json()["success"] is True
    assert client.post("/_sandbox/release", json={}).json() == {"released": 0}


def test_forgotten_keys_charge_twice(client: httpx.Client) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "10"})
    headers = {"Idempotency-Key": "order-1"}
    client.post("/v1/user/charge", json=CHARGE, headers=headers)
    arm(client, "forget_keys", times=1)
    client.post("/v1/user/charge", json=CHARGE, headers=headers)
    client.post("/v1/user/charge", json=CHARGE, headers=headers)
    assert charges(client) == 2


def test_forget_keys_combines_with_a_dropped_answer(client: httpx.Client) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "10"})
    arm(client, "forget_keys", times=2)
    arm(client, "drop_after_commit")
    headers = {"Idempotency-Key": "order-1"}
    with pytest.raises(ConnectionDropped):
        client.post("/v1/user/charge", json=CHARGE, headers=headers)
    client.post("/v1/user/charge", json=CHARGE, headers=headers)
    assert charges(client) == 2


def test_faults_are_met_in_the_order_of_arming(client: httpx.Client) -> None:
    arm(client, "http_429", operation="balance", times=2)
    arm(client, "http_500", operation="balance")
    statuses = [client.get("/v1/user/balance?user=ann").status_code for _ in range(4)]
    assert statuses == [429, 429, 500, 200]


def test_zero_times_disarms(client: httpx.Client) -> None:
    arm(client, "http_500", operation="models", times=5)
    arm(client, "http_500", operation="models", times=0)
    assert client.get("/v1/models").status_code == 200


def test_arming_again_replaces_the_count(client: httpx.Client) -> None:
    arm(client, "http_500", operation="models", times=5)
    arm(client, "http_500", operation="models", times=1)
    statuses = [client.get("/v1/models").status_code for _ in range(2)]
    assert statuses == [500, 200]


@pytest.mark.parametrize(
    ("operation", "method", "path"),
    [
        ("charge", "POST", "/v1/user/charge"),
        ("deposit", "POST", "/v1/user/balance/deposit"),
        ("balance", "GET", "/v1/user/balance"),
        ("topup", "GET", "/v1/user/balance/topup"),
        ("connect", "GET", "/v1/user/connect"),
        ("disconnect", "GET", "/v1/user/disconnect"),
        ("chat", "POST", "/v1/chat/completions"),
        ("models", "GET", "/v1/models"),
        ("subscriptions", "GET", "/v1/webhooks/subscriptions"),
        ("logs", "GET", "/v1/webhooks/logs"),
    ],
)
def test_every_operation_can_fail(
    client: httpx.Client, operation: str, method: str, path: str
) -> None:
    arm(client, "http_500", operation=operation)
    assert client.request(method, path).status_code == 500


@pytest.mark.parametrize(
    "body",
    [
        {"operation": "nope", "kind": "http_500"},
        {"operation": "charge", "kind": "nope"},
        {"operation": "charge", "kind": "slow", "times": -1},
        {"operation": "charge", "kind": "slow", "times": True},
        {"operation": "charge", "kind": "slow", "seconds": 301},
        {"operation": "models", "kind": "forget_keys"},
        {"operation": "charge", "kind": "slow", "second": 1},
    ],
)
def test_nonsense_is_refused_with_a_sentence(client: httpx.Client, body: object) -> None:
    refusal = client.post("/_sandbox/faults", json=body)
    assert refusal.status_code == 400
    assert refusal.json()["error"]["message"].endswith(".")
