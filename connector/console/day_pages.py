"""What went through by the day, and on one day by user."""

from __future__ import annotations

from datetime import date, timedelta

from flask import Blueprint, Response, request

from connector.api.authentication import Caller, Right
from connector.api.services import services
from connector.api.sums import DAYS, USERS, by_day, by_user, is_day
from connector.console.doors import console_page, seen
from connector.errors import NotFound
from connector.security.rights import VIEW

_LOOK = Right(("transactions", VIEW))
_ALL = Right(("transactions", VIEW), one_user=False)


def add_to(blp: Blueprint) -> None:
    """The routes under /console/days."""

    @blp.get("/days")
    @seen(_LOOK)
    def days(caller: Caller) -> Response:
        user = caller.user or request.args.get("user", "").strip()
        return console_page(
            "console/days.html",
            rows=by_day(services(), caller.paywall, user),
            user=user,
            count=DAYS,
            each_user=not caller.user,
        )

    @blp.get("/days/<day>")
    @seen(_ALL)
    def one_day(caller: Caller, day: str) -> Response:
        return console_page(
            "console/day.html",
            rows=by_user(services(), caller.paywall, day),
            day=day,
            next_day=_after(day),
            most=USERS,
        )


def _after(day: str) -> str:
    """The next day. Raises NotFound for what is none."""
    if not is_day(day) or day == f"{date.max}":
        raise NotFound("There is no such day. Choose one in the list of days.")
    return f"{date.fromisoformat(day) + timedelta(days=1)}"
