"""What needs attention, as a list: the same that the console shows first."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema

from connector.api.attention import Attention, attention
from connector.api.authentication import Access, Caller, Right
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.services import services
from connector.api.trigger_routes import NoInput
from connector.catalog.actions import Values
from connector.catalog.fields import Text
from connector.security.rights import VIEW
from connector.store.hook_rows import OFF
from connector.triggers.items import shown


class AttentionOutput(Schema):
    """Something to look at."""

    kind = Text(
        "Kind",
        "in_doubt, unknown, hook_failing, hook_off, possible_gap, key_refused, "
        "possible_double_charge or cap_reached.",
        example="in_doubt",
    )
    message = Text(
        "Message",
        "What happened, and what to do.",
        example="It is not known yet whether this went through. Send the same again.",
    )
    at = Text("At", "Since when, or when it was seen.", example="2026-01-31T12:00:00.000Z")
    user = Text("User ID", "Whom it is about, or empty.", example="user_42")
    reference = Text("Reference", "The reference it is about, or empty.", example="order-1001")
    transaction = Text("Transaction", "The transaction, or empty.", example="led_3ac4170b2f6e")
    hook = Text("Hook", "The webhook, or empty.", example="hook_3ac4170b2f6e")


def blueprint() -> Blueprint:
    """The route /v1/attention."""
    blp = FlatBlueprint("attention", __name__, url_prefix="/v1", description="Transactions")

    @blp.call(
        "/attention",
        "GET",
        Access.PAYWALL,
        Right(("transactions", VIEW)),
        takes=NoInput,
        gives=AttentionOutput,
        many=True,
    )
    def needs_attention(caller: Caller, _: Values) -> Response:
        """Lists what somebody should look at; an empty list means that all is well."""
        return json_answer(_items(attention(services(), caller)))

    return blp


def _items(found: Attention) -> list[Values]:
    items = [
        _item(
            row["state"],
            row["explanation"],
            row["updated_at"],
            user=row["user"],
            reference=row["reference"],
            transaction=row["id"],
        )
        for row in found.undecided
    ]
    if found.gap:
        items.append(_item("possible_gap", found.gap))
    for hook in found.hooks:
        since = shown(hook.failing_since) if hook.failing_since else ""
        kind = "hook_off" if hook.state == OFF else "hook_failing"
        said = hook.problem or "Its address does not take events."
        items.append(_item(kind, f"{hook.target_url}: {said}", since, hook=hook.id))
    items += [
        _item(one.kind, one.message, one.at, user=one.user, transaction=one.transaction)
        for one in found.noted
    ]
    return items


def _item(kind: str, message: str, at: str = "", **more: str) -> Values:
    empty = dict.fromkeys(("user", "reference", "transaction", "hook"), "")
    return {"kind": kind, "message": message, "at": at, **empty, **more}
