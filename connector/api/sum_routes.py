"""Sums of what went through: by the day, or by user on one day."""

from __future__ import annotations

from flask import Response
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError

from connector.api.authentication import Access, Caller, Right
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.services import services
from connector.api.sums import DAYS, by_day, by_user, is_day, on_day
from connector.catalog.actions import Input, Values
from connector.catalog.fields import USER_MAX, Amount, Count, Identifier, Text, UserId
from connector.security.rights import VIEW


def _is_day(value: str) -> None:
    if not is_day(value):
        raise ValidationError("“Day” must be a date such as 2026-01-31.")


class SumsInput(Input):
    """Which sums."""

    user = UserId("User ID", "Only of this user.", example="user_42", max_length=USER_MAX)
    day = Identifier(
        "Day",
        "Only this day, user by user, those first of whom most was taken.",
        example="2026-01-31",
        max_length=10,
        validate=_is_day,
    )
    days = Count("Days", "How many days back, today included.", example=7, low=1, high=366)


class SumOutput(Schema):
    """What went through on a day; each currency label has a row of its own."""

    day = Text("Day", "The day, in the paywall's time zone.", example="2026-01-31")
    user = Text("User ID", "Whose sums these are, or empty for all users.", example="user_42")
    currency = Text("Currency", "The label that stood beside the amounts.", example="USD")
    number = Count("Number", "How many charges and uses went through.", example=12)
    taken = Amount("Taken", "What was taken by charges and uses.", example="6.5")
    given_back = Amount("Given Back", "What was given back by refunds.", example="0.5")
    deposited = Amount("Deposited", "What was deposited.", example="10")


def blueprint() -> Blueprint:
    """The route /v1/sums."""
    blp = FlatBlueprint("sums", __name__, url_prefix="/v1", description="Transactions")

    @blp.call(
        "/sums",
        "GET",
        Access.PAYWALL,
        Right(("transactions", VIEW)),
        takes=SumsInput,
        gives=SumOutput,
        many=True,
    )
    def sums(caller: Caller, values: Values) -> Response:
        """Sums up what went through, by the day, or by user on one day."""
        user, day = values.get("user", ""), values.get("day", "")
        if day and user:
            return json_answer(on_day(services(), caller.paywall, user, day))
        if day:
            return json_answer(by_user(services(), caller.paywall, day))
        return json_answer(by_day(services(), caller.paywall, user, values.get("days", DAYS)))

    return blp
