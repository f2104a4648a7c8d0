"""Features: set what one costs, how often it is free and where it ends; list and delete them.

The paywall's key sets them; a token may look at them.
"""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema

from connector.api.authentication import ONLY_THE_KEY, Access, Caller, Right
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.run_action import refuse_above_maximum
from connector.api.services import services
from connector.api.trigger_routes import NoInput
from connector.catalog.actions import Input, Values
from connector.catalog.fields import Amount, Count, Flag, Text
from connector.errors import NotFound, quoted
from connector.money import plain_or_empty
from connector.pricing.rules import Rule
from connector.security.rights import VIEW
from connector.triggers.items import shown

_LOOK = Right((VIEW,))


class FeatureInput(Input):
    """A feature's rule; what is left out is not set (any more)."""

    price = Amount(
        "Price", "What one use costs. Empty: it is only counted, not sold.", example="0.25"
    )
    free_per_day = Count(
        "Free per Day",
        "How many uses are free for each user on each day.",
        example=3,
        high=1_000_000,
    )
    cap_per_user_day = Amount(
        "Cap per User and Day", "The most that one user may spend on it a day.", example="2.50"
    )
    cap_per_day = Amount(
        "Cap per Day", "The most that all users together may spend on it a day.", example="100"
    )
    limit_message = Text(
        "Limit Message",
        "What a user is told at the limit. {resets_at} stands for when the next day begins.",
        example="That was all for today. More from {resets_at} on.",
        max_length=250,
    )


class FeatureOutput(Schema):
    """A feature's rule; what was not set is empty."""

    name = Text("Name", "The feature's name.", example="pdf-parse")
    price = Text("Price", "What one use costs, or empty.", example="0.25")
    free_per_day = Text(
        "Free per Day", "How many uses are free for a user on a day, or empty.", example="3"
    )
    cap_per_user_day = Text(
        "Cap per User and Day", "The most that one user may spend a day, or empty.", example="2.5"
    )
    cap_per_day = Text("Cap per Day", "The most that all may spend a day, or empty.", example="100")
    limit_message = Text(
        "Limit Message", "What a user is told at the limit, or empty for our words.", example=""
    )
    updated_at = Text("Updated At", "When it was set last.", example="2026-01-31T12:00:00.000Z")


class FeatureDeletedOutput(Schema):
    """What became of a feature that should go."""

    name = Text("Name", "The feature's name.", example="pdf-parse")
    success = Flag("Success", "Always yes: there is no such rule.", example=True)
    message = Text("Message", "What happened, in a sentence.", example="The feature is deleted.")


def blueprint() -> Blueprint:
    """The routes under /v1/features."""
    blp = FlatBlueprint("features", __name__, url_prefix="/v1/features", description="Features")

    @blp.call("", "GET", Access.PAYWALL, _LOOK, takes=NoInput, gives=FeatureOutput, many=True)
    def features(caller: Caller, _: Values) -> Response:
        """Lists the paywall's features, by name."""
        return json_answer(
            [_shown(rule) for rule in services().features.listing(caller.paywall.id)]
        )

    @blp.call("/<feature>", "GET", Access.PAYWALL, _LOOK, takes=NoInput, gives=FeatureOutput)
    def one_feature(caller: Caller, _: Values, feature: str) -> Response:
        """Tells the rule of one feature."""
        rule = services().features.get(caller.paywall.id, feature)
        if rule is None:
            raise NotFound(
                f"There is no feature called “{quoted(feature)}”. GET /v1/features lists them."
            )
        return json_answer(_shown(rule))

    @blp.call(
        "/<feature>", "PUT", Access.PAYWALL, ONLY_THE_KEY, takes=FeatureInput, gives=FeatureOutput
    )
    def put_feature(caller: Caller, values: Values, feature: str) -> Response:
        """Sets what a feature costs, how often it is free and where it ends."""
        parts = services()
        refuse_above_maximum(parts, "Price", "price", values.get("price"))
        return json_answer(_shown(parts.features.put(caller.paywall.id, Rule(feature, **values))))

    @blp.call(
        "/<feature>",
        "DELETE",
        Access.PAYWALL,
        ONLY_THE_KEY,
        takes=NoInput,
        gives=FeatureDeletedOutput,
    )
    def delete_feature(caller: Caller, _: Values, feature: str) -> Response:
        """Deletes a feature's rule. What was counted today stays counted."""
        deleted = services().features.delete(caller.paywall.id, feature)
        message = "The feature is deleted." if deleted else "There is no such feature (any more)."
        return json_answer({"name": quoted(feature), "success": True, "message": message})

    return blp


def _shown(rule: Rule) -> dict[str, str]:
    return {
        "name": rule.name,
        "price": plain_or_empty(rule.price),
        "free_per_day": "" if rule.free_per_day is None else str(rule.free_per_day),
        "cap_per_user_day": plain_or_empty(rule.cap_per_user_day),
        "cap_per_day": plain_or_empty(rule.cap_per_day),
        "limit_message": rule.limit_message,
        "updated_at": "" if rule.updated_at is None else shown(rule.updated_at),
    }
