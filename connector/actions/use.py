"""Use Feature: free a number of times a day, then charged by the rule that the owner has set."""

from __future__ import annotations

from connector.actions.call import Call
from connector.actions.charging import take
from connector.catalog.actions import ExactlyOnce, Input, Kind, Output, Values, action
from connector.catalog.charge_fields import charge_metadata, description, request_number
from connector.catalog.feature_fields import (
    cap_left,
    feature_name,
    free_left,
    resets_at,
    spent_today,
)
from connector.catalog.fields import Amount, Count, Flag, Text, user_id
from connector.catalog.outcomes import FREE, GIVEN_BACK, LIMITS, MEANINGS, UNKNOWN
from connector.catalog.references import reference

_MOST = 1_000


class UseInput(Input):
    user = user_id()
    feature = feature_name()
    reference = reference("use")
    quantity = Count(
        "Quantity",
        "How many times the feature is used at once, such as the number of pages. 1 if empty.",
        example=1,
        low=1,
        high=_MOST,
        load_default=1,
    )
    description = description("One document")
    metadata = charge_metadata()


class UseOutput(Output):
    user = Text("User ID", "The user who used it.", example="user_42")
    feature = Text("Feature", "The feature that was used.", example="pdf-parse")
    quantity = Count("Quantity", "How many times it was used.", example=1)
    amount = Amount("Amount", "What it cost: 0 when it was free.", example="0.25")
    reference = Text("Reference", "The reference of this use.", example="order-1001")
    duplicate = Flag(
        "Duplicate",
        "Yes when this reference had been counted before, so nothing was counted now.",
        example=False,
    )
    free_left = free_left()
    spent_today = spent_today()
    cap_left = cap_left()
    resets_at = resets_at()
    request_id = request_number()


@action(
    key="use",
    label="Use Feature",
    sentence="Lets a user use a feature: free a number of times a day, then charged by its price.",
    kind=Kind.WRITE,
    input=UseInput,
    output=UseOutput,
    outcomes={
        "charged": "The price was taken from the user's balance.",
        FREE: "This use was free: nothing was charged.",
        **LIMITS,
        **MEANINGS,
        **GIVEN_BACK,
        UNKNOWN: "Nobody can tell whether the user was charged: ask the connector's operator to "
        "look it up.",
    },
    exactly_once=ExactlyOnce(
        same=("user", "feature", "quantity"),
        priced=True,
        proof="paywall.balance.charge.created",
        refundable=True,
    ),
)
def use(call: Call, values: Values) -> Values:
    """What `charging.take` answers and raises; only what is not free comes here."""
    notes = {"feature": values["feature"], "quantity": str(values["quantity"])}
    return take(call, values, notes)
