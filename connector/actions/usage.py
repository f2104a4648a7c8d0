"""Get Usage: what a user has left of a feature today. It counts nothing."""

from __future__ import annotations

from connector.actions.call import Call
from connector.catalog.actions import Input, Kind, Output, Values, action
from connector.catalog.feature_fields import (
    cap_left,
    feature_name,
    free_left,
    resets_at,
    spent_today,
)
from connector.catalog.fields import Amount, Text, user_id
from connector.catalog.outcomes import LIMITS


class UsageInput(Input):
    user = user_id()
    feature = feature_name()


class UsageOutput(Output):
    user = Text("User ID", "The user who was looked up.", example="user_42")
    feature = Text("Feature", "The feature that was looked up.", example="pdf-parse")
    price = Amount(
        "Price", "What one use costs when none is free; empty when it is not sold.", example="0.25"
    )
    free_left = free_left()
    spent_today = spent_today()
    cap_left = cap_left()
    resets_at = resets_at()


@action(
    key="usage",
    label="Get Usage",
    sentence="Finds out what a user has left of a feature today, and what it costs.",
    kind=Kind.READ,
    input=UsageInput,
    output=UsageOutput,
    outcomes={"available": "The feature can be used: free or for its price.", **LIMITS},
    stored=True,
)
def usage(call: Call, values: Values) -> Values:
    """What the connector has counted; nobody is asked."""
    return call.usage(values)
