"""Events as Stripe posts them, cut down to what a receiver may look at.

Source: https://docs.stripe.com/api/events/object, /api/checkout/sessions/object,
/api/payment_intents/object, /api/refunds/object and /api/disputes/object, of the API version
2024-10-28.acacia.
"""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def event(type: str, inner: Json, previous: Json | None = None) -> Json:
    """The envelope of every event."""
    data: Json = {"object": inner}
    if previous is not None:
        data["previous_attributes"] = previous
    return {
        "id": f"evt_{inner['id']}_{type}",
        "object": "event",
        "api_version": "2024-10-28.acacia",
        "created": 1764237600,
        "data": data,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": type,
    }


def session(
    payment: str, user: str | None, amount: int, currency: str = "usd", status: str = "paid"
) -> Json:
    """A Checkout session in which something was bought once."""
    return {
        "id": f"cs_test_{payment}",
        "object": "checkout.session",
        "amount_subtotal": amount,
        "amount_total": amount,
        "client_reference_id": user,
        "created": 1764237500,
        "currency": currency,
        "customer": None,
        "customer_details": {"email": "ann@example.com", "name": "Ann"},
        "invoice": None,
        "livemode": False,
        "metadata": {},
        "mode": "payment",
        "payment_intent": payment,
        "payment_method_types": ["card"],
        "payment_status": status,
        "status": "complete",
        "subscription": None,
    }


def payment_intent(payment: str, user: str | None, amount: int, currency: str = "usd") -> Json:
    """A payment; only one that was made without Stripe's page names a user."""
    return {
        "id": payment,
        "object": "payment_intent",
        "amount": amount,
        "amount_received": amount,
        "currency": currency,
        "latest_charge": f"ch_{payment}",
        "livemode": False,
        "metadata": {"user": user} if user else {},
        "status": "succeeded",
    }


def refund(id: str, payment: str, amount: int, currency: str = "usd", **changed: object) -> Json:
    """One refund, of all or a part of a payment."""
    return {
        "id": id,
        "object": "refund",
        "amount": amount,
        "balance_transaction": f"txn_{id}",
        "charge": f"ch_{payment}",
        "created": 1764237600,
        "currency": currency,
        "destination_details": {"card": {"type": "refund"}, "type": "card"},
        "metadata": {},
        "payment_intent": payment,
        "reason": "requested_by_customer",
        "receipt_number": None,
        "status": "succeeded",
        **changed,
    }


def charge(payment: str, amount: int, refunded: int) -> Json:
    """The charge of a payment, with the sum of all its refunds."""
    return {
        "id": f"ch_{payment}",
        "object": "charge",
        "amount": amount,
        "amount_captured": amount,
        "amount_refunded": refunded,
        "currency": "usd",
        "metadata": {},
        "paid": True,
        "payment_intent": payment,
        "refunded": refunded == amount,
        "status": "succeeded",
    }


def dispute(id: str, payment: str, amount: int, status: str) -> Json:
    """A payer's objection at their bank; `warning_…` is a question that moves no money yet."""
    return {
        "id": id,
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": f"ch_{payment}",
        "created": 1764237600,
        "currency": "usd",
        "evidence": {},
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": {},
        "payment_intent": payment,
        "reason": "fraudulent",
        "status": status,
    }
