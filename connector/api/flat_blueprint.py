"""Routes with one flat input: what a route demands, takes and gives is read in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from flask import Request, Response, g, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from webargs.flaskparser import FlaskParser

from connector.api import flat_input
from connector.api.authentication import Access, Caller, Right, admit, answered, identify, unasked
from connector.api.keys import find_key, key_in_headers
from connector.api.payer import checked
from connector.catalog.actions import Action, Input, Values, fields_of
from connector.errors import ConnectorError, InvalidField
from connector.ledger.doubt import told_before_the_ledger
from connector.security.tokens import Standing

View = Callable[..., Response]


class FlatParser(FlaskParser):
    """webargs, with every location read as the one flat input."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": None, "query": None}  # noqa: RUF012 -- webargs' own

    def load_json(self, req: Request, schema: Schema) -> Values:
        return flat_input.fitted(g.values, schema)

    def load_querystring(self, req: Request, schema: Schema) -> Values:
        return flat_input.fitted(g.values, schema)

    def handle_error(
        self, error: ValidationError, req: Request, schema: Schema, **_: Any
    ) -> NoReturn:
        messages: Any = next(iter(error.messages_dict.values()))  # webargs nests by location
        raise first_to_mend(messages, schema)


def first_to_mend(messages: Any, schema: Schema) -> InvalidField:
    """Of marshmallow's messages the first one, in the order of the form."""
    name = next(n for n in schema.fields if n in messages)
    message = messages[name]
    while isinstance(message, list | dict):
        message = next(iter(message.values() if isinstance(message, dict) else message))
    return InvalidField(str(message), field=name)


def filled(schema: Schema, given: Values) -> Values:
    """The values of a form of ours. Raises InvalidField for the first one to mend."""
    try:
        loaded: Values = schema.load(given)
    except ValidationError as error:
        raise first_to_mend(error.messages_dict, schema) from None
    return loaded


class FlatBlueprint(Blueprint):  # type: ignore[misc]
    """flask-smorest's blueprint with our parser, and `call` to declare a route."""

    ARGUMENTS_PARSER = FlatParser()

    def call(
        self,
        rule: str,
        method: str,
        access: Access,
        right: Right,
        *,
        takes: type[Input],
        gives: type[Schema],
        many: bool = False,
        status: int = 200,
        action: Action | None = None,
        check: Callable[[Values], None] = lambda _: None,
        content_type: str = "",
    ) -> Callable[[View], View]:
        """Register `view(caller, values, **address)` for a method at an address.

        In this order: the flat input is read and its key counted, a token is asked for `right` and
        puts its one user in, the values are checked against `takes` and by `check`, and who calls
        is asked what `access` demands. `gives` describes the answer; with `action`, errors are
        answered in its shape where the caller wants that; with `content_type` the answer is no
        JSON but text of that kind. HEAD ends where upstream would be asked.
        """
        location = "json" if method in ("POST", "PUT") else "query"

        def register(view: View) -> View:
            def admitted(values: Values, **address: str) -> Response:
                check(values)
                if request.method == "HEAD":
                    return unasked()
                return answered(lambda: view(admitted_for(access, action), values, **address))

            admitted.__name__, admitted.__doc__ = view.__name__, view.__doc__
            told = {"type": "string"} if content_type else gives(many=many)
            described = self.response(status, told, content_type=content_type or None)(admitted)
            checked = self.arguments(takes(), location=location)(described)

            def called(**address: str) -> Response:
                if action is not None:
                    g.action = action
                g.values = _read(takes, right)
                return checked(**address)  # type: ignore[no-any-return]

            called.__name__, called.__doc__ = view.__name__, view.__doc__
            called._apidoc = checked._apidoc  # type: ignore[attr-defined]
            called.access, called.right = access, right  # type: ignore[attr-defined]
            endpoint = f"{view.__name__}_{method.lower()}"
            self.route(rule, methods=[method], endpoint=endpoint)(called)
            return view

        return register


def _read(takes: type[Input], right: Right) -> dict[str, Any]:
    """The flat input, once the key was identified. A key in a header is looked at first: reading
    a body costs more than refusing it."""
    try:
        key = key_in_headers(request)
        if key:
            identify(key, right)
    except ConnectorError:
        flat_input.look_whether_soft(request, takes)
        raise
    values = flat_input.read(request, takes)
    in_body = values.pop("api_key", None)
    if not key:
        identify(find_key(request, in_body), right)
    put_user_in(values, takes)
    return values


def put_user_in(values: Values, takes: type[Input]) -> None:
    """The one user of a token that was shown stands among `values`, whoever was sent.

    Raises InvalidField, or NotAllowedByToken for another user.
    """
    shown: Standing | None = g.get("standing")
    if shown is not None and shown.token.user and "user" in fields_of(takes):
        sent = values.get("user")
        values["user"] = shown.token.user_instead_of("" if sent is None else checked(sent))


def admitted_for(access: Access, action: Action | None) -> Caller:
    """Who calls. A failure here says nothing about a reference that may be in doubt."""
    try:
        return admit(access)
    except ConnectorError as error:
        if action is not None and action.exactly_once:
            raise told_before_the_ledger(error) from None
        raise
