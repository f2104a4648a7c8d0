"""Test Connection: whether the key works, and for which paywall."""

from __future__ import annotations

from connector.actions.call import Call
from connector.catalog.actions import Input, Kind, Output, Values, action
from connector.catalog.fields import Flag, Text


class MeInput(Input):
    pass


class MeOutput(Output):
    paywall_id = Text(
        "Paywall", "The paywall's id; empty until Paywalls has told it.", example="pw_live_123"
    )
    label = Text("Label", "A name for this connection.", example="Paywall pw_live_123")
    sandbox = Flag("Sandbox", "Yes when no real money is involved.", example=False)
    triggers_ready = Flag("Triggers Ready", "Yes when triggers can fire.", example=True)
    triggers_message = Text(
        "Triggers Message", "Why triggers cannot fire, and what to do.", example="Triggers work."
    )
    possible_gap = Flag("Possible Gap", "Yes when some events may have been missed.", example=False)
    allowed = Text(
        "Allowed",
        "What a connector token may do; empty for a Paywalls key, which may do everything.",
        example="charge, balance",
    )


@action(
    key="me",
    label="Test Connection",
    sentence="Finds out whether the key works and which paywall it belongs to.",
    kind=Kind.READ,
    input=MeInput,
    output=MeOutput,
    outcomes={"connected": "The key works."},
)
def me(call: Call, _: Values) -> Values:
    """The label names the account and never the key."""
    account = call.account()
    label = f"Paywall {account.paywall_id}" if account.paywall_id else "Paywalls"
    if account.sandbox:
        label += " (sandbox)"
    return {
        "success": True,
        "outcome": "connected",
        "message": f"The {'token' if account.allowed else 'key'} works. Connected to {label}.",
        "paywall_id": account.paywall_id,
        "label": label,
        "sandbox": account.sandbox,
        "triggers_ready": account.triggers_ready,
        "triggers_message": account.triggers_message,
        "possible_gap": account.possible_gap,
        "allowed": account.allowed,
    }
