"""The upstream operations about webhooks: subscriptions, and the log of deliveries.

Source: https://docs.paywalls.ai/how-to-guides/webhooks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from connector.errors import UpstreamBroken, UpstreamRejected
from connector.upstream.calls import Upstream

LOG_PAGE = 100
"""The most rows that the log gives at once; it has no cursor."""


@dataclass(frozen=True)
class Subscribed:
    """An upstream subscription; `created_at` as upstream writes it."""

    id: str
    paywall_id: str
    url: str
    active: bool
    created_at: str


def subscriptions(upstream: Upstream) -> list[Subscribed]:
    """All subscriptions of the paywall, whoever made them."""
    return [_read(row) for row in upstream.subscriptions()]


def subscribe(upstream: Upstream, url: str, secret: str, description: str) -> Subscribed:
    """Subscribe an address to all events. Asked twice it makes two: whoever asks looks for that."""
    answer = upstream.ask(
        "subscriptions",
        "POST",
        "/webhooks/subscriptions",
        body={"url": url, "events": ["*"], "secret": secret, "description": description},
    )
    made = answer.get("subscription")
    if not isinstance(made, dict) or not made.get("id"):
        raise UpstreamBroken("Paywalls did not say which subscription it made. Try again.")
    return _read(made)


def unsubscribe(upstream: Upstream, subscription_id: str) -> None:
    """Switch a subscription off; one that is gone is fine."""
    try:
        upstream.ask("subscriptions", "DELETE", f"/webhooks/subscriptions/{subscription_id}")
    except UpstreamRejected:
        return


def log(
    upstream: Upstream, subscription_id: str, status: str, event_type: str = ""
) -> list[dict[str, Any]]:
    """The newest deliveries of a subscription with a status (pending, success, error), at most
    `LOG_PAGE`, each with its whole event; of one event type if it is given."""
    params = {"subscriptionId": subscription_id, "status": status, "limit": str(LOG_PAGE)}
    if event_type:
        params["eventType"] = event_type
    rows = upstream.ask("logs", "GET", "/webhooks/logs", params=params).get("logs")
    if not isinstance(rows, list):
        raise UpstreamBroken("Paywalls gave its delivery log in an unexpected form. Try again.")
    return [row for row in rows if isinstance(row, dict) and isinstance(row.get("event"), dict)]


def types(rows: list[dict[str, Any]]) -> list[str]:
    """The types of the events in rows of the log, as upstream writes them."""
    return [str(row["event"].get("type") or "") for row in rows]


def _read(row: dict[str, Any]) -> Subscribed:
    return Subscribed(
        id=str(row.get("id") or ""),
        paywall_id=str(row.get("paywallId") or ""),
        url=str(row.get("url") or ""),
        active=row.get("isActive") is not False,
        created_at=str(row.get("createdAt") or ""),
    )
