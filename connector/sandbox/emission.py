"""Makes events and hands them to the subscriptions that asked for them."""

from collections.abc import Mapping
from decimal import Decimal

from connector.catalog.events import EVENTS_BY_TYPE, UPSTREAM_TYPES
from connector.sandbox.courier import Courier
from connector.sandbox.state import Delivery, JsonObject, Paywall, Subscription, User, iso, new_id

VERSION = "2024-05-01"


def emit(
    courier: Courier,
    paywall: Paywall,
    event_type: str,
    data: Mapping[str, object],
    user: User | None = None,
) -> None:
    """Send an event that an action caused. `data` lacks only the paywall's and owner's ids.

    Of the user's two ids the event gets those that its kind carries upstream.
    """
    with paywall.lock:
        if any(subscription.active for subscription in paywall.subscriptions.values()):
            event = make_event(paywall, event_type, {**user_ids(event_type, user), **data}, user)
            publish(courier, paywall, event)


def make_event(
    paywall: Paywall, event_type: str, data: Mapping[str, object], user: User | None = None
) -> JsonObject:
    """Return a whole event, of which `event_type` is the catalog's word or one of no brand;
    amounts (Decimals) become numbers or, by a setting, texts."""
    known = event_type in UPSTREAM_TYPES
    amount = str if paywall.settings.amounts_as_text else float
    payload = {"paywallId": paywall.id, "ownerUserId": paywall.owner_id}
    for name, value in data.items():
        payload[name] = amount(value) if isinstance(value, Decimal) else value  # type: ignore[assignment]
    event: JsonObject = {
        "id": new_id("evt"),
        "paywallId": paywall.id,
        "ownerUserId": paywall.owner_id,
        "type": paywall.brand.spelled(event_type) if known else event_type,
        "version": VERSION,
        "status": "pending",
        "attempts": 0,
        "createdAt": iso(paywall.now()),
        "trigger": {"source": "api", "actorType": "system", "actorId": paywall.id},
        "subject": _subject(paywall, event_type, user),
        "data": payload,
        "metadata": {"sandbox": True},
    }
    return event


def publish(courier: Courier, paywall: Paywall, event: JsonObject) -> int:
    """Hand the event to every active subscription that wants it; return how many there are."""
    with paywall.lock:
        now = paywall.now()
        deliveries = [
            Delivery(new_id("whd"), subscription, event, now, now)
            for subscription in paywall.subscriptions.values()
            if subscription.active and wants(subscription, event["type"])
        ]
        paywall.deliveries.extend(deliveries)
        courier.submit(paywall, deliveries)
    return len(deliveries)


def user_ids(event_type: str, user: User | None) -> dict[str, str]:
    """Return those of the user's two ids that payloads of this type carry."""
    known = EVENTS_BY_TYPE.get(event_type)
    if user is None or known is None:
        return {}
    carried = {field.name for field in known.fields}
    ids = {"walletUserId": user.wallet_id, "externalUserId": user.id}
    return {name: value for name, value in ids.items() if name in carried}


def wants(subscription: Subscription, event_type: str) -> bool:
    """Tell whether one of the subscription's patterns covers the type."""
    return any(
        pattern in ("*", event_type)
        or (pattern.endswith(".*") and event_type.startswith(pattern[:-1]))
        for pattern in subscription.events
    )


def _subject(paywall: Paywall, event_type: str, user: User | None) -> dict[str, str]:
    if user is None:
        return {"type": "paywall", "id": paywall.id}
    subject = {"type": "user", "id": user.wallet_id}
    if "externalUserId" in user_ids(event_type, user):
        subject["externalId"] = user.id
    return subject
