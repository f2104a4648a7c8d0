"""Who pays: one user, the same by whichever door the id comes in.

The id may stand in the body, in a header or in the address; two that differ are refused. Upstream
is always told in the body: a header cannot hold `josé` in one way only.
"""

from __future__ import annotations

import re
from typing import Any

import orjson
from flask import Request
from marshmallow import ValidationError

from connector import jsontext
from connector.api.request_body import check_escapes, json_object
from connector.api.services import services
from connector.catalog.fields import user_id
from connector.errors import InvalidField, MalformedRequest, quoted
from connector.security.tokens import for_another_user

_FIELD = user_id()
_LOST_PLUS = re.compile(
    r"\s*[^@\s]+ [^@]*@[^@\s]+\.[^@\s]+\s*"  # ann+shop@example.com
    r"| \d[\d ()./-]{5,}"  # +49 170 1234567
)
_USER_NAME = re.compile(rb'"user"\s*:')
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


def refuse_lost_plus(values: dict[str, Any]) -> None:
    """Raises InvalidField for a `user` in which a plus sign became a space: that of an address or
    a form, where a plus sign is written `%2B`."""
    user = values.get("user")
    if isinstance(user, str) and _LOST_PLUS.fullmatch(user):
        raise InvalidField(
            f"“{quoted(user)}” holds a space where a + was meant: in an address or a form a plain "
            "+ means a space. Write it as %2B, or send the values as JSON.",
            field="user",
        )


def placeholder_left(field: str, label: str) -> InvalidField:
    """The refusal of a value in which a tool's template token was left."""
    return InvalidField(
        f"“{label}” still holds a placeholder in {{{{ }}}}, because the step before gave no value "
        "for it. Choose the value again in your tool.",
        field=field,
    )


def checked(user: object) -> str:
    """A user id by the one rule for all doors. Raises InvalidField."""
    if isinstance(user, str) and "{{" in user:
        raise placeholder_left("user", _FIELD.label)
    try:
        return str(_FIELD.deserialize(user))
    except ValidationError as error:
        raise InvalidField(str(error.messages[0]), field="user") from None


def user_in_query(request: Request) -> str:
    """The user that the query string names, or "". Raises MalformedRequest or InvalidField."""
    check_escapes(request.query_string, "address")
    named = {user for user in request.args.getlist("user") if user}
    for user in named:
        refuse_lost_plus({"user": user})
    if len(named) > 1:
        raise InvalidField(
            f"The address names different users: {_and(named)}. Send the user once.", field="user"
        )
    return named.pop() if named else ""


def with_payer(raw: bytes, *elsewhere: str, only: str = "") -> bytes:
    """A chat's body with the one who pays as `user`; byte for byte as it was where it says so.
    `elsewhere`: whom the header, the path and the query string name, "" for nobody; `only`: the one
    user that a token is for, "" for any.

    Raises MalformedRequest for what is no JSON object, InvalidField where nobody is named, or two
    are, or the id cannot be one; NotAllowedByToken for another than `only`.
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
    if len(_USER_NAME.findall(raw)) > 1:
        json_object(raw)  # refuses two users in one object, of which readers see one or the other
    given: Any = sent.get("user")
    blank = given in _BLANK or (isinstance(given, str) and not given.strip())
    named = {checked(user) for user in ("" if blank else given, *elsewhere) if user != ""}
    if only and named - {only}:
        raise for_another_user()
    named |= {only} if only else set()
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
