"""Check Authorization: whether a user has allowed charges."""

from __future__ import annotations

from connector.actions.call import Call
from connector.catalog.actions import Input, Kind, Output, Values, action
from connector.catalog.fields import Flag, Text, user_id


class ConnectionInput(Input):
    user = user_id()


class ConnectionOutput(Output):
    user = Text("User ID", "The user who was looked up.", example="user_42")
    connected = Flag("Connected", "Yes when the user has allowed charges.", example=True)
    connected_at = Text("Connected At", "When the user allowed it.", example="2026-01-31T12:00:00Z")
    wallet_user_id = Text(
        "Wallet User", "The id that Paywalls itself uses for this user.", example="wallet_123"
    )
    connection_id = Text(
        "Connection", "The id of the user's authorization.", example="paywall_key_123"
    )


@action(
    key="connection",
    label="Check Authorization",
    sentence="Finds out whether a user has allowed this paywall to charge them.",
    kind=Kind.READ,
    input=ConnectionInput,
    output=ConnectionOutput,
    outcomes={
        "connected": "The user has allowed charges.",
        "not_connected": "The user must allow it first: send them the Action Link.",
    },
)
def connection(call: Call, values: Values) -> Values:
    """Not being connected is an answer like any other: `success` tells that the look-up worked."""
    connection = call.upstream.connection(values["user"])
    return {
        "success": True,
        "outcome": "connected" if connection.connected else "not_connected",
        "message": connection.message
        or ("The user is connected." if connection.connected else "The user is not connected yet."),
        "action_url": "" if connection.connected else connection.url,
        "user": values["user"],
        "connected": connection.connected,
        "connected_at": connection.connected_at,
        "wallet_user_id": connection.wallet_user_id,
        "connection_id": connection.connection_id,
    }
