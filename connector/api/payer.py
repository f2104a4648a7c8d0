"""Who pays: one user, the same by whichever door the id comes in (DESIGN: what is refused).

The id may stand in the body, in a header or in the address; two that differ are refused. Upstream
is always told in the body: a header cannot hold `josé` in one way only.
"""

from __future__ import annotations

from typing import Any

import orjson
from flask import Request
from marshmallow import ValidationError

from connector import jsontext
from connector.api.services import services
from connector.catalog.fields import user_id
from connector.errors import InvalidField, MalformedRequest, quoted

_FIELD = user_id()
_BLANK: tuple[object, ...] = (None, [], {})
_NOBODY = (
    "It is not said who pays. Send your id of the user as “user” in the request, in the header "
    "“X-Paywall-User”, or at the end of the base address."
)


def header_text(value: str) -> str:
    """A header's value as text: UTF-8 where it is that, else as it came."""
    try:
        return value.encode("latin-1").decode().strip(" ")
    except UnicodeError:
        return value.strip(" ")


def user_in_headers(request: Request) -> str:
    """The user that the headers name, or "". Raises InvalidField where two of them differ."""
    named = {
        header_text(request.headers[name])
        for name in services().settings.user_headers
        if request.headers.get(name, "").strip(" ")
    }
    if len(named) > 1:
        raise InvalidField(
            f"Two headers name different users: {_and(named)}. Send the user once.", field="user"
        )
    return named.pop() if named else ""


def checked(user: object) -> str:
    """A user id by the one rule for all doors. Raises InvalidField."""
    if isinstance(user, str) and "{{" in user:
        raise InvalidField(
            "“User” still holds a placeholder in {{ }}, because the step before gave no value for "
            "it. Choose the value again in your tool.",
            field="user",
        )
    try:
        return str(_FIELD.deserialize(user))
    except ValidationError as error:
        raise InvalidField(str(error.messages[0]), field="user") from None


def with_payer(raw: bytes, in_header: str, in_address: str) -> bytes:
    """A chat's body with the one who pays as `user`; byte for byte as it was where it says so.

    Raises MalformedRequest for what is no JSON object, InvalidField where nobody is named, or two
    are, or the id cannot be one.
    """
    try:
        sent = orjson.loads(raw)
    except orjson.JSONDecodeError:
        sent = None
    if not isinstance(sent, dict):
        raise MalformedRequest(
            'The body must be one JSON object, such as {"model": "…", "messages": […]}. Check '
            "the quotes, commas and brackets."
        )
    given: Any = sent.get("user")
    blank = given in _BLANK or (isinstance(given, str) and not given.strip())
    places = ([] if blank else [given], [in_header], [in_address])
    named = {checked(user) for place in places for user in place if user != ""}
    if not named:
        raise InvalidField(_NOBODY, field="user")
    if len(named) > 1:
        raise InvalidField(
            f"The request names different users: {_and(named)}. Name the one who pays once: in the "
            "body, in a header or in the address.",
            field="user",
        )
    user = named.pop()
    if given == user:
        return raw
    if "user" not in sent:
        rest = raw.lstrip()[1:]
        return b'{"user":' + jsontext.dumps(user) + (b"," if sent else b"") + rest
    try:
        return jsontext.dumps(jsontext.loads(raw) | {"user": user})
    except ValueError:
        raise MalformedRequest("The body is nested too deeply to be read.") from None


def _and(users: set[str]) -> str:
    return " and ".join(f"“{quoted(user)}”" for user in sorted(users))
