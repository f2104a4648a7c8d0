"""Which events each action causes, every one of them as documented."""

from collections.abc import Iterator

import httpx
import pytest

from . import openapi
from .receiver import Received, Receiver

CHARGE = {"user": "ann", "amount": "1.25"}
CHAT = {
    "user": "ann",
    "model": "sandbox-echo",
    "messages": [{"role": "user", "content": "Hello"}],
}


@pytest.fixture
def events(receiver: Receiver) -> Iterator[Receiver]:
    """Return a receiver; at the end every event that came is checked by the contract."""
    yield receiver
    for delivery in receiver.received:
        openapi.check_event(delivery.event)


def listen(client: httpx.Client, receiver: Receiver) -> None:
    body = {"url": receiver.url, "events": ["*"]}
    client.post("/v1/webhooks/subscriptions", json=body).raise_for_status()


def data(events: dict[str, Received], event_type: str) -> dict[str, object]:
    payload: dict[str, object] = events[event_type].event["data"]
    return payload


def test_charge(client: httpx.Client, events: Receiver) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "5"})
    listen(client, events)
    client.post("/v1/user/charge", json=CHARGE)
    result = events.wait_for_types(
        "paywall.balance.charge.created", "paywall.balance.charge.completed"
    )
    created = data(result, "paywall.balance.charge.created")
    assert created["amount"] == 1.25
    assert str(created["walletUserId"]).startswith("wallet_")
    assert "externalId" not in result["paywall.balance.charge.created"].event["subject"]
    completed = data(result, "paywall.balance.charge.completed")
    assert completed["activityId"] == created["activityId"]


def test_charge_without_funds(client: httpx.Client, events: Receiver) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "1"})
    listen(client, events)
    message = client.post("/v1/user/charge", json=CHARGE).json()["message"]
    result = events.wait_for_types(
        "paywall.balance.depleted",
        "paywall.balance.topup.link.created",
        "paywall.balance.charge.failed",
    )
    depleted = data(result, "paywall.balance.depleted")
    assert (depleted["requestedAmount"], depleted["availableBalance"]) == (1.25, 1.0)
    assert str(data(result, "paywall.balance.topup.link.created")["redirectUrl"]) in message
    failed = data(result, "paywall.balance.charge.failed")
    assert failed["errorCode"] == "insufficient_funds"


def test_charge_without_permission(shared: httpx.Client, events: Receiver) -> None:
    listen(shared, events)
    message = shared.post("/v1/user/charge", json=CHARGE).json()["message"]
    result = events.wait_for_types(
        "paywall.authorization.requested", "paywall.balance.charge.failed"
    )
    requested = data(result, "paywall.authorization.requested")
    assert requested["externalUserId"] == "ann"
    assert str(requested["approvalUrl"]) in message


@pytest.mark.parametrize(
    ("decision", "event_type"),
    [
        ("allow", "paywall.authorization.completed"),
        ("decline", "paywall.authorization.declined"),
    ],
)
def test_authorization_page(
    shared: httpx.Client, events: Receiver, decision: str, event_type: str
) -> None:
    listen(shared, events)
    url = shared.get("/v1/user/connect?user=ann").json()["url"]
    shared.post(url, data={"decision": decision})
    assert data(events.wait_for_types(event_type), event_type)["externalUserId"] == "ann"


def test_disconnecting(client: httpx.Client, events: Receiver) -> None:
    listen(client, events)
    client.get("/v1/user/disconnect?user=ann")
    events.wait_for_types("paywall.authorization.revoked")


def test_deposit_carries_both_ids_and_a_charge_one(client: httpx.Client, events: Receiver) -> None:
    listen(client, events)
    client.post("/v1/user/balance/deposit", json={"user": "ann", "amount": "5"})
    client.post("/v1/user/charge", json=CHARGE)
    result = events.wait_for_types(
        "paywall.balance.deposit.created", "paywall.balance.charge.created"
    )
    deposit = data(result, "paywall.balance.deposit.created")
    charge = data(result, "paywall.balance.charge.created")
    assert deposit["externalUserId"] == "ann"
    assert deposit["walletUserId"] == charge["walletUserId"]
    assert "externalUserId" not in charge


def test_payment_page(client: httpx.Client, events: Receiver) -> None:
    listen(client, events)
    url = client.get("/v1/user/balance/topup?user=ann").json()["url"]
    client.post(url, data={"amount": "10.00"})
    result = events.wait_for_types(
        "paywall.stripe.checkout.session.completed", "paywall.balance.deposit.created"
    )
    assert data(result, "paywall.stripe.checkout.session.completed")["amount"] == 10.0
    assert data(result, "paywall.balance.deposit.created")["source"] == "stripe.checkout"


def test_chat(client: httpx.Client, events: Receiver) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "5"})
    listen(client, events)
    usage = client.post("/v1/chat/completions", json=CHAT).json()["usage"]
    result = events.wait_for_types(
        "paywall.proxy.request.started",
        "paywall.proxy.request.completed",
        "paywall.usage.charge.created",
    )
    assert data(result, "paywall.usage.charge.created")["promptTokens"] == usage["prompt_tokens"]


def test_streamed_chat(client: httpx.Client, events: Receiver) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "5"})
    listen(client, events)
    client.post("/v1/chat/completions", json={**CHAT, "stream": True})
    events.wait_for_types("paywall.usage.charge.deferred", "paywall.usage.charge.created")


def test_stream_that_the_client_leaves(live: httpx.Client, events: Receiver) -> None:
    live.post("/_sandbox/users/ann", json={"balance": "5"})
    listen(live, events)
    slow = {**CHAT, "stream": True, "model": "sandbox-slow-0.1"}
    with live.stream("POST", "/v1/chat/completions", json=slow) as answer:
        next(answer.iter_lines())
    events.wait_for_types("paywall.proxy.request.canceled")


def test_failing_model(client: httpx.Client, events: Receiver) -> None:
    client.post("/_sandbox/users/ann", json={"balance": "5"})
    listen(client, events)
    client.post("/v1/chat/completions", json={**CHAT, "model": "sandbox-failing"})
    events.wait_for_types("paywall.proxy.request.failed")


def test_blocked_chat(shared: httpx.Client, events: Receiver) -> None:
    listen(shared, events)
    shared.post("/v1/chat/completions", json=CHAT)
    result = events.wait_for_types("paywall.request.blocked", "paywall.proxy.request.blocked")
    assert data(result, "paywall.request.blocked")["reason"] == "authorization_required"


def test_rotated_key(client: httpx.Client, events: Receiver) -> None:
    listen(client, events)
    key = client.post("/_sandbox/rotate").json()["key"]
    result = events.wait_for_types("paywall.secret.rotated")
    assert data(result, "paywall.secret.rotated")["secretLastFour"] == key[-4:]


def test_amounts_as_text_where_the_setting_says_so(client: httpx.Client, events: Receiver) -> None:
    client.post("/_sandbox/settings", json={"amounts_as_text": True})
    listen(client, events)
    client.post("/v1/user/balance/deposit", json={"user": "ann", "amount": "5.10"})
    result = events.wait_for_types("paywall.balance.deposit.created")
    assert data(result, "paywall.balance.deposit.created")["amount"] == "5.10"
