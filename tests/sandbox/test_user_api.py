"""Charges, deposits, balances, links and permissions, as a caller meets them."""

import threading
from collections.abc import Callable

import httpx
import pytest


def fund(client: httpx.Client, amount: str = "5", user: str = "ann") -> None:
    client.post("/v1/user/balance/deposit", json={"user": user, "amount": amount})


def charge(client: httpx.Client, amount: str = "0.50", key: str = "") -> dict[str, object]:
    headers = {"Idempotency-Key": key} if key else {}
    body = {"user": "ann", "amount": amount}
    answer: dict[str, object] = client.post("/v1/user/charge", json=body, headers=headers).json()
    return answer


def balance(client: httpx.Client, user: str = "ann") -> str:
    shown: str = client.get("/v1/user/balance", params={"user": user}).json()["balanceFormatted"]
    return shown


def test_charge_takes_the_amount_from_the_balance(client: httpx.Client) -> None:
    fund(client, "5")
    assert charge(client, "0.50")["success"] is True
    assert balance(client) == "$4.50"


def test_balance_is_given_raw_and_for_display(client: httpx.Client) -> None:
    fund(client, "1234.5")
    answer = client.get("/v1/user/balance", params={"user": "ann"}).json()
    assert answer == {"balance": "1234500000000000000000", "balanceFormatted": "$1,234.50"}


def test_shared_mode_shows_balances_in_usdc(shared: httpx.Client) -> None:
    assert balance(shared) == "0.00 USDC"


def test_refused_charge_holds_the_very_topup_link(client: httpx.Client) -> None:
    refusal = charge(client)
    link = client.get("/v1/user/balance/topup", params={"user": "ann"}).json()["url"]
    assert refusal["success"] is False
    assert str(refusal["message"]).endswith(link)
    assert link.startswith("http://sandbox.test/checkout/")


def test_topup_link_stays_the_same_until_it_is_paid(client: httpx.Client) -> None:
    first = client.get("/v1/user/balance/topup?user=ann").json()["url"]
    assert client.get("/v1/user/balance/topup?user=ann").json()["url"] == first
    client.post(first, data={"amount": "5.00"})
    assert client.get("/v1/user/balance/topup?user=ann").json()["url"] != first


def test_shared_mode_asks_for_authorization_first(shared: httpx.Client) -> None:
    refusal = charge(shared)
    connection = shared.get("/v1/user/connect?user=ann").json()
    assert connection["connected"] is False
    assert str(refusal["message"]).endswith(connection["url"])


def test_default_mode_users_are_connected_from_the_start(client: httpx.Client) -> None:
    connection = client.get("/v1/user/connect?user=ann").json()
    assert connection["connected"] is True
    assert connection["connectedUser"]["externalUserId"] == "ann"
    assert connection["connectedUser"]["userId"] != "ann"


def test_after_disconnecting_a_charge_asks_for_authorization(client: httpx.Client) -> None:
    fund(client)
    assert client.get("/v1/user/disconnect?user=ann").json()["success"] is True
    assert "/authorize/" in str(charge(client)["message"])
    assert balance(client) == "$5.00"


def test_shared_mode_refuses_deposits(shared: httpx.Client) -> None:
    refusal = shared.post("/v1/user/balance/deposit", json={"user": "ann", "amount": "5"})
    assert refusal.status_code == 400
    assert "default mode" in refusal.json()["error"]["message"]


def test_same_key_charges_once(client: httpx.Client) -> None:
    fund(client)
    assert charge(client, key="order-1") == charge(client, key="order-1")
    assert balance(client) == "$4.50"


def test_same_key_deposits_once(client: httpx.Client) -> None:
    for _ in range(2):
        client.post(
            "/v1/user/balance/deposit",
            json={"user": "ann", "amount": "5"},
            headers={"Idempotency-Key": "payment-1"},
        )
    assert balance(client) == "$5.00"


