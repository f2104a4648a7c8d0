"""The operations about one user's money and permission."""

from collections.abc import Callable
from decimal import Decimal

from flask import Blueprint, Response

from connector.sandbox import billing
from connector.sandbox.calls import Call, answer, operation
from connector.sandbox.errors import SandboxError
from connector.sandbox.inputs import an_object
from connector.sandbox.money import formatted, raw_units, read_amount
from connector.sandbox.state import JsonObject, iso

blueprint = Blueprint("user", __name__)


@operation(blueprint, "charge", "POST", "/user/charge")
def charge(call: Call) -> Response:
    """Take an amount from the user's balance; a refusal is a 200 with `success: false`."""
    user, amount, metadata = call.user(), _amount(call), an_object(call.body, "metadata")
    return _once(
        call, lambda: billing.charge(call.scene, user, amount, call.idempotency_key, metadata)
    )


@operation(blueprint, "deposit", "POST", "/user/balance/deposit")
def deposit(call: Call) -> Response:
    """Add credits to the user's balance; Default mode only."""
    user, amount, metadata = call.user(), _amount(call), an_object(call.body, "metadata")
    if call.paywall.shared:
        raise SandboxError(400, "Deposits are only available for paywalls in default mode.")

    def add() -> JsonObject:
        billing.deposit(
            call.scene, user, amount, source="api", key=call.idempotency_key, metadata=metadata
        )
        return {"balanceFormatted": formatted(user.balance, call.paywall.shared)}

    return _once(call, add)


@operation(blueprint, "balance", "GET", "/user/balance")
def balance(call: Call) -> Response:
    """Tell the user's balance."""
    user = call.user()
    return answer(
        {
            "balance": raw_units(user.balance),
            "balanceFormatted": formatted(user.balance, call.paywall.shared),
        }
    )


@operation(blueprint, "topup", "GET", "/user/balance/topup")
def topup(call: Call) -> Response:
    """Give the page where the user can pay."""
    user = call.user()
    with call.paywall.lock:
        return answer({"url": billing.topup_link(call.scene, user)})


@operation(blueprint, "connect", "GET", "/user/connect")
def connect(call: Call) -> Response:
    """Tell whether the user allowed charges, else give the page to do so."""
    user = call.user()
    with call.paywall.lock:
        if not user.connected:
            url = billing.connect_link(call.scene, user)
            message = "The user has not allowed charges yet."
            return answer({"connected": False, "message": message, "url": url})
        connected_user = {
            "paywallKeyId": call.paywall.id,
            "userId": user.wallet_id,
            "externalUserId": user.id,
            "createdAt": iso(user.connected_at),
        }
    message = "The user is connected and can be charged."
    return answer({"connected": True, "connectedUser": connected_user, "message": message})


@operation(blueprint, "disconnect", "GET", "/user/disconnect")
def disconnect(call: Call) -> Response:
    """Take the user's permission back."""
    user = call.user()
    with call.paywall.lock:
        was_connected = billing.disconnect(call.scene, user)
    message = "The user was disconnected." if was_connected else "The user was not connected."
    return answer({"success": True, "message": message})


def _amount(call: Call) -> Decimal:
    return read_amount(call.body.get("amount"))


def _once(call: Call, act: Callable[[], JsonObject]) -> Response:
    """Act, or give the answer stored for the same idempotency key; parallel calls queue up."""
    key = "" if call.forget_key else call.idempotency_key
    with call.paywall.lock:
        stored = call.paywall.stored_answer(call.operation, key) if key else None
        if stored is None:
            stored = act()
            if key:
                call.paywall.store_answer(call.operation, key, stored)
    return answer(stored)
