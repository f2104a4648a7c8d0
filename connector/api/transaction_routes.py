"""One transaction with its story, and the owner's word on one that is not decided."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, fields

from connector.actions.transactions import Transaction
from connector.api.authentication import ONLY_THE_KEY, Access, Caller, Right
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.services import services
from connector.api.transaction_story import Story, decide, story
from connector.api.trigger_routes import NoInput
from connector.catalog.actions import Input, Values
from connector.catalog.fields import Flag, Text
from connector.errors import AlreadyDecided
from connector.security.rights import VIEW


class DecideInput(Input):
    """How it was."""

    happened = Flag(
        "Went Through",
        "True if the money was moved, false if it was not: look it up in the Paywalls dashboard.",
        missing="Say how it was: true if the money was moved, false if it was not.",
        example=True,
        required=True,
    )


class StepOutput(Schema):
    """Something that happened to a transaction."""

    at = Text("At", "When it happened.", example="2026-01-31T12:00:00.000Z")
    what = Text("What", "What happened, in a sentence.", example="Asked for: charge of 0.5.")


class StoryOutput(Transaction):
    """A transaction with its story."""

    steps = fields.List(
        fields.Nested(StepOutput),
        metadata={"title": "Steps", "description": "What happened to it.", "example": []},
    )
    refunds = fields.List(
        fields.Nested(Transaction),
        metadata={"title": "Refunds", "description": "What gives it back.", "example": []},
    )
    refund_of = Text(
        "Refund Of",
        "The transaction that it gives back, or empty.",
        example="led_3ac4170b2f6e",
    )


def blueprint() -> Blueprint:
    """The routes under /v1/transactions/<transaction_id>."""
    blp = FlatBlueprint(
        "transaction", __name__, url_prefix="/v1/transactions", description="Transactions"
    )

    @blp.call(
        "/<transaction_id>",
        "GET",
        Access.PAYWALL,
        Right(("transactions", VIEW)),
        takes=NoInput,
        gives=StoryOutput,
    )
    def transaction(caller: Caller, _: Values, transaction_id: str) -> Response:
        """Gives one transaction with its story."""
        return json_answer(_shown(story(services(), caller, transaction_id)))

    @blp.call(
        "/<transaction_id>/decide",
        "POST",
        Access.PAYWALL,
        ONLY_THE_KEY,
        takes=DecideInput,
        gives=StoryOutput,
    )
    def decide_transaction(caller: Caller, values: Values, transaction_id: str) -> Response:
        """Writes down how a transaction was that is not decided."""
        if not decide(services(), caller, transaction_id, happened=values["happened"]):
            raise AlreadyDecided(
                "This transaction is decided already, or being worked on right now, so nothing was "
                "changed. Look at it again."
            )
        return json_answer(_shown(story(services(), caller, transaction_id)))

    return blp


def _shown(told: Story) -> Values:
    return {
        **told.row,
        "steps": [{"at": at, "what": what} for at, what in told.steps],
        "refunds": list(told.refunds),
        "refund_of": told.paid["id"] if told.paid else "",
    }
