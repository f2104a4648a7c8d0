"""Finding the caller's Paywalls key: a Bearer header, `X-API-Key`, or `api_key` in a body."""

from __future__ import annotations

from flask import Request

from connector.brands import holds_key
from connector.errors import KeyRefused, MalformedRequest

_WHERE = "Send your Paywalls secret key as the header “Authorization: Bearer <key>”."
_LONGEST = 512


def refuse_key_in_query(request: Request) -> None:
    """Raises MalformedRequest for a key in the query string, without quoting it."""
    for name, values in request.args.lists():
        if name.casefold() in ("api_key", "apikey", "api-key", "authorization") or any(
            holds_key(text) for text in (name, *values)
        ):
            raise MalformedRequest(
                "A key must never stand in an address, where logs and browsers keep it. Send it "
                "as the header “Authorization: Bearer <key>”, and consider replacing this key.",
                field="api_key",
            )


def find_key(request: Request, in_body: object = None) -> str:
    """The key of this request; `in_body` is the value of a POST body's `api_key`.

    Raises KeyRefused when there is none, or one that cannot be a key; it is never quoted.
    """
    key = key_in_headers(request)
    if key:
        return key
    if in_body is None or in_body == "":
        raise KeyRefused(f"The key is missing. {_WHERE}", field="api_key")
    if not isinstance(in_body, str):
        raise KeyRefused(f"The key must be text. {_WHERE}", field="api_key")
    return checked_key(in_body)


def key_in_headers(request: Request) -> str:
    """The key in this request's headers, "" for none. Raises KeyRefused for what cannot be one."""
    header = request.headers.get("Authorization", "").strip(" ")
    if header:
        scheme, _, key = header.partition(" ")
        if scheme.casefold() != "bearer":
            if not key and scheme.startswith("sk-"):
                raise KeyRefused(f"The word “Bearer” is missing in front of the key. {_WHERE}")
            raise KeyRefused(f"The Authorization header is of another kind. {_WHERE}")
        return checked_key(key)
    key = request.headers.get("X-API-Key", "").strip(" ")
    return checked_key(key) if key else ""


def checked_key(key: str) -> str:
    """A key without spaces around it. Raises KeyRefused for what cannot be one."""
    key = key.strip(" ")
    if not key:
        raise KeyRefused(f"The key is empty. {_WHERE}", field="api_key")
    if "{{" in key:
        raise KeyRefused(
            "The key still holds a placeholder in {{ }} instead of your key. Choose the key again "
            "in your tool.",
            field="api_key",
        )
    if len(key) > _LONGEST or not key.isascii() or not key.isprintable() or " " in key:
        raise KeyRefused(
            "This is not a key: it is too long, or holds a space, a line break or another "
            "character that keys do not have. Copy it again from the Paywalls dashboard.",
            field="api_key",
        )
    return key
