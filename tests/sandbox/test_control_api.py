"""The `/_sandbox` endpoints: users, events, keys, logs, reset; each for one paywall only."""

import httpx
import pytest

from .conftest import ClientFor

ENDPOINTS = ["faults", "settings", "users/ann", "events", "clock", "rotate", "reset"]


def test_user_is_set_without_a_ledger_row(client: httpx.Client) -> None:
    shown = client.post("/_sandbox/users/ann", json={"balance": "12.5", "connected": False}).json()
    assert (shown["balance"], shown["connected"]) == ("12.50", False)
    assert client.get("/v1/user/balance?user=ann").json()["balanceFormatted"] == "$12.50"
    assert client.get("/v1/user/connect?user=ann").json()["connected"] is False
    assert client.get("/_sandbox/ledger").json() == []


def test_user_is_shown_with_the_wallet_id_of_the_events(client: httpx.Client) -> None:
    shown = client.get("/_sandbox/users/ann").json()
    connection = client.get("/v1/user/connect?user=ann").json()["connectedUser"]
    assert shown["wallet_user_id"] == connection["userId"]


def test_user_ids_may_hold_slashes(client: httpx.Client) -> None:
    client.post("/_sandbox/users/team/ann", json={"balance": "1"})
    shown = client.get("/v1/user/balance", params={"user": "team/ann"}).json()
    assert shown["balanceFormatted"] == "$1.00"


def test_requests_are_logged_refused_ones_too(client: httpx.Client) -> None:
    client.post("/_sandbox/faults", json={"operation": "charge", "kind": "http_500"})
    for key in ("order-1", "order-2"):
        client.post(
            "/v1/user/charge",
            json={"user": "ann", "amount": "1"},
            headers={"Idempotency-Key": key},
        )
    client.get("/v1/models")
    rows = client.get("/_sandbox/requests").json()
    assert [(r["operation"], r["user"], r["idempotency_key"]) for r in rows] == [
        ("charge", "ann", "order-1"),
        ("charge", "ann", "order-2"),
        ("models", "", ""),
    ]
    assert rows[0]["time"].endswith("Z")


def test_ledger_lists_what_was_booked(client: httpx.Client) -> None:
    client.post(
        "/v1/user/balance/deposit",
        json={"user": "ann", "amount": "5", "metadata": {"invoice": "7"}},
        headers={"Idempotency-Key": "in-1"},
    )
    client.post("/v1/user/charge", json={"user": "ann", "amount": "1.5"})
    deposit, charge = client.get("/_sandbox/ledger").json()
    assert (deposit["type"], deposit["user"], deposit["amount"]) == ("deposit", "ann", "5.00")
    assert (deposit["idempotency_key"], deposit["metadata"]) == ("in-1", {"invoice": "7"})
    assert (charge["type"], charge["amount"], charge["balance_after"]) == ("charge", "1.50", "3.50")


def test_known_event_without_data_gets_its_sample_and_our_paywall(client: httpx.Client) -> None:
    made = client.post("/_sandbox/events", json={"type": "paywall.balance.depleted"}).json()
    assert made["event"]["data"]["requestedAmount"] == 4.5
    assert made["event"]["data"]["paywallId"] == "pw_sandbox_default"
    assert made["deliveries"] == 0


def test_event_about_a_user_carries_that_users_ids(client: httpx.Client) -> None:
    wallet = client.get("/_sandbox/users/ann").json()["wallet_user_id"]
    body = {"type": "paywall.balance.deposit.created", "user": "ann"}
    data = client.post("/_sandbox/events", json=body).json()["event"]["data"]
    assert (data["walletUserId"], data["externalUserId"]) == (wallet, "ann")
    assert data["amount"] == 4.5


def test_rotation_ends_the_old_key_and_keeps_the_data(
    client: httpx.Client, client_for: ClientFor
) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "5"})
    key = client.post("/_sandbox/rotate").json()["key"]
    assert key == "sk-paywalls-sandbox-default~r2"
    assert client.get("/v1/user/balance?user=ann").status_code == 401
    renewed = client_for(key)
    assert renewed.get("/v1/user/balance?user=ann").json()["balanceFormatted"] == "$5.00"
    assert renewed.post("/_sandbox/rotate").json()["key"].endswith("~r3")


def test_reset_forgets_everything_and_takes_the_first_key_again(
    client: httpx.Client, client_for: ClientFor
) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "5"})
    renewed = client_for(client.post("/_sandbox/rotate").json()["key"])
    assert renewed.post("/_sandbox/reset").json()["key"] == "sk-paywalls-sandbox-default"
    assert client.get("/v1/user/balance?user=ann").json()["balanceFormatted"] == "$0.00"


def test_paywalls_are_independent(client: httpx.Client, client_for: ClientFor) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "5"})
    other = client_for("sk-paywalls-sandbox-other")
    assert other.get("/v1/user/balance?user=ann").json()["balanceFormatted"] == "$0.00"
    other.post("/_sandbox/reset")
    assert client.get("/v1/user/balance?user=ann").json()["balanceFormatted"] == "$5.00"


@pytest.mark.parametrize("key", ["shared", "shared-two"])
def test_names_that_begin_with_shared_are_in_shared_mode(client_for: ClientFor, key: str) -> None:
    client = client_for(f"sk-paywalls-sandbox-{key}")
    assert client.get("/v1/user/connect?user=ann").json()["connected"] is False


@pytest.mark.parametrize(
    "key", ["sk-paywalls-live", "sk-paywalls-sandbox-", "sk-paywalls-sandbox-default~r2", "nope"]
)
def test_other_keys_are_a_401(client_for: ClientFor, key: str) -> None:
    refusal = client_for(key).get("/v1/models")
    assert refusal.status_code == 401
    assert refusal.json()["error"]["type"] == "authentication_error"


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_control_needs_the_key_too(client_for: ClientFor, endpoint: str) -> None:
    assert client_for("nope").post(f"/_sandbox/{endpoint}").status_code == 401


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("users/ann", {"balance": "lots"}),
        ("users/ann", {"balance": 5}),
        ("users/ann", {"balance": "NaN"}),
        ("users/ann", {"balance": "1e40"}),
        ("users/ann", {"connected": "yes"}),
        ("users/ann", {"color": "red"}),
        ("events", {}),
        ("events", {"type": "paywall.updated", "count": 0}),
        ("events", {"type": "paywall.updated", "data": []}),
        ("clock", {"advance": -1}),
        ("clock", {"advance": "soon"}),
        ("settings", {"bare_events": "yes"}),
        ("settings", {"refusal_wording": 7}),
        ("settings", {"deactivate_after": 0}),
        ("settings", {"colour": "red"}),
    ],
    ids=str,
)
def test_bad_input_is_a_400_with_a_sentence(
    client: httpx.Client, endpoint: str, body: object
) -> None:
    refusal = client.post(f"/_sandbox/{endpoint}", json=body)
    assert refusal.status_code == 400
    assert refusal.json()["error"]["message"].endswith(".")


@pytest.mark.parametrize("path", ["/v1/models", "/_sandbox/ledger", "/v1/nope", "/checkout/nope"])
def test_every_answer_is_marked(client: httpx.Client, path: str) -> None:
    assert client.get(path).headers["X-Paywalls-Sandbox"] == "true"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/nope", 404), ("DELETE", "/v1/user/charge", 405)]
)
def test_unknown_operations_are_json_errors(
    client: httpx.Client, method: str, path: str, status: int
) -> None:
    refusal = client.request(method, path)
    assert refusal.status_code == status
    assert refusal.json()["error"]["message"] == f"There is no operation {method} {path}."
