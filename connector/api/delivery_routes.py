"""The log of what was sent to hooks, with every attempt, and sending one of it again."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from connector.api.authentication import ONLY_THE_KEY, Access, Caller, Right
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.services import services
from connector.api.trigger_routes import NoInput
from connector.catalog.actions import Input, Values
from connector.catalog.fields import PAGE_MAX, Count, Identifier, Text
from connector.catalog.log_fields import Moment, one_of
from connector.security.rights import VIEW
from connector.store import delivery_rows
from connector.store.delivery_rows import Delivery, LoggedAttempt
from connector.store.outbox_rows import PENDING, STATES
from connector.triggers.items import shown

_LOOK = Right((VIEW,), one_user=False)


class LogInput(Input):
    """Which deliveries to show."""

    hook = Identifier("Hook", "Only of this hook.", example="hook_3ac4170b2f6e", max_length=64)
    event = Identifier("Event", "Only of this event.", example="evt_123", max_length=255)
    status = Identifier(
        "Status",
        "Only those that are pending, sent, failed (given up) or skipped (it never became known "
        "whether the event is of the hook's user).",
        example="failed",
        max_length=16,
        validate=one_of("Status", STATES),
    )
    since = Moment("Since", "Only from this time on.", example="2026-01-31T12:00:00Z")
    before = Identifier(
        "Before",
        "Only older ones than this delivery: the id of the last one that you have.",
        example="dlv_8f3c2f6e",
        max_length=64,
    )
    limit = Count("Limit", "How many at most.", example=25, low=1, high=PAGE_MAX)


class AttemptOutput(Schema):
    """One time that an event was sent."""

    number = Count("Number", "Which time it was, from 1.", example=1)
    at = Text("At", "When it ended.", example="2026-01-31T12:00:00.000Z")
    status_code = Count("Status Code", "What the address answered; 0 for nothing.", example=200)
    latency_ms = Count("Latency", "Milliseconds until the answer.", example=85)
    answer = Text("Answer", "The first 1 kB of the answer.", example="ok")
    problem = Text("Problem", "Why it does not count as taken, or empty.", example="")


class DeliveryOutput(Schema):
    """An event, or a sample, on its way to a hook."""

    id = Text("Delivery", "Its id, which each push names as webhook-id.", example="dlv_8f3c2f6e")
    hook_id = Text("Hook", "The hook that it is for.", example="hook_3ac4170b2f6e")
    trigger = Text("Trigger", "The hook's trigger.", example="balance_depleted")
    event_id = Text("Event", "Upstream's id of the event.", example="evt_123")
    event_seq = Count("Number", "The event's number; 0 for a sample.", example=121)
    status = Text("Status", "pending, sent, failed or skipped.", example="sent")
    created_at = Text("Created At", "When it was due first.", example="2026-01-31T12:00:00.000Z")
    updated_at = Text("Updated At", "When it changed last.", example="2026-01-31T12:00:01.000Z")
    next_attempt_at = Text(
        "Next Attempt At", "When it is sent next, or empty.", example="2026-01-31T12:05:00.000Z"
    )
    attempts = fields.List(
        fields.Nested(AttemptOutput),
        metadata={
            "title": "Attempts",
            "description": "Every time that it was sent.",
            "example": [],
        },
    )


def blueprint() -> Blueprint:
    """The routes under /v1/deliveries."""
    blp = FlatBlueprint(
        "deliveries", __name__, url_prefix="/v1/deliveries", description="Deliveries"
    )
    for method in ("GET", "POST"):
        _register_log(blp, method)

    @blp.call(
        "/<delivery_id>/replay",
        "POST",
        Access.READY,
        ONLY_THE_KEY,
        takes=NoInput,
        gives=DeliveryOutput,
    )
    def replay_one(caller: Caller, _: Values, delivery_id: str) -> Response:
        """Sends one delivery again."""
        again = services().hooks.replay_delivery(caller.paywall, delivery_id)
        return json_answer(shown_delivery(again))

    return blp


def _register_log(blp: FlatBlueprint, method: str) -> None:
    @blp.call("", method, Access.PAYWALL, _LOOK, takes=LogInput, gives=DeliveryOutput, many=True)
    def log(caller: Caller, values: Values) -> Response:
        """Lists what was sent to hooks, the newest first."""
        rows = services().store.read(
            lambda connection: delivery_rows.listing(
                connection,
                caller.paywall.id,
                hook_id=values.get("hook", ""),
                event_id=values.get("event", ""),
                state=values.get("status", ""),
                since=values.get("since"),
                before=values.get("before", ""),
                limit=values.get("limit", PAGE_MAX),
            )
        )
        return json_answer([shown_delivery(row) for row in rows])


def shown_delivery(row: Delivery) -> dict[str, object]:
    """A delivery as the log shows it."""
    return {
        "id": row.id,
        "hook_id": row.hook_id,
        "trigger": row.trigger,
        "event_id": row.event_id,
        "event_seq": row.event_seq or 0,
        "status": row.state,
        "created_at": shown(row.created_at),
        "updated_at": shown(row.updated_at),
        "next_attempt_at": shown(row.next_at) if row.state == PENDING else "",
        "attempts": [_shown_attempt(attempt) for attempt in row.attempts],
    }


def _shown_attempt(attempt: LoggedAttempt) -> dict[str, object]:
    return {
        "number": attempt.number,
        "at": shown(attempt.at),
        "status_code": attempt.status or 0,
        "latency_ms": attempt.latency_ms,
        "answer": attempt.answer,
        "problem": attempt.problem,
    }
