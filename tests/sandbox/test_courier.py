"""Webhook deliveries: signed, retried, given up, logged."""

import hashlib
import hmac
import re
import threading
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from connector.sandbox import create_sandbox

from . import openapi
from .receiver import Received, Receiver

DEPLETED = "paywall.balance.depleted"
SECRET = "a-secret-of-our-own"


def subscribe(client: httpx.Client, url: str, *events: str, **more: object) -> str:
    body = {"url": url, "events": list(events) or ["*"], "secret": SECRET, **more}
    answer = client.post("/v1/webhooks/subscriptions", json=body).json()
    subscription_id: str = answer["subscription"]["id"]
    return subscription_id


def send(client: httpx.Client, event_type: str = DEPLETED, **more: object) -> dict[str, Any]:
    made: dict[str, Any] = client.post("/_sandbox/events", json={"type": event_type, **more}).json()
    return made


def logs(client: httpx.Client, **query: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = client.get("/v1/webhooks/logs", params=query).json()["logs"]
    return rows


def subscription(client: httpx.Client, subscription_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/webhooks/subscriptions/{subscription_id}").json()
    shown: dict[str, Any] = answer["subscription"]
    return shown


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once the log shows what was expected; fail after 5 seconds."""
    pause = threading.Event()
    assert any(condition() or pause.wait(0.005) for _ in range(1_000))


def settled(client: httpx.Client, status: str = "success") -> dict[str, Any]:
    """Return the first log row of the status, once the courier has written it."""
    wait_until(lambda: bool(logs(client, status=status)))
    return logs(client, status=status)[0]


def wait_for_retry_after(client: httpx.Client, attempts: int) -> None:
    """Return once the newest delivery has failed this often and will be tried again."""
    wait_until(lambda: logs(client)[0]["attempts"] == attempts and "nextRetryAt" in logs(client)[0])


def signature(delivery: Received) -> str:
    return hmac.new(SECRET.encode(), delivery.raw, hashlib.sha256).hexdigest()


def test_delivery_is_an_envelope_with_a_signature(client: httpx.Client, receiver: Receiver) -> None:
    subscription_id = subscribe(client, receiver.url, customHeaders={"X-Mine": "yes"})
    made = send(client)
    [delivery] = receiver.wait_for(1)
    assert delivery.headers["X-Paywalls-Signature"] == signature(delivery)
    assert delivery.headers["X-Paywalls-Event"] == f"{DEPLETED}@2024-05-01"
    assert re.fullmatch(r"[-\dT:.]+Z", delivery.headers["X-Paywalls-Timestamp"])
    assert delivery.headers["X-Mine"] == "yes"
    assert delivery.body["delivery"]["subscriptionId"] == subscription_id
    assert delivery.body["delivery"]["attempts"] == 1
    assert delivery.event == {**made["event"], "attempts": 1}
    openapi.check_event(delivery.event)


def test_bare_event_is_sent_where_the_setting_says_so(
    client: httpx.Client, receiver: Receiver
) -> None:
    client.post("/_sandbox/settings", json={"bare_events": True})
    subscribe(client, receiver.url)
    send(client)
    [delivery] = receiver.wait_for(1)
    openapi.check_event(delivery.body)


def test_failed_delivery_is_tried_again_with_a_new_signature(
    client: httpx.Client, receiver: Receiver
) -> None:
    receiver.statuses = [500, 503]
    subscribe(client, receiver.url)
    send(client)
    attempts = receiver.wait_for(3)
    assert [a.body["delivery"]["attempts"] for a in attempts] == [1, 2, 3]
    assert all(a.headers["X-Paywalls-Signature"] == signature(a) for a in attempts)
    assert len({a.headers["X-Paywalls-Timestamp"] for a in attempts}) == 1
    assert settled(client)["attempts"] == 3


def test_eighth_failure_is_the_last(client: httpx.Client, receiver: Receiver) -> None:
    receiver.statuses = [500] * 20
    client.post("/_sandbox/settings", json={"deactivate_after": 1})
    subscription_id = subscribe(client, receiver.url)
    send(client)
    for attempts in range(1, 8):
        wait_for_retry_after(client, attempts)
        client.post("/_sandbox/clock", json={"advance": 3600})
    row = settled(client, "error")
    assert (row["attempts"], row["responseCode"]) == (8, 500)
    assert subscription(client, subscription_id)["consecutiveFailures"] == 8
    assert subscription(client, subscription_id)["isActive"] is False


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
def test_final_refusal_ends_a_delivery_at_once(
    client: httpx.Client, receiver: Receiver, status: int
) -> None:
    receiver.statuses = [status]
    subscribe(client, receiver.url)
    send(client)
    row = settled(client, "error")
    assert (row["attempts"], row["responseCode"]) == (1, status)


def test_success_clears_the_count_of_failures(client: httpx.Client, receiver: Receiver) -> None:
    receiver.statuses = [500]
    subscription_id = subscribe(client, receiver.url)
    send(client)
    receiver.wait_for(2)
    settled(client)
    assert subscription(client, subscription_id)["consecutiveFailures"] == 0
    assert "lastDeliveredAt" in subscription(client, subscription_id)


def test_clock_brings_retries_forward(receiver: Receiver) -> None:
    app = create_sandbox(retry_base=3600)
    headers = {"Authorization": "Bearer sk-paywalls-sandbox-default"}
    transport = httpx.WSGITransport(app=app)
    with httpx.Client(transport=transport, base_url="http://x.test", headers=headers) as client:
        receiver.statuses = [500]
        subscribe(client, receiver.url)
        send(client)
        wait_for_retry_after(client, 1)
        client.post("/_sandbox/clock", json={"advance": 4000})
        receiver.wait_for(2)


def test_deliveries_may_go_wherever_the_caller_sends_them() -> None:
    posted: list[str] = []

    def keep(url: str, _headers: Mapping[str, str], _body: bytes) -> int:
        posted.append(url)
        return 200

    headers = {"Authorization": "Bearer sk-paywalls-sandbox-default"}
    transport = httpx.WSGITransport(app=create_sandbox(send=keep))
    with httpx.Client(transport=transport, base_url="http://x.test", headers=headers) as client:
        subscribe(client, "https://hooks.example/in")
        send(client)
        assert settled(client)["responseCode"] == 200
    assert posted == ["https://hooks.example/in"]


@pytest.mark.parametrize(
    ("url", "error"),
    [("http://127.0.0.1:9/hook", "refused"), (f"https://{'a' * 70}.example/", "label")],
    ids=["nobody-listens", "impossible-name"],
)
def test_unreachable_receiver_shows_in_the_log(client: httpx.Client, url: str, error: str) -> None:
    subscribe(client, url)
    send(client)
    wait_until(lambda: "error" in logs(client)[0])
    [row] = logs(client)
    assert error in row["error"]
    assert row["status"] == "pending"
    assert "responseCode" not in row


def test_only_matching_events_are_sent(client: httpx.Client, receiver: Receiver) -> None:
    subscribe(client, receiver.url, "paywall.balance.*", "paywall.updated")
    send(client, "paywall.authorization.revoked")
    send(client, "paywall.updated")
    send(client, "paywall.balance.topup.link.created")
    received = receiver.wait_for(2)
    assert {delivery.event["type"] for delivery in received} == {
        "paywall.updated",
        "paywall.balance.topup.link.created",
    }
    assert len(logs(client)) == 2


def test_deleted_subscription_gets_nothing_more(client: httpx.Client, receiver: Receiver) -> None:
    subscription_id = subscribe(client, receiver.url)
    assert client.delete(f"/v1/webhooks/subscriptions/{subscription_id}").json()["deactivated"]
    assert send(client)["deliveries"] == 0
    assert receiver.received == []


def test_unknown_event_types_are_sent_as_they_are(client: httpx.Client, receiver: Receiver) -> None:
    subscribe(client, receiver.url)
    send(client, "paywall.brand.new", data={"somethingNew": [1, 2]})
    [delivery] = receiver.wait_for(1)
    assert delivery.event["data"]["somethingNew"] == [1, 2]


def test_many_events_arrive_each_once(live: httpx.Client, receiver: Receiver) -> None:
    subscribe(live, receiver.url)
    ids = send(live, count=300)["ids"]
    received = receiver.wait_for(300)
    assert sorted(delivery.event["id"] for delivery in received) == sorted(ids)


def test_same_event_can_be_sent_again(client: httpx.Client, receiver: Receiver) -> None:
    subscribe(client, receiver.url)
    send(client, id="evt_twice", created_at="2020-01-01T00:00:00Z")
    send(client, id="evt_twice")
    first, second = receiver.wait_for(2)
    assert first.event["id"] == second.event["id"] == "evt_twice"
    assert "2020-01-01T00:00:00Z" in {first.event["createdAt"], second.event["createdAt"]}


def test_reset_drops_what_was_waiting(client: httpx.Client, receiver: Receiver) -> None:
    receiver.statuses = [500] * 9
    subscribe(client, receiver.url)
    send(client)
    receiver.wait_for(1)
    client.post("/_sandbox/reset")
    assert logs(client) == []
    assert client.get("/v1/webhooks/subscriptions").json() == {"subscriptions": []}
