"""Polling: the list of triggers, and the newest or the next events of one."""

from __future__ import annotations

from flask import Response, g
from flask_smorest import Blueprint
from marshmallow import INCLUDE, Schema
from sqlalchemy import Connection

from connector.api import readiness
from connector.api.answers import json_answer
from connector.api.flat_parser import FlatBlueprint
from connector.api.services import services
from connector.catalog.actions import Input, Values
from connector.catalog.fields import Count, Identifier, Text
from connector.errors import CursorGone, InvalidField
from connector.store import event_rows
from connector.triggers.definitions import TRIGGERS, find
from connector.triggers.items import Item, item

LIMIT_MAX = 100
USER_SECONDS = 120
"""A cursor for one user waits this long at an event whose user nobody knows yet: it is usually
learned right behind the user's first action, and the event would be missed otherwise."""
_LARGEST = 9_007_199_254_740_991


class PollInput(Input):
    """What a poll may ask for."""

    user = Identifier("User", "Only events of this user.", example="user_42", max_length=128)
    limit = Count("Limit", "How many events at most.", example=25, low=1, high=LIMIT_MAX)
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
    user = Text("User", "Your own id of the user, if it is known.", example="user_42")
    paywall_id = Text("Paywall", "The paywall's id.", example="pw_live_123")
    payload_json = Text("Payload as JSON", "The whole payload.", example='{"amount": 5}')


def blueprint() -> Blueprint:
    """The routes under /v1/triggers; reads, so GET and POST alike."""
    blp = FlatBlueprint("triggers", __name__, url_prefix="/v1/triggers", description="Triggers")
    for method, location in (("GET", "query"), ("POST", "json")):
        _register(blp, method, location)
    return blp


def _register(blp: FlatBlueprint, method: str, location: str) -> None:
    suffix = method.lower()

    @blp.route("", methods=[method], endpoint=f"triggers_{suffix}")
    @blp.arguments(NoInput(), location=location)
    @blp.response(200, TriggerOutput(many=True))
    def listing(_: Values) -> Response:
        """Lists the triggers."""
        return json_answer([trigger.listed() for trigger in TRIGGERS.values()])

    @blp.route("/<key>", methods=[method], endpoint=f"trigger_{suffix}")
    @blp.arguments(PollInput(), location=location)
    @blp.response(200, EventOutput(many=True))
    def poll(values: Values, key: str) -> Response:
        """Gives the newest events of a trigger, or with `after` the next ones."""
        trigger = find(key)
        paywall = readiness.require(g.key)
        services().rate_limits.proven(g.key)
        services().readiness.catch_up(g.key, paywall)
        limit, user = values.get("limit", LIMIT_MAX), values.get("user", "")
        services().readiness.learn(g.key, user)

        def read(connection: Connection) -> tuple[list[Item], int | None]:
            after = values.get("after")
            if after is None:
                rows = event_rows.newest(connection, paywall.id, trigger.type, user, limit)
                cursor = None
            else:
                lowest, last = event_rows.bounds(connection, paywall.id)
                _check_cursor(after, lowest, last)
                # Before the rows: a user that is learned in between is then found at the next poll.
                wait = user and event_rows.undecided(
                    connection, paywall.id, trigger.type, after, USER_SECONDS
                )
                rows = event_rows.after(connection, paywall.id, trigger.type, user, after, limit)
                # What was committed since `last` was looked up is in the rows already.
                seen = rows[-1].seq if rows else after
                cursor = seen if len(rows) == limit else max(last, seen)
                if wait and wait <= cursor:
                    rows, cursor = [row for row in rows if row.seq < wait], wait - 1
            wallets = [row.wallet_id for row in rows if not row.external_id]
            users = event_rows.users_of(connection, paywall.id, wallets)
            return [item(row, users) for row in rows], cursor

        items, cursor = services().store.read(read)
        response = json_answer(items)
        if cursor is not None:
            response.headers["X-Next-Cursor"] = str(cursor)
        return response


def _check_cursor(after: int, lowest: int, last: int) -> None:
    """Raises CursorGone for one behind which events were removed already, InvalidField for one
    ahead of everything."""
    if after > last:
        raise InvalidField(
            f"“After” is ahead of the newest event, whose number is {last}. Use that number, or "
            "0 to begin with the oldest one.",
            field="after",
        )
    oldest = lowest or last + 1
    if 0 < after < oldest - 1:
        raise CursorGone(
            f"Events behind this cursor are too old and were removed. Go on with after={oldest - 1}"
            ", which gives everything that is still kept.",
            field="after",
        )
