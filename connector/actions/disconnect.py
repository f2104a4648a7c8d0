"""Disconnect User: take back a user's authorization."""

from __future__ import annotations

from connector.actions.call import Call
from connector.catalog.actions import Input, Kind, Output, Values, action
from connector.catalog.fields import Text, user_id
from connector.errors import UpstreamRejected


class DisconnectInput(Input):
    user = user_id()


class DisconnectOutput(Output):
    user = Text("User ID", "The user who was disconnected.", example="user_42")


@action(
    key="disconnect",
    label="Disconnect User",
    sentence="Disconnects a user, so that they must authorize again before the next charge.",
    kind=Kind.WRITE,
    input=DisconnectInput,
    output=DisconnectOutput,
    outcomes={"disconnected": "The user is no longer connected."},
)
def disconnect(call: Call, values: Values) -> Values:
    """Twice is the same as once. Raises UpstreamRejected when upstream says no."""
    answer = call.upstream.disconnect(values["user"])
    if not answer.success:
        raise UpstreamRejected(
            answer.message or "Paywalls did not disconnect the user. Check the user and try again."
        )
    return {
        "success": True,
        "outcome": "disconnected",
        "message": answer.message or "The user is disconnected.",
        "user": values["user"],
    }
