"""Webhook subscriptions and the delivery log, as a caller meets them."""

import httpx
import pytest

URL = "https://hooks.example/in"


def create(client: httpx.Client, **more: object) -> httpx.Response:
    body = {"url": URL, "events": ["*"], **more}
    return client.post("/v1/webhooks/subscriptions", json=body)


def test_created_subscription_shows_its_secret_once(client: httpx.Client) -> None:
    answer = create(client, description="Ours")
    made = answer.json()["subscription"]
    assert answer.status_code == 201
    assert made["paywallId"] == "pw_sandbox_default"
    assert made["secret"].endswith(made["secretSuffix"])
    assert len(made["secretSuffix"]) == 6
    again = client.get(f"/v1/webhooks/subscriptions/{made['id']}").json()["subscription"]
    assert again == {name: value for name, value in made.items() if name != "secret"}


def test_own_secret_is_kept(client: httpx.Client) -> None:
    made = create(client, secret="sixteen-letters!").json()["subscription"]
    assert made["secret"] == "sixteen-letters!"


def test_deleted_subscription_is_listed_as_inactive(client: httpx.Client) -> None:
    first, second = (create(client).json()["subscription"]["id"] for _ in range(2))
    answer = client.delete(f"/v1/webhooks/subscriptions/{first}").json()
    assert answer["deactivated"] is True
    assert answer["subscription"]["isActive"] is False

    def listed(status: str) -> list[str]:
        answer = client.get("/v1/webhooks/subscriptions", params={"status": status}).json()
        return [row["id"] for row in answer["subscriptions"]]

    assert (listed("active"), listed("inactive")) == ([second], [first])
    assert len(client.get("/v1/webhooks/subscriptions").json()["subscriptions"]) == 2


@pytest.mark.parametrize(
    "url", ["http://localhost:8000/in", "http://127.0.0.1/in", "http://[::1]:8000/in", URL]
)
def test_https_anywhere_and_http_on_this_machine(client: httpx.Client, url: str) -> None:
    assert create(client, url=url).status_code == 201


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://hooks.example/in"},
        {"url": "ftp://hooks.example/in"},
        {"url": "https://"},
        {"url": "https://[oops/in"},
        {"url": "https://hooks.example:port/in"},
        {"url": ""},
        {"url": 7},
        {"events": []},
        {"events": "*"},
        {"events": ["paywall.nope"]},
        {"events": ["other.*"]},
        {"events": [7]},
        {"description": "x" * 513},
        {"secret": "short"},
        {"customHeaders": {f"X-{number}": "1" for number in range(11)}},
        {"customHeaders": {"X-Bad": 1}},
        {"customHeaders": {"X-Bad": "a\nb"}},
        {"customHeaders": {"X-Bad": "ä"}},
        {"customHeaders": {"X Bad": "a"}},
        {"customHeaders": []},
    ],
    ids=str,
)
def test_bad_subscription_is_a_400(client: httpx.Client, wrong: dict[str, object]) -> None:
    refusal = create(client, **wrong)
    assert refusal.status_code == 400
    assert refusal.json()["error"]["message"].endswith((".", '["*"].'))


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_unknown_subscription_is_a_404(client: httpx.Client, method: str) -> None:
    assert client.request(method, "/v1/webhooks/subscriptions/nope").status_code == 404


def test_paywalls_do_not_see_each_other(client: httpx.Client, shared: httpx.Client) -> None:
    made = create(client).json()["subscription"]["id"]
    assert shared.get(f"/v1/webhooks/subscriptions/{made}").status_code == 404
    assert shared.get("/v1/webhooks/subscriptions").json() == {"subscriptions": []}


def log_types(client: httpx.Client, **query: str | int) -> list[str]:
    rows = client.get("/v1/webhooks/logs", params=query).json()["logs"]
    return [row["event"]["type"] for row in rows]


def test_logs_are_filtered_and_newest_first(client: httpx.Client) -> None:
    client.post("/v1/webhooks/subscriptions", json={"url": "http://127.0.0.1:9", "events": ["*"]})
    for event_type in ("paywall.updated", "paywall.archived"):
        client.post("/_sandbox/events", json={"type": event_type})
    assert log_types(client) == ["paywall.archived", "paywall.updated"]
    assert log_types(client, limit=1) == ["paywall.archived"]
    assert log_types(client, eventType="paywall.updated") == ["paywall.updated"]
    assert log_types(client, status="success") == []
    assert log_types(client, subscriptionId="nope") == []


def test_logs_show_20_unless_told_and_100_at_most(client: httpx.Client) -> None:
    create(client, url="http://127.0.0.1:9")
    client.post("/_sandbox/events", json={"type": "paywall.updated", "count": 120})
    assert len(log_types(client)) == 20
    assert len(log_types(client, limit=100)) == 100


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "status=nope"])
def test_bad_log_query_is_a_400(client: httpx.Client, query: str) -> None:
    assert client.get(f"/v1/webhooks/logs?{query}").status_code == 400


def test_bad_status_of_subscriptions_is_a_400(client: httpx.Client) -> None:
    assert client.get("/v1/webhooks/subscriptions?status=nope").status_code == 400
