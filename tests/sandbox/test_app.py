"""The application factory and what the package exports."""

import httpx

import connector.sandbox
from connector.sandbox import create_sandbox

HEADERS = {"Authorization": "Bearer sk-paywalls-sandbox-default"}


def test_package_exports_the_factory_and_the_server() -> None:
    assert connector.sandbox.__all__ == ["create_sandbox", "serve"]


def test_injected_clock_tells_the_time() -> None:
    moment = 1_760_000_000.0
    transport = httpx.WSGITransport(app=create_sandbox(clock=lambda: moment))
    with httpx.Client(transport=transport, base_url="http://x.test", headers=HEADERS) as client:
        connected = client.get("/v1/user/connect?user=ann").json()["connectedUser"]
        assert connected["createdAt"] == "2025-10-09T08:53:20.000Z"
        client.post("/_sandbox/clock", json={"advance": 3600})
        body = {"type": "paywall.updated"}
        event = client.post("/_sandbox/events", json=body).json()["event"]
        assert event["createdAt"] == "2025-10-09T09:53:20.000Z"


def test_sandboxes_share_nothing() -> None:
    balances = []
    for amount in ("5", "7"):
        transport = httpx.WSGITransport(app=create_sandbox())
        with httpx.Client(transport=transport, base_url="http://x.test", headers=HEADERS) as client:
            body = {"user": "ann", "amount": amount}
            answer = client.post("/v1/user/balance/deposit", json=body).json()
            balances.append(answer["balanceFormatted"])
    assert balances == ["$5.00", "$7.00"]
