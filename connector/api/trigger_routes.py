"""Polling: the list of triggers, and the newest or the next events of one."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from marshmallow import INCLUDE, Schema

from connector.api.authentication import EVERY_TOKEN, Access, Caller, Right
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.services import services
from connector.catalog.actions import Input, Values
from connector.catalog.fields import PAGE_MAX, USER_MAX, Count, Text, UserId
from connector.security import rights
from connector.triggers.definitions import TRIGGERS, find
from connector.triggers.polling import poll

_LARGEST = 9_007_199_254_740_991


class PollInput(Input):
    """What a poll may ask for."""

    user = UserId("User ID", "Only events of this user.", example="user_42", max_length=USER_MAX)
    limit = Count("Limit", "How many events at most.", example=25, low=1, high=PAGE_MAX)
    after = Count(
        "After",
        "Only events behind this number, the oldest first: the `seq` of the last one you have, or "
        "the header X-Next-Cursor of the last answer. 0 begins with the oldest one that is kept.",
        example=120,
        low=0,
        high=_LARGEST,
    )


class NoInput(Input):
    """Nothing to fill in."""


class TriggerOutput(Schema):
    """A trigger; it also has `fields` (key, label, type) and a `sample` event."""

    class Meta:
        unknown = INCLUDE

    key = Text("Trigger", "The trigger's key.", example="balance_depleted")
    label = Text("Label", "Its name for people.", example="Balance Depleted")
    description = Text("Description", "When it fires.", example="Triggers when …")


class EventOutput(Schema):
    """One event; the fields of its payload follow, flat and in snake_case."""

    class Meta:
        unknown = INCLUDE

    id = Text("Event", "Upstream's id of the event; never twice.", example="evt_123")
    seq = Count("Number", "Rises with every event of the paywall.", example=121, high=_LARGEST)
    type = Text("Event Type", "What happened.", example="paywall.balance.depleted")
    created_at = Text("Created At", "When it happened.", example="2026-01-31T12:00:00.000Z")
    received_at = Text("Received At", "When it came in here.", example="2026-01-31T12:00:01.000Z")
    user = Text("User ID", "Your own id of the user, if it is known.", example="user_42")
    paywall_id = Text("Paywall", "The paywall's id.", example="pw_live_123")
    payload_json = Text("Payload as JSON", "The whole payload.", example='{"amount": 5}')


def blueprint() -> Blueprint:
    """The routes under /v1/triggers; reads, so GET and POST alike."""
    blp = FlatBlueprint("triggers", __name__, url_prefix="/v1/triggers", description="Triggers")
    for method in ("GET", "POST"):
        _register(blp, method)
    return blp


def _register(blp: FlatBlueprint, method: str) -> None:
    @blp.call("", method, Access.KEY, EVERY_TOKEN, takes=NoInput, gives=TriggerOutput, many=True)
    def triggers(_: Caller, __: Values) -> Response:
        """Lists the triggers."""
        return json_answer([trigger.listed() for trigger in TRIGGERS.values()])

    @blp.call(
        "/<key>",
        method,
        Access.READY,
        Right((rights.TRIGGERS, rights.VIEW)),
        takes=PollInput,
        gives=EventOutput,
        many=True,
    )
    def trigger(caller: Caller, values: Values, key: str) -> Response:
        """Gives the newest events of a trigger, or with `after` the next ones."""
        asked = find(key)
        limit, user = values.get("limit", PAGE_MAX), values.get("user", "")
        readiness, paywall = services().readiness, caller.paywall
        readiness.catch_up(caller.key, paywall)
        readiness.learn(caller.key, user)
        events = services().store.read(
            lambda connection: poll(
                connection, paywall.id, asked, user=user, after=values.get("after"), limit=limit
            )
        )
        response = json_answer(events.items)
        if events.cursor is not None:
            response.headers["X-Next-Cursor"] = str(events.cursor)
        return response
