"""Events in the console: what happened in the paywall, newest first, as flows get it."""

from __future__ import annotations

from flask import Blueprint, Response, request

from connector import jsontext
from connector.api.authentication import Caller, Right
from connector.api.services import services
from connector.catalog.events import ANY_EVENT
from connector.console.doors import console_page, seen
from connector.security.rights import VIEW
from connector.triggers.definitions import TRIGGERS
from connector.triggers.polling import poll

EVENTS = 50
_LOOK = Right((VIEW, "triggers"))


def add_to(blp: Blueprint) -> None:
    """The route of /console/events."""

    @blp.get("/events")
    @seen(_LOOK)
    def events(caller: Caller) -> Response:
        parts = services()
        key = request.args.get("trigger", "")
        trigger = TRIGGERS.get(key, TRIGGERS[ANY_EVENT])
        user = caller.user or request.args.get("user", "").strip()[:128]
        account = parts.readiness.account(caller.key, caller.upstream)
        found = parts.store.read(
            lambda connection: poll(connection, caller.paywall.id, trigger, user=user, limit=EVENTS)
        )
        return console_page(
            "console/events.html",
            events=[(one, jsontext.pretty(one["payload_json"])) for one in found.items],
            triggers=TRIGGERS,
            trigger=trigger,
            user=user,
            account=account,
        )
