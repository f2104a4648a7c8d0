"""The secret that a paywall's callbacks are signed with."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema

from connector.api.authentication import ONLY_THE_KEY, Access, Caller
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.services import services
from connector.api.trigger_routes import NoInput
from connector.catalog.actions import Values
from connector.catalog.fields import Text


class CallbackSecretOutput(Schema):
    """What a receiver needs to tell our callbacks from anybody else's."""

    secret = Text(
        "Secret",
        "The secret that answers sent to a callback address are signed with, by Standard Webhooks.",
        example="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    )


def blueprint() -> Blueprint:
    """The route under /v1/callback-secret."""
    blp = FlatBlueprint(
        "callbacks", __name__, url_prefix="/v1/callback-secret", description="Callbacks"
    )

    @blp.call("", "GET", Access.PAYWALL, ONLY_THE_KEY, takes=NoInput, gives=CallbackSecretOutput)
    def callback_secret(caller: Caller, _: Values) -> Response:
        """Tells the secret that callbacks of the paywall are signed with."""
        return json_answer({"secret": services().callback_secrets.newest(caller.paywall.id)})

    return blp