def test_charge_and_deposit_do_not_share_keys(client: httpx.Client) -> None:
    client.post(
        "/v1/user/balance/deposit",
        json={"user": "ann", "amount": "5"},
        headers={"Idempotency-Key": "one"},
    )
    assert charge(client, key="one")["success"] is True


def test_stored_refusal_is_replayed_even_when_funds_came(client: httpx.Client) -> None:
    refusal = charge(client, key="order-1")
    fund(client)
    assert charge(client, key="order-1") == refusal
    assert charge(client, key="order-2")["success"] is True


def test_keys_are_forgotten_after_24_hours(client: httpx.Client) -> None:
    fund(client)
    charge(client, key="order-1")
    client.post("/_sandbox/clock", json={"advance": 24 * 3600 - 60})
    charge(client, key="order-1")
    assert balance(client) == "$4.50"
    client.post("/_sandbox/clock", json={"advance": 120})
    charge(client, key="order-1")
    assert balance(client) == "$4.00"


def test_same_key_charges_once_under_20_parallel_calls(live: httpx.Client) -> None:
    fund(live)
    answers: list[dict[str, object]] = []
    threads = [
        threading.Thread(target=lambda: answers.append(charge(live, key="order-1")))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [{"success": True, "message": "The user was charged $0.50."}] * 20
    assert balance(live) == "$4.50"


def test_customised_wording_replaces_the_refusal(client: httpx.Client) -> None:
    client.post("/_sandbox/settings", json={"refusal_wording": "[Zahlen]({link}), bitte"})
    link = client.get("/v1/user/balance/topup?user=ann").json()["url"]
    assert charge(client)["message"] == f"[Zahlen]({link}), bitte"


def test_decline_wording_refuses_without_a_link_and_with_funds(client: httpx.Client) -> None:
    fund(client)
    client.post("/_sandbox/settings", json={"decline_wording": "Not today."})
    assert charge(client) == {"success": False, "message": "Not today."}


Named = Callable[[httpx.Client], httpx.Response]


@pytest.mark.parametrize(
    "named",
    [
        lambda c: c.post("/v1/user/charge", json={"amount": "1", "user": "ann"}),
        lambda c: c.post("/v1/user/charge?user=ann", json={"amount": "1"}),
        lambda c: c.post(
            "/v1/user/charge", json={"amount": "1"}, headers={"X-Paywall-User": "ann"}
        ),
        lambda c: c.post("/v1/ann/user/charge", json={"amount": "1"}),
        lambda c: c.post(
            "/v1/eve/user/charge",
            json={"amount": "1", "user": "ann"},
            headers={"X-Paywall-User": "bob"},
        ),
        lambda c: c.post(
            "/v1/eve/user/charge", json={"amount": "1"}, headers={"X-Paywall-User": "ann"}
        ),
    ],
    ids=["body", "query", "header", "path", "body-wins", "header-beats-path"],
)
def test_user_is_named_in_four_places(client: httpx.Client, named: Named) -> None:
    fund(client, "5")
    assert named(client).json()["success"] is True
    assert balance(client) == "$4.00"


def test_missing_user_is_a_400(client: httpx.Client) -> None:
    refusal = client.get("/v1/user/balance")
    assert refusal.status_code == 400
    assert refusal.json()["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "amount", ["0", "-1", "1,50", "$1", "1e3", "１", "0.0000001", "", None, 1.5]
)
def test_bad_amount_is_a_400(client: httpx.Client, amount: object) -> None:
    refusal = client.post("/v1/user/charge", json={"user": "ann", "amount": amount})
    assert refusal.status_code == 400
    assert "decimal string" in refusal.json()["error"]["message"]


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"'])
def test_body_that_is_no_object_is_a_400(client: httpx.Client, body: bytes) -> None:
    assert client.post("/v1/user/charge", content=body).status_code == 400


def test_user_ids_have_at_most_128_characters(client: httpx.Client) -> None:
    assert client.get("/v1/user/balance", params={"user": "a" * 129}).status_code == 400
