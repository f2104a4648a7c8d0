"""Connector tokens: make one for a flow, list them, revoke one. The paywall's key itself is needed.

A token stands for the key with less power, so that a flow or a chatbot need not hold the key.
"""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema

from connector.api.authentication import ONLY_THE_KEY, Access, Caller
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.services import Services, services
from connector.api.trigger_routes import NoInput
from connector.catalog.actions import Input, Values
from connector.catalog.fields import USER_MAX, Amount, Count, Flag, Identifier, Text, UserId
from connector.money import plain_or_empty
from connector.security.tokens import Token
from connector.triggers.items import shown

_LONGEST_DAYS = 3_650
_MADE = "The token is shown only now: copy it. It works as long as the paywall's key does."
_MADE_WITHOUT_ADDRESS = (
    "The token is shown only now: copy it. This connector has no public address, so the token ends "
    "when this key is replaced."
)


class TokenInput(Input):
    """What a new token may do."""

    label = Identifier(
        "Label",
        "A name by which you will know the token again, such as the flow that it is for.",
        example="Support bot",
        max_length=100,
        required=True,
    )
    actions = Text(
        "Actions",
        "What it may do, separated by commas: names of actions, openai for the chat proxy, "
        "triggers for events, view to look at everything and move nothing. Empty for the usual "
        "ones, which give nobody money.",
        example="charge, balance",
    )
    user = UserId(
        "User ID",
        "The one user that it is for; whatever user is sent, it is this one. Empty for all.",
        example="user_42",
        max_length=USER_MAX,
    )
    max_amount = Amount("Largest Amount", "The most that one call may move.", example="5")
    max_per_day = Amount(
        "Limit per Day", "The most that all calls of a day (UTC) may move together.", example="50"
    )
    expires_in_days = Count(
        "Days",
        "After how many days it ends. Empty for never.",
        example=90,
        low=1,
        high=_LONGEST_DAYS,
    )


class TokenOutput(Schema):
    """A token; the token itself is shown only in the answer to the call that made it."""

    id = Text("ID", "The token's id, to revoke it.", example="tok_3ac4170b2f6e")
    label = Text("Label", "Its name.", example="Support bot")
    token = Text("Token", "The token, to be sent where a key would be.", example="pwc_4Qw…")
    actions = Text("Actions", "What it may do.", example="charge, balance")
    user = Text("User ID", "The one user that it is for, or empty.", example="user_42")
    max_amount = Text("Largest Amount", "The most that one call may move.", example="5")
    max_per_day = Text("Limit per Day", "The most that a day may move.", example="50")
    expires_at = Text("Ends At", "When it ends, or empty.", example="2026-01-31T12:00:00.000Z")
    last_used_at = Text(
        "Last Used At",
        "When it was used last, to the minute, or empty.",
        example="2026-01-31T12:00:00.000Z",
    )
    created_at = Text("Created At", "When it was made.", example="2026-01-31T12:00:00.000Z")
    message = Text("Message", "What happened, in a sentence.", example=_MADE)


class RevokedOutput(Schema):
    """What became of a token that should go."""

    id = Text("ID", "The token's id.", example="tok_3ac4170b2f6e")
    success = Flag("Success", "Always yes: nobody can use it.", example=True)
    message = Text("Message", "What happened, in a sentence.", example="The token is revoked.")


def blueprint() -> Blueprint:
    """The routes under /v1/tokens."""
    blp = FlatBlueprint("tokens", __name__, url_prefix="/v1/tokens", description="Tokens")

    @blp.call(
        "",
        "POST",
        Access.ACCEPTED,
        ONLY_THE_KEY,
        takes=TokenInput,
        gives=TokenOutput,
        status=201,
    )
    def create_token(caller: Caller, values: Values) -> Response:
        """Makes a connector token, which can do less than the key."""
        made, text = make_token(services(), caller, values)
        said = _MADE if caller.paywall.upstream_id else _MADE_WITHOUT_ADDRESS
        return json_answer(_shown(made, text, said), 201)

    @blp.call("", "GET", Access.PAYWALL, ONLY_THE_KEY, takes=NoInput, gives=TokenOutput, many=True)
    def tokens(caller: Caller, _: Values) -> Response:
        """Lists the paywall's tokens, the newest first."""
        return json_answer([_shown(one) for one in services().tokens.listing(caller.paywall)])

    @blp.call(
        "/<token_id>",
        "DELETE",
        Access.PAYWALL,
        ONLY_THE_KEY,
        takes=NoInput,
        gives=RevokedOutput,
    )
    def revoke_token(caller: Caller, _: Values, token_id: str) -> Response:
        """Revokes a token at once, with the hooks that were made with it."""
        revoked = services().tokens.revoke(caller.paywall, token_id)
        message = (
            "The token is revoked, and the hooks that were made with it are gone."
            if revoked
            else "There is no such token (any more)."
        )
        return json_answer({"id": token_id, "success": True, "message": message})

    return blp


def make_token(parts: Services, caller: Caller, values: Values) -> tuple[Token, str]:
    """A token for the values of TokenInput, with its text, which is told only now; the key that it
    stands for is kept. Raises as Tokens.create does."""
    made = parts.tokens.create(
        caller.paywall,
        label=values["label"],
        actions=values.get("actions", ""),
        user=values.get("user", ""),
        max_amount=values.get("max_amount"),
        max_per_day=values.get("max_per_day"),
        expires_in_days=values.get("expires_in_days"),
    )
    parts.readiness.keep_key(caller.key, caller.paywall)
    return made


def _shown(token: Token, text: str = "", message: str = "") -> dict[str, object]:
    return {
        "id": token.id,
        "label": token.label,
        "token": text,
        "actions": ", ".join(token.actions),
        "user": token.user,
        "max_amount": plain_or_empty(token.max_amount),
        "max_per_day": plain_or_empty(token.max_per_day),
        "expires_at": "" if token.expires_at is None else shown(token.expires_at),
        "last_used_at": "" if token.last_used_at is None else shown(token.last_used_at),
        "created_at": shown(token.created_at),
        "message": message,
    }
