"""Get Balance: what a user has, and whether it is enough."""

from __future__ import annotations

from connector.actions.call import Call
from connector.catalog.actions import Input, Kind, Output, Values, action
from connector.catalog.fields import Amount, Flag, Text, user_id
from connector.errors import UpstreamBroken
from connector.money import number_in, plain


class BalanceInput(Input):
    user = user_id()
    minimum = Amount(
        "Minimum Balance",
        "How much the user should have at least. Leave it empty to ask for any balance above 0.",
        example="1.00",
        zero_ok=True,
    )


class BalanceOutput(Output):
    user = Text("User ID", "The user who was looked up.", example="user_42")
    balance = Amount("Balance", "The balance as a plain number.", example="4.5")
    balance_formatted = Text(
        "Formatted Balance", "The balance as it is shown to people.", example="$4.50"
    )
    balance_raw = Text(
        "Raw Balance", "The balance in the ledger's own unit; not for sums.", example="4500000"
    )
    sufficient = Flag("Sufficient", "Yes when the balance is enough.", example=True)


@action(
    key="balance",
    label="Get Balance",
    sentence="Finds out how much balance a user has and whether it is enough.",
    kind=Kind.READ,
    input=BalanceInput,
    output=BalanceOutput,
    outcomes={
        "sufficient": "The balance is at least the Minimum (or above 0 without one).",
        "insufficient": "The balance is too low. With a Minimum, the Action Link is where the user "
        "can pay in.",
    },
)
def balance(call: Call, values: Values) -> Values:
    """A top-up link is only made for a `minimum` that is not met, because that emits an event.

    Raises UpstreamBroken when a `minimum` is asked for and the balance cannot be read.
    """
    user, minimum = values["user"], values.get("minimum")
    balance = call.upstream.balance(user)
    number = number_in(balance.formatted)
    if number is None and minimum is not None:
        raise UpstreamBroken(
            "Paywalls did not tell the balance as a number, so it cannot be compared with the "
            "Minimum. Leave “Minimum” empty to see the balance as text.",
            retryable=False,
        )
    enough = number is not None and (number > 0 if minimum is None else number >= minimum)
    return {
        "success": True,
        "outcome": "sufficient" if enough else "insufficient",
        "message": f"The balance is {balance.formatted}." if balance.formatted else "No balance.",
        "action_url": call.upstream.topup_link(user) if minimum is not None and not enough else "",
        "user": user,
        "balance": "" if number is None else plain(number),
        "balance_formatted": balance.formatted,
        "balance_raw": balance.raw,
        "sufficient": enough,
    }
