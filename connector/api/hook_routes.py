"""Hooks: subscribe an address to a trigger, look at it, test it, replay to it, let it go."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema

from connector.api.authentication import ONLY_THE_KEY, Access, Caller, Right
from connector.api.delivery_routes import DeliveryOutput, shown_delivery
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.services import Services, services
from connector.api.trigger_routes import NoInput
from connector.catalog.actions import Input, Values
from connector.catalog.fields import PAGE_MAX, USER_MAX, Count, Flag, Identifier, Text, UserId
from connector.catalog.log_fields import Moment, YesNo
from connector.inbound.readiness import NOT_KEPT
from connector.security.rights import TRIGGERS, VIEW
from connector.store.hook_rows import Hook
from connector.triggers.hooks import Made
from connector.triggers.items import shown

URL_MAX = 2_000
_MADE = "Events are sent to this address from now on. Keep the secret: it is not shown again."
_THERE = "This hook was there already. Its secret was shown when it was made."
_TESTED = "A sample is on its way."

_OWN = Right((TRIGGERS,))
_LOOK = Right((TRIGGERS, VIEW))


class HookInput(Input):
    """What to subscribe to."""

    target_url = Identifier(
        "Target URL",
        "The https address that events are sent to.",
        example="https://hooks.example.com/abc",
        max_length=URL_MAX,
        required=True,
    )
    trigger = Identifier(
        "Trigger",
        "The key of a trigger; GET /v1/triggers lists them.",
        example="balance_depleted",
        max_length=64,
        required=True,
    )
    user = UserId("User ID", "Only events of this user.", example="user_42", max_length=USER_MAX)
    test = YesNo("Test", "Whether to send a sample at once.", example=True)


class PageInput(Input):
    """Which hooks to show."""

    before = Identifier(
        "Before",
        "Only older ones than this hook: the id of the last one that you have.",
        example="hook_3ac4170b2f6e",
        max_length=64,
    )
    limit = Count("Limit", "How many at most.", example=25, low=1, high=PAGE_MAX)


class ReplayInput(Input):
    """What to send again."""

    since = Moment(
        "Since", "From which time on events are sent again.", example="2026-01-31T12:00:00Z"
    )
    failed_only = YesNo(
        "Failed Only", "Whether to send only what was given up before.", example=False
    )


class HookOutput(Schema):
    """A hook; the secret is shown only in the answer to the call that made it."""

    id = Text("Hook", "The hook's id.", example="hook_3ac4170b2f6e")
    trigger = Text("Trigger", "Which trigger it is for.", example="balance_depleted")
    target_url = Text(
        "Target URL", "Where events are sent to.", example="https://hooks.example.com/abc"
    )
    user = Text("User ID", "Whose events are sent, or empty for all.", example="user_42")
    state = Text("State", "active, or off after it did not take events.", example="active")
    problem = Text(
        "Problem",
        "Why it is off, or why the last push failed.",
        example="The address answered 500.",
    )
    secret = Text("Secret", "Signs every push (Standard Webhooks).", example="whsec_MfKQ9r8G")
    created_at = Text("Created At", "When it was made.", example="2026-01-31T12:00:00.000Z")
    message = Text("Message", "What happened, in a sentence.", example=_MADE)


class DeletedOutput(Schema):
    """What became of a hook that should go."""

    id = Text("Hook", "The hook's id.", example="hook_3ac4170b2f6e")
    success = Flag("Success", "Always yes: it is gone.", example=True)
    message = Text("Message", "What happened, in a sentence.", example="The hook is gone.")


class ReplayOutput(Schema):
    """How much is sent again."""

    id = Text("Hook", "The hook's id.", example="hook_3ac4170b2f6e")
    replayed = Count("Replayed", "How many events are sent again.", example=12)
    complete = Flag("Complete", "No if there are more: then call again.", example=True)
    next_since = Text(
        "Next Since",
        "What to send as “Since” in the next call, or empty to send the same.",
        example="2026-01-31T13:00:00.000Z",
    )


def blueprint() -> Blueprint:
    """The routes under /v1/hooks."""
    blp = FlatBlueprint("hooks", __name__, url_prefix="/v1/hooks", description="Hooks")

    @blp.call("", "POST", Access.FRESH, _OWN, takes=HookInput, gives=HookOutput, status=201)
    def subscribe(caller: Caller, values: Values) -> Response:
        """Sends the events of a trigger to an address from now on."""
        made = make_hook(services(), caller, values)
        words = [_MADE if made.secret else _THERE]
        words += [_TESTED] if values.get("test") else []
        words += [] if services().settings.keep_keys else [NOT_KEPT]
        body = _shown(made.hook, made.secret, " ".join(words))
        response = json_answer(body, 201 if made.secret else 200)
        response.headers["Location"] = (
            f"{services().settings.public_url or ''}/v1/hooks/{made.hook.id}"
        )
        return response

    @blp.call("", "GET", Access.PAYWALL, _LOOK, takes=PageInput, gives=HookOutput, many=True)
    def hooks(caller: Caller, values: Values) -> Response:
        """Lists the hooks of the paywall, the newest first, a page at a time."""
        before, limit = values.get("before", ""), values.get("limit", PAGE_MAX)
        page = services().hooks.listing(caller.paywall, before, limit, _only_of(caller))
        return json_answer([_shown(hook) for hook in page])

    @blp.call("/<hook_id>", "GET", Access.PAYWALL, _LOOK, takes=NoInput, gives=HookOutput)
    def hook(caller: Caller, _: Values, hook_id: str) -> Response:
        """Gives one hook."""
        return json_answer(_shown(services().hooks.get(caller.paywall, hook_id, _only_of(caller))))

    @blp.call("/<hook_id>", "DELETE", Access.PAYWALL, _OWN, takes=NoInput, gives=DeletedOutput)
    def unsubscribe(caller: Caller, _: Values, hook_id: str) -> Response:
        """Sends nothing to a hook any more."""
        deleted = services().hooks.delete(caller.paywall, hook_id, caller.token_id)
        message = "The hook is gone." if deleted else "There is no such hook (any more)."
        return json_answer({"id": hook_id, "success": True, "message": message})

    @blp.call(
        "/<hook_id>/test",
        "POST",
        Access.READY,
        ONLY_THE_KEY,
        takes=NoInput,
        gives=DeliveryOutput,
    )
    def test(caller: Caller, _: Values, hook_id: str) -> Response:
        """Sends a hook the sample of its trigger."""
        return json_answer(shown_delivery(services().hooks.test(caller.paywall, hook_id)))

    @blp.call(
        "/<hook_id>/replay",
        "POST",
        Access.READY,
        ONLY_THE_KEY,
        takes=ReplayInput,
        gives=ReplayOutput,
    )
    def replay(caller: Caller, values: Values, hook_id: str) -> Response:
        """Sends a hook again what came since a time, or what failed."""
        replayed = services().hooks.replay(
            caller.paywall,
            hook_id,
            values.get("since"),
            failed_only=values.get("failed_only", False),
        )
        following = replayed.next_since
        return json_answer(
            {
                "id": hook_id,
                "replayed": replayed.count,
                "complete": replayed.complete,
                "next_since": shown(following) if following is not None else "",
            }
        )

    return blp


def make_hook(parts: Services, caller: Caller, values: Values) -> Made:
    """The hook for the values of HookInput, and whatever it needs to fire. Raises as Hooks.create
    does."""
    made = parts.hooks.create(
        caller.paywall,
        target_url=values["target_url"],
        trigger=values["trigger"],
        user=values.get("user", ""),
        test=values.get("test", False),
        token_id=caller.token_id,
    )
    parts.readiness.keep_key(caller.key, caller.paywall)
    parts.readiness.learn(caller.key, values.get("user", ""))
    return made


def sees_all(caller: Caller) -> bool:
    """Whether somebody sees all hooks of the paywall: the key, and a token that may view
    everything."""
    return caller.token is None or (VIEW in caller.token.actions and not caller.user)


def _only_of(caller: Caller) -> str:
    """Other tokens see their own hooks."""
    return "" if sees_all(caller) else caller.token_id


def _shown(hook: Hook, secret: str = "", message: str = "") -> dict[str, object]:
    return {
        "id": hook.id,
        "trigger": hook.trigger,
        "target_url": hook.target_url,
        "user": hook.user_id,
        "state": hook.state,
        "problem": hook.problem,
        "secret": secret,
        "created_at": shown(hook.created_at),
        "message": message,
    }
