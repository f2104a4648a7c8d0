"""The `/_sandbox` endpoints: what only a sandbox can do, for the paywall of the key."""

from collections.abc import Callable
from dataclasses import asdict
from decimal import Decimal, InvalidOperation

from flask import Blueprint, Response, request

from connector.brands import canonical
from connector.catalog.events import EVENTS_BY_TYPE
from connector.sandbox import inputs
from connector.sandbox.calls import answer, authenticated
from connector.sandbox.emission import make_event, publish, user_ids
from connector.sandbox.errors import SandboxError
from connector.sandbox.faults import KINDS, OPERATIONS, WITH_KEYS, Fault
from connector.sandbox.money import plain
from connector.sandbox.state import JsonObject, Settings, User, iso
from connector.sandbox.world import Scene

blueprint = Blueprint("control", __name__, url_prefix="/_sandbox")

MOST_SECONDS = 10 * 365 * 86_400.0
LONGEST_FAULT = 300.0
MOST_EVENTS = 10_000

Control = Callable[[Scene, JsonObject], Response]


def control(rule: str, method: str = "POST") -> Callable[[Control], Control]:
    """Register a function that gets the paywall's scene and the JSON body."""

    def register(function: Control) -> Control:
        def handle(**path: str) -> Response:
            scene = authenticated()
            body = inputs.read_body() if request.method == "POST" else {}
            return function(scene, {**body, **path})

        blueprint.add_url_rule(rule, function.__name__, handle, methods=[method])
        return function

    return register


@control("/faults")
def faults(scene: Scene, body: JsonObject) -> Response:
    """Arm a fault for the next requests of an operation; `times: 0` disarms it."""
    inputs.only(body, ("operation", "kind", "times", "seconds"))
    fault = Fault(
        inputs.one_of(body, "operation", OPERATIONS),
        inputs.one_of(body, "kind", KINDS),
        inputs.whole(body, "times", 1, 0, 1_000_000),
        inputs.seconds(body, "seconds", 1.0, LONGEST_FAULT),
    )
    if fault.kind == "forget_keys" and fault.operation not in WITH_KEYS:
        raise SandboxError(400, "Only charge and deposit have idempotency keys to forget.")
    scene.paywall.faults.arm(fault)
    return answer({"armed": scene.paywall.faults.armed()})


@control("/release")
def release(scene: Scene, body: JsonObject) -> Response:
    """Let every request go on that the fault `hold` holds; answer how many there were."""
    inputs.only(body, ())
    return answer({"released": scene.paywall.faults.release()})


@control("/settings")
def settings(scene: Scene, body: JsonObject) -> Response:
    """Change the settings that are given; answer all of them."""
    inputs.only(body, Settings.__slots__)
    with scene.paywall.lock:
        now = scene.paywall.settings
        scene.paywall.settings = Settings(
            refusal_wording=inputs.text(body, "refusal_wording", now.refusal_wording),
            decline_wording=inputs.text(body, "decline_wording", now.decline_wording),
            bare_events=inputs.flag(body, "bare_events", now.bare_events),
            amounts_as_text=inputs.flag(body, "amounts_as_text", now.amounts_as_text),
            deactivate_after=inputs.whole(
                body, "deactivate_after", now.deactivate_after, 1, 1_000_000
            ),
        )
        return answer(asdict(scene.paywall.settings))


@control("/users/<path:user>")
def users(scene: Scene, body: JsonObject) -> Response:
    """Set a user's balance or connection, without a ledger row and without events."""
    inputs.only(body, ("user", "balance", "connected"))
    user = scene.paywall.user(inputs.text(body, "user", longest=128))
    with scene.paywall.lock:
        if "balance" in body:
            user.balance = _balance(body["balance"])
        if "connected" in body:
            user.connected = inputs.flag(body, "connected", user.connected)
            user.connected_at = scene.paywall.now()
        return answer(_shown(user))


