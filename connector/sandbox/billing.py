"""What happens to a user's money and permission, and the events that it causes.

The callers hold the paywall's lock where several steps must be one.
"""

from dataclasses import dataclass
from decimal import Decimal

from connector.sandbox.money import formatted, plain
from connector.sandbox.state import JsonObject, User, iso, new_id
from connector.sandbox.world import Link, Scene

AUTHORIZE_WORDING = "Please allow this app to charge you first: {link}"
TOPUP_WORDING = "Your balance is too low. Please add funds here: {link}"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a user cannot be charged: a code, and the sentence (with its link) to show."""

    reason: str
    message: str


def charge(scene: Scene, user: User, amount: Decimal, key: str, metadata: JsonObject) -> JsonObject:
    """Take the amount from the balance, or refuse; return upstream's answer to a charge."""
    activity = new_id("act")
    refusal = obstacle(scene, user, amount)
    if refusal:
        failed = {"activityId": activity, "amount": amount, "errorCode": refusal.reason}
        scene.emit("paywall.balance.charge.failed", failed, user)
        return {"success": False, "message": refusal.message}
    take(scene, user, amount, activity, source="api", key=key, metadata=metadata)
    created = {"activityId": activity, "amount": amount, "processingFeeAmount": Decimal(0)}
    scene.emit("paywall.balance.charge.created", created, user)
    settled = {"activityId": activity, "settlementReference": f"settlement_{activity}"}
    scene.emit("paywall.balance.charge.completed", settled, user)
    shown = formatted(amount, scene.paywall.shared)
    return {"success": True, "message": f"The user was charged {shown}."}


def obstacle(scene: Scene, user: User, amount: Decimal) -> Refusal | None:
    """Return why the user cannot pay the amount now, or None. Makes the link that is needed."""
    settings = scene.paywall.settings
    if settings.decline_wording:
        return Refusal("declined", settings.decline_wording)
    if not user.connected:
        wording = settings.refusal_wording or AUTHORIZE_WORDING
        message = wording.replace("{link}", connect_link(scene, user))
        return Refusal("authorization_required", message)
    if user.balance < amount:
        depleted = {"requestedAmount": amount, "availableBalance": user.balance}
        scene.emit("paywall.balance.depleted", depleted, user)
        wording = settings.refusal_wording or TOPUP_WORDING
        message = wording.replace("{link}", topup_link(scene, user))
        return Refusal("insufficient_funds", message)
    return None


def take(
    scene: Scene,
    user: User,
    amount: Decimal,
    activity: str,
    *,
    source: str,
    key: str = "",
    metadata: JsonObject | None = None,
) -> None:
    """Take the amount from the balance and write it into the ledger."""
    user.balance -= amount
    _write(scene, "charge", user, amount, activity, source, key, metadata)


def deposit(
    scene: Scene,
    user: User,
    amount: Decimal,
    *,
    source: str,
    key: str = "",
    metadata: JsonObject | None = None,
) -> None:
    """Add the amount to the balance and write it into the ledger."""
    activity = new_id("act")
    user.balance += amount
    _write(scene, "deposit", user, amount, activity, source, key, metadata)
    created = {"amount": amount, "currency": "USD", "source": source, "activityId": activity}
    scene.emit("paywall.balance.deposit.created", created, user)


def topup_link(scene: Scene, user: User) -> str:
    """Return the user's checkout page, the same one until it is paid."""
    if not user.checkout or user.checkout not in scene.world.links:
        link = Link(new_id("cs_sandbox"), "checkout", scene.paywall, user)
        scene.world.add_link(link)
        user.checkout = link.id
        made = {
            "redirectUrl": scene.link("checkout", link.id),
            "checkoutSessionId": link.id,
        }
        scene.emit("paywall.balance.topup.link.created", made, user)
    return scene.link("checkout", user.checkout)


def connect_link(scene: Scene, user: User) -> str:
    """Return the page where the user allows charges, the same one until it is answered."""
    if not user.request or user.request not in scene.world.links:
        link = Link(new_id("req"), "authorize", scene.paywall, user)
        scene.world.add_link(link)
        user.request = link.id
        requested = {
            "requestId": link.id,
            "approvalUrl": scene.link("authorize", link.id),
            "mode": "test",
        }
        scene.emit("paywall.authorization.requested", requested, user)
    return scene.link("authorize", user.request)


def pay(scene: Scene, link: Link, amount: Decimal) -> None:
    """Credit what the user paid on a checkout page; the link is used up."""
    link.outcome, link.user.checkout = "paid", ""
    paid = {"checkoutSessionId": link.id, "amount": amount, "currency": "USD"}
    scene.emit("paywall.stripe.checkout.session.completed", paid, link.user)
    deposit(scene, link.user, amount, source="stripe.checkout")


def allow(scene: Scene, link: Link) -> None:
    """Connect the user who allowed charges."""
    link.outcome, link.user.request = "allowed", ""
    connect(scene, link.user)


def decline(scene: Scene, link: Link) -> None:
    """Note that the user did not allow charges; the next refusal holds a new link."""
    link.outcome, link.user.request = "declined", ""
    declined = {"requestId": link.id, "reason": "The user declined on the page."}
    scene.emit("paywall.authorization.declined", declined, link.user)


def connect(scene: Scene, user: User) -> None:
    """Connect a user from now on."""
    user.connected, user.connected_at = True, scene.paywall.now()
    user.connection_id = new_id("conn")
    completed = {"connectionId": user.connection_id}
    scene.emit("paywall.authorization.completed", completed, user)


def disconnect(scene: Scene, user: User) -> bool:
    """Take the permission back; return whether there was one."""
    was_connected, user.connected = user.connected, False
    if was_connected:
        scene.emit("paywall.authorization.revoked", {}, user)
    return was_connected


def _write(
    scene: Scene,
    kind: str,
    user: User,
    amount: Decimal,
    activity: str,
    source: str,
    key: str,
    metadata: JsonObject | None,
) -> None:
    row = {
        "id": activity,
        "type": kind,
        "user": user.id,
        "amount": plain(amount),
        "balance_after": plain(user.balance),
        "idempotency_key": key,
        "source": source,
        "metadata": metadata or {},
        "created_at": iso(scene.paywall.now()),
    }
    scene.paywall.ledger.append(row)
