"""Deposit Credits: add to a user's balance, once per reference."""

from __future__ import annotations

from connector.actions.call import Call
from connector.actions.crediting import give
from connector.catalog.actions import ExactlyOnce, Input, Kind, Output, Values, action
from connector.catalog.fields import Amount, Flag, Text, user_id
from connector.catalog.json_fields import Metadata
from connector.catalog.outcomes import UNKNOWN
from connector.catalog.references import reference
from connector.money import number_in, plain

NOT_SUPPORTED = (
    "Credits cannot be added to this balance here. It can be topped up with a link instead."
)


class DepositInput(Input):
    user = user_id()
    amount = Amount(
        "Amount",
        "How much to add to the user's balance: only the number, with a dot.",
        example="5.00",
        required=True,
    )
    reference = reference("deposit")
    metadata = Metadata(
        "Metadata",
        "More notes to keep with the deposit, as names with values.",
        example={"source": "signup"},
        template_ok=True,
    )


class DepositOutput(Output):
    user = Text("User ID", "The user who got the credits.", example="user_42")
    amount = Amount("Amount", "The amount that was asked for.", example="5")
    reference = Text("Reference", "The reference of this deposit.", example="order-1001")
    duplicate = Flag(
        "Duplicate",
        "Yes when this reference had been deposited before, so nothing was added now.",
        example=False,
    )
    balance = Amount("Balance", "The balance after the deposit.", example="12.5")
    balance_formatted = Text(
        "Formatted Balance", "The balance as it is shown to people.", example="$12.50"
    )


@action(
    key="deposit",
    label="Deposit Credits",
    sentence="Adds credits to a user's balance, once per reference.",
    kind=Kind.WRITE,
    input=DepositInput,
    output=DepositOutput,
    outcomes={
        "deposited": "The amount was added to the user's balance.",
        "not_supported": "This paywall does not take deposits (users pay in themselves): send a "
        "top-up link instead.",
        UNKNOWN: "Nobody can tell whether the amount was added: ask the connector's operator to "
        "look it up.",
    },
    exactly_once=ExactlyOnce(proof="paywall.balance.deposit.created"),
)
def deposit(call: Call, values: Values) -> Values:
    """What `crediting.give` answers and raises."""
    formatted = give(call, values, {"reference": values["reference"], **values.get("metadata", {})})
    if formatted is None:
        return {"success": False, "outcome": "not_supported", "message": NOT_SUPPORTED}
    balance = number_in(formatted)
    return {
        "success": True,
        "outcome": "deposited",
        "message": f"{plain(values['amount'])} was added. The new balance is {formatted}.",
        "balance": "" if balance is None else plain(balance),
        "balance_formatted": formatted,
    }
