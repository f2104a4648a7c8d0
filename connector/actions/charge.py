"""Charge User: take an amount from a user's balance, once per reference."""

from __future__ import annotations

from connector.actions.call import Call
from connector.actions.charging import take
from connector.catalog.actions import ExactlyOnce, Input, Kind, Output, Values, action
from connector.catalog.charge_fields import charge_metadata, description, request_number
from connector.catalog.fields import Amount, Flag, Text, user_id
from connector.catalog.outcomes import GIVEN_BACK, MEANINGS, UNKNOWN
from connector.catalog.references import reference


class ChargeInput(Input):
    user = user_id()
    amount = Amount(
        "Amount",
        "How much to charge, in your paywall's currency: only the number, with a dot.",
        example="0.50",
        required=True,
    )
    reference = reference()
    description = description("One image")
    metadata = charge_metadata()


class ChargeOutput(Output):
    user = Text("User ID", "The user who was charged.", example="user_42")
    amount = Amount("Amount", "The amount that was asked for.", example="0.5")
    reference = Text("Reference", "The reference of this charge.", example="order-1001")
    duplicate = Flag(
        "Duplicate",
        "Yes when this reference had been charged before, so nothing was charged now.",
        example=False,
    )
    request_id = request_number()


@action(
    key="charge",
    label="Charge User",
    sentence="Charges a user an amount, once per reference.",
    kind=Kind.WRITE,
    input=ChargeInput,
    output=ChargeOutput,
    outcomes={
        "charged": "The amount was taken from the user's balance.",
        **MEANINGS,
        **GIVEN_BACK,
        UNKNOWN: "Nobody can tell whether the user was charged: ask the connector's operator to "
        "look it up.",
    },
    exactly_once=ExactlyOnce(proof="paywall.balance.charge.created", refundable=True),
)
def charge(call: Call, values: Values) -> Values:
    """What `charging.take` answers and raises."""
    return take(call, values, {})
