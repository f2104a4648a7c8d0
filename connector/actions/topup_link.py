"""Create Top-Up Link: where a user can pay in."""

from __future__ import annotations

from connector.actions.call import Call
from connector.catalog.actions import Input, Kind, Output, Values, action
from connector.catalog.fields import Text, user_id


class TopupLinkInput(Input):
    user = user_id()


class TopupLinkOutput(Output):
    user = Text("User ID", "The user whom the link is for.", example="user_42")


@action(
    key="topup_link",
    label="Create Top-Up Link",
    sentence="Creates a link where a user can add to their balance.",
    kind=Kind.WRITE,
    input=TopupLinkInput,
    output=TopupLinkOutput,
    outcomes={"ready": "The Action Link can be sent to the user."},
    get=True,
)
def topup_link(call: Call, values: Values) -> Values:
    """Emits an event upstream, hence a write; asking twice does no harm, hence GET as well."""
    return {
        "success": True,
        "outcome": "ready",
        "message": "Open this link to add to your balance.",
        "action_url": call.upstream.topup_link(values["user"]),
        "user": values["user"],
    }
