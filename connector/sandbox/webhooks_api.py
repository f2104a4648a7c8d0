"""The operations about webhook subscriptions and their delivery log."""

import ipaddress
import re
import secrets
from itertools import islice
from urllib.parse import urlsplit

from flask import Blueprint, Response

from connector.brands import Brand
from connector.catalog.events import UPSTREAM_TYPES
from connector.sandbox.calls import Call, answer, operation
from connector.sandbox.errors import SandboxError
from connector.sandbox.inputs import an_object, text
from connector.sandbox.state import Delivery, JsonObject, Subscription, iso, new_id

blueprint = Blueprint("webhooks", __name__)

MOST_SUBSCRIPTIONS = 1_000
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_STATUSES = ("pending", "success", "error")


@operation(blueprint, "subscriptions", "POST", "/webhooks/subscriptions", for_user=False)
def create_subscription(call: Call) -> Response:
    """Subscribe an address to events; the only answer that holds the signing secret."""
    now = call.paywall.now()
    subscription = Subscription(
        id=new_id("whsub"),
        url=_url(call.body),
        events=_events(call),
        secret=_secret(call.body),
        description=text(call.body, "description", longest=512),
        custom_headers=_custom_headers(call.body),
        created_at=now,
        updated_at=now,
    )
    with call.paywall.lock:
        if len(call.paywall.subscriptions) >= MOST_SUBSCRIPTIONS:
            raise SandboxError(400, f"There are {MOST_SUBSCRIPTIONS} subscriptions already.")
        call.paywall.subscriptions[subscription.id] = subscription
    shown = {**_shown(call, subscription), "secret": subscription.secret}
    return answer({"subscription": shown}, 201)


@operation(blueprint, "subscriptions", "GET", "/webhooks/subscriptions", for_user=False)
def list_subscriptions(call: Call) -> Response:
    """List the subscriptions, all or by `status`."""
    status = call.query.get("status")
    if status not in (None, "active", "inactive"):
        raise SandboxError(400, "'status' must be active or inactive.")
    with call.paywall.lock:
        shown = [
            _shown(call, subscription)
            for subscription in call.paywall.subscriptions.values()
            if status is None or subscription.active == (status == "active")
        ]
    return answer({"subscriptions": shown})


@operation(blueprint, "subscriptions", "GET", "/webhooks/subscriptions/<id>", for_user=False)
def get_subscription(call: Call) -> Response:
    """Show one subscription."""
    return answer({"subscription": _shown(call, _found(call))})


@operation(blueprint, "subscriptions", "DELETE", "/webhooks/subscriptions/<id>", for_user=False)
def delete_subscription(call: Call) -> Response:
    """Switch a subscription off; it stays in the list."""
    subscription = _found(call)
    with call.paywall.lock:
        if subscription.active:
            subscription.active, subscription.updated_at = False, call.paywall.now()
        return answer({"deactivated": True, "subscription": _shown(call, subscription)})


@operation(blueprint, "logs", "GET", "/webhooks/logs", for_user=False)
def list_logs(call: Call) -> Response:
    """List deliveries, newest first."""
    wanted = {name: call.query.get(name) for name in ("subscriptionId", "status", "eventType")}
    if wanted["status"] not in (None, *_STATUSES):
        raise SandboxError(400, f"'status' must be one of: {', '.join(_STATUSES)}.")
    limit = call.query.get("limit", "20")
    if not (limit.isascii() and limit.isdigit() and 1 <= int(limit) <= 100):
        raise SandboxError(400, "'limit' must be a whole number from 1 to 100.")
    with call.paywall.lock:
        rows = (d for d in reversed(call.paywall.deliveries) if _matches(d, wanted))
        return answer({"logs": [_row(delivery) for delivery in islice(rows, int(limit))]})


def _found(call: Call) -> Subscription:
    subscription = call.paywall.subscriptions.get(call.path["id"])
    if subscription is None:
        raise SandboxError(404, "There is no such webhook subscription.")
    return subscription


def _shown(call: Call, subscription: Subscription) -> JsonObject:
    shown: JsonObject = {
        "id": subscription.id,
        "paywallId": call.paywall.id,
        "url": subscription.url,
        "events": subscription.events,
        "isActive": subscription.active,
        "description": subscription.description,
        "customHeaders": subscription.custom_headers,
        "createdAt": iso(subscription.created_at),
        "updatedAt": iso(subscription.updated_at),
        "createdBy": call.paywall.owner_id,
        "consecutiveFailures": subscription.failures,
        "secretSuffix": subscription.secret[-6:],
    }
    if subscription.last_delivered_at is not None:
        shown["lastDeliveredAt"] = iso(subscription.last_delivered_at)
    return shown


def _matches(delivery: Delivery, wanted: dict[str, str | None]) -> bool:
    has = {
        "subscriptionId": delivery.subscription.id,
        "status": delivery.status,
        "eventType": delivery.event["type"],
    }
    return all(value is None or has[name] == value for name, value in wanted.items())


def _row(delivery: Delivery) -> JsonObject:
    row: JsonObject = {
        "id": delivery.id,
        "subscriptionId": delivery.subscription.id,
        "status": delivery.status,
        "attempts": delivery.attempts,
        "createdAt": iso(delivery.created_at),
        "updatedAt": iso(delivery.updated_at),
        "event": {**delivery.event, "attempts": delivery.attempts},
    }
    known: JsonObject = {
        "lastAttemptAt": _moment(delivery.last_attempt_at),
        "nextRetryAt": _moment(delivery.next_retry_at),
        "responseCode": delivery.response_code,
        "responseLatencyMs": delivery.latency_ms,
        "error": delivery.error or None,
    }
    row.update({name: value for name, value in known.items() if value is not None})
    return row


def _moment(seconds: float | None) -> str | None:
    return None if seconds is None else iso(seconds)


def _url(body: JsonObject) -> str:
    url = text(body, "url")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not (parts.scheme == "https" or (parts.scheme == "http" and _loopback(host))):
        raise SandboxError(400, "'url' must be an https address (http only on this machine).")
    return url


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _events(call: Call) -> list[str]:
    events = call.body.get("events")
    if not isinstance(events, list) or not events or len(events) > 100:
        raise SandboxError(400, "'events' must be a list of event types, or [\"*\"].")
    for event in events:
        if not isinstance(event, str) or not _is_pattern(call.paywall.brand, event):
            raise SandboxError(400, f"{event!r} is neither an event type nor a pattern of one.")
    return list(dict.fromkeys(events))


def _is_pattern(brand: Brand, event: str) -> bool:
    known = {brand.spelled(kind) for kind in UPSTREAM_TYPES}
    if event.endswith(".*"):
        return any(kind.startswith(event[:-1]) for kind in known)
    return event == "*" or event in known


def _secret(body: JsonObject) -> str:
    secret = text(body, "secret", longest=256)
    if "secret" in body and len(secret) < 16:
        raise SandboxError(400, "'secret' must have at least 16 characters.")
    return secret or f"whsec_{secrets.token_hex(24)}"


def _custom_headers(body: JsonObject) -> dict[str, str]:
    headers = an_object(body, "customHeaders")
    if len(headers) > 10:
        raise SandboxError(400, "There can be at most 10 'customHeaders'.")
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or not isinstance(value, str) or not value.isprintable():
            raise SandboxError(400, "'customHeaders' must be header names with text values.")
        if not value.isascii():
            raise SandboxError(400, "The values of 'customHeaders' must be plain ASCII.")
    return headers