@control("/users/<path:user>", "GET")
def get_user(scene: Scene, body: JsonObject) -> Response:
    """Show a user's balance, connection and wallet id."""
    return answer(_shown(scene.paywall.user(inputs.text(body, "user", longest=128))))


@control("/events")
def events(scene: Scene, body: JsonObject) -> Response:
    """Send an event to the subscriptions; without `data`, a known type gets its sample."""
    inputs.only(body, ("type", "data", "user", "count", "id", "created_at"))
    event_type = inputs.text(body, "type", longest=200)
    if not event_type:
        raise SandboxError(400, "'type' must be an event type, such as paywall.balance.depleted.")
    count = inputs.whole(body, "count", 1, 1, MOST_EVENTS)
    user = _named_user(scene, body)
    known = EVENTS_BY_TYPE.get(canonical(event_type))
    sample = known.upstream_sample if known and "data" not in body else {}
    event_type = known.type if known else event_type
    own = {"paywallId": scene.paywall.id, "ownerUserId": scene.paywall.owner_id}
    given = inputs.an_object(body, "data")
    data = {**sample, **own, **user_ids(event_type, user), **given}
    made, deliveries = [], 0
    for _ in range(count):
        event = make_event(scene.paywall, event_type, data, user)
        event["id"] = inputs.text(body, "id", event["id"], longest=200)
        event["createdAt"] = inputs.text(body, "created_at", event["createdAt"], longest=40)
        deliveries += publish(scene.world.courier, scene.paywall, event)
        made.append(event["id"])
    return answer({"event": event, "ids": made, "deliveries": deliveries})


@control("/clock")
def clock(scene: Scene, body: JsonObject) -> Response:
    """Put the paywall's clock forward; retries that fall due are made at once."""
    inputs.only(body, ("advance",))
    seconds = inputs.seconds(body, "advance", 0.0, MOST_SECONDS)
    with scene.paywall.lock:
        scene.paywall.clock_offset += seconds
    scene.world.courier.advance(scene.paywall, seconds)
    return answer({"offset": scene.paywall.clock_offset})


@control("/rotate")
def rotate(scene: Scene, _body: JsonObject) -> Response:
    """Replace the paywall's secret key; the old one is refused from now on."""
    with scene.paywall.lock:
        scene.paywall.rotations += 1
        key = scene.paywall.key
    rotated = {
        "secretLastFour": key[-4:],
        "actorId": scene.paywall.owner_id,
        "actorType": "user",
    }
    scene.emit("paywall.secret.rotated", rotated)
    return answer({"key": key, "paywall_id": scene.paywall.id})


@control("/requests", "GET")
def requests(scene: Scene, _body: JsonObject) -> Response:
    """List the upstream requests that came, oldest first; refused and dropped ones too."""
    return answer([{**row, "time": iso(row["time"])} for row in list(scene.paywall.requests)])


@control("/ledger", "GET")
def ledger(scene: Scene, _body: JsonObject) -> Response:
    """List the charges and deposits that were booked, oldest first."""
    with scene.paywall.lock:
        return answer(list(scene.paywall.ledger))


@control("/reset")
def reset(scene: Scene, _body: JsonObject) -> Response:
    """Forget everything about the paywall."""
    scene.world.reset(scene.paywall)
    return answer({"reset": True, "key": scene.paywall.first_key})


def _named_user(scene: Scene, body: JsonObject) -> User | None:
    name = inputs.text(body, "user", longest=128)
    return scene.paywall.user(name) if name else None


def _balance(value: object) -> Decimal:
    try:
        balance = Decimal(value if isinstance(value, str) else "?")
    except InvalidOperation:
        balance = Decimal("NaN")
    if not balance.is_finite() or abs(balance) >= 10**12 or balance != round(balance, 6):
        raise SandboxError(400, "'balance' must be a decimal string, such as \"12.50\".")
    return balance


def _shown(user: User) -> JsonObject:
    return {
        "user": user.id,
        "wallet_user_id": user.wallet_id,
        "balance": plain(user.balance),
        "connected": user.connected,
        "open_checkout": user.checkout,
        "open_request": user.request,
    }
