"""Refund Charge: give back what a charge or a use took, whole or in part, once."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, validates_schema

from connector.actions.call import Call
from connector.actions.crediting import give
from connector.catalog.actions import ExactlyOnce, Input, Kind, Output, Values, action
from connector.catalog.feature_fields import FEATURE_MAX
from connector.catalog.fields import Amount, Flag, Identifier, Text
from connector.catalog.outcomes import NOTHING_TO_REFUND, REFUNDED, UNKNOWN
from connector.catalog.references import REFERENCE_MAX
from connector.money import plain

NOT_SUPPORTED = "Deposits are not possible here, so money cannot be given back."


class RefundInput(Input):
    reference = Identifier(
        "Reference",
        "The reference under which the user was charged, spelled the same.",
        missing="Say which charge to give back: fill in “Reference” with the reference under which "
        "the user was charged.",
        example="order-1001",
        max_length=REFERENCE_MAX,
        required=True,
    )
    feature = Identifier(
        "Feature",
        "Only where a charge and a use of a feature have the same reference: the feature that was "
        "used.",
        example="pdf-parse",
        max_length=FEATURE_MAX,
    )
    amount = Amount(
        "Amount",
        "How much to give back, only the number, with a dot. Empty gives back all that is left.",
        example="0.10",
    )
    refund_reference = Identifier(
        "Refund Reference",
        "Required with an amount: what this refund is for, such as the number of the return. The "
        "same one is only ever counted once.",
        example="return-7",
        max_length=REFERENCE_MAX,
    )
    reason = Text(
        "Reason",
        "Why it is given back, for your own records.",
        example="The document could not be read",
        max_length=500,
        template_ok=True,
    )

    @validates_schema
    def _a_part_has_a_name(self, values: Values, **_: Any) -> None:
        if "amount" in values and "refund_reference" not in values:
            raise ValidationError(
                "To give back a part, fill in “Refund Reference” too, such as the number of the "
                "return, so that a retry never gives it back twice.",
                "refund_reference",
            )


class RefundOutput(Output):
    user = Text("User ID", "The user who got the money back.", example="user_42")
    amount = Amount("Amount", "What was given back by this refund.", example="0.5")
    reference = Text("Reference", "The reference of the charge.", example="order-1001")
    refunded_total = Amount(
        "Refunded Total", "What was given back of this charge until now.", example="0.5"
    )
    duplicate = Flag(
        "Duplicate",
        "Yes when this refund had been made before, so nothing was given back now.",
        example=False,
    )


@action(
    key="refund",
    label="Refund Charge",
    sentence="Gives a charge back to the user, whole or in part.",
    kind=Kind.WRITE,
    input=RefundInput,
    output=RefundOutput,
    outcomes={
        REFUNDED: "The amount is on the user's balance again.",
        NOTHING_TO_REFUND: "Nothing was charged under this reference, or all of it was given back "
        "before.",
        "not_supported": "This paywall does not take deposits (users pay in themselves), so money "
        "cannot be given back: settle it with the user in another way.",
        UNKNOWN: "Nobody can tell whether the amount was given back: ask the connector's operator "
        "to look it up.",
    },
    exactly_once=ExactlyOnce(
        same=("reference", "amount"),
        priced=True,
        proof="paywall.balance.deposit.created",
        refunds=True,
    ),
)
def refund(call: Call, values: Values) -> Values:
    """`values` have the user who was charged and the amount to give back."""
    notes = {
        "reference": values.get("refund_reference", values["reference"]),
        "refund_of": values["reference"],
    }
    if "reason" in values:
        notes["reason"] = values["reason"]
    formatted = give(call, values, notes)
    if formatted is None:
        return {"success": False, "outcome": "not_supported", "message": NOT_SUPPORTED}
    return {
        "success": True,
        "outcome": REFUNDED,
        "message": f"{plain(values['amount'])} was refunded. The new balance is {formatted}.",
    }
