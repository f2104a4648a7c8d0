"""Webhooks in the console: the addresses that events go to, and how it went with each."""

from __future__ import annotations

from flask import Blueprint, Response, request

from connector.api.authentication import ONLY_THE_KEY, Access, Caller, Right
from connector.api.delivery_routes import shown_delivery
from connector.api.flat_blueprint import filled
from connector.api.hook_routes import HookInput, make_hook
from connector.api.services import services
from connector.console.doors import changed, console_page, problem, see_other, seen
from connector.security.rights import VIEW
from connector.store import delivery_rows
from connector.store.outbox_rows import STATES
from connector.triggers.definitions import TRIGGERS

PATH = "/console/webhooks"
HOOKS = 100
DELIVERIES = 50
_LOOK = Right((VIEW,), one_user=False)
_SAID = {
    "tested": "A sample is on its way.",
    "replayed": "What had failed is on its way again.",
    "again": "It is on its way again.",
    "gone": "Nothing is sent to that address any more.",
}


def add_to(blp: Blueprint) -> None:
    """The routes under /console/webhooks."""

    @blp.get("/webhooks")
    @seen(_LOOK)
    def webhooks(caller: Caller) -> Response:
        return _listed(caller)

    @blp.post("/webhooks")
    @changed(ONLY_THE_KEY, Access.FRESH)
    def add(caller: Caller) -> Response:
        given = {n: request.form.get(n, "").strip() for n in ("target_url", "trigger", "user")}
        values = filled(HookInput(), {name: value for name, value in given.items() if value})
        made = make_hook(services(), caller, values)
        return _listed(caller, secret=made.secret, made=made.hook.target_url)

    @blp.post("/webhooks/<hook_id>/<what>")
    @changed(ONLY_THE_KEY, Access.READY)
    def change(caller: Caller, hook_id: str, what: str) -> Response:
        hooks = services().hooks
        if what == "test":
            hooks.test(caller.paywall, hook_id)
            return see_other(f"{PATH}?said=tested")
        if what == "replay":
            hooks.replay(caller.paywall, hook_id, None, failed_only=True)
            return see_other(f"{PATH}?said=replayed")
        if what == "delete" and hooks.get(caller.paywall, hook_id):
            hooks.delete(caller.paywall, hook_id)
            return see_other(f"{PATH}?said=gone")
        return problem(404, "Nothing was changed", "There is no such button. Go back to Webhooks.")

    @blp.post("/deliveries/<delivery_id>/replay")
    @changed(ONLY_THE_KEY, Access.READY)
    def again(caller: Caller, delivery_id: str) -> Response:
        services().hooks.replay_delivery(caller.paywall, delivery_id)
        return see_other(f"{PATH}?said=again")


def _listed(caller: Caller, secret: str = "", made: str = "") -> Response:
    parts = services()
    asked = {name: request.args.get(name, "").strip()[:255] for name in ("hook", "event", "status")}
    if asked["status"] not in STATES:
        asked["status"] = ""
    rows = parts.store.read(
        lambda connection: delivery_rows.listing(
            connection,
            caller.paywall.id,
            hook_id=asked["hook"],
            event_id=asked["event"],
            state=asked["status"],
            limit=DELIVERIES,
        )
    )
    return console_page(
        "console/webhooks.html",
        hooks=parts.hooks.listing(caller.paywall, "", HOOKS),
        deliveries=[shown_delivery(row) for row in rows],
        triggers=TRIGGERS,
        states=STATES,
        asked=asked,
        secret=secret,
        made=made,
        said=_SAID.get(request.args.get("said", ""), ""),
    )
