"""Routes with one flat input: what a route demands, takes and gives is read in one place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Request, Response, g
from flask.globals import app_ctx, request_ctx
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError

from connector.api import flat_input
from connector.api.authentication import Access, Caller, Right, admit, answered, identify, unasked
from connector.api.keys import find_key, key_in_headers
from connector.api.payer import checked
from connector.catalog.actions import Action, Input, Values, fields_of
from connector.errors import ConnectorError, InvalidField
from connector.ledger.doubt import told_before_the_ledger
from connector.security.tokens import Standing

View = Callable[..., Response]


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
    """flask-smorest's blueprint with `call` to declare a route, which it registers and describes;
    what a request holds is read here, whatever its method and content type."""

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
        form = takes()
        told = {"type": "string"} if content_type else gives(many=many)

        def register(view: View) -> View:
            def called(**address: str) -> Response:
                request: Request = request_ctx.request
                if action is not None:
                    app_ctx.g.action = action
                values = filled(form, flat_input.fitted(_read(request, takes, right), form))
                check(values)
                if request.method == "HEAD":
                    return unasked()
                return answered(lambda: view(admitted_for(access, action), values, **address))

            called.__name__, called.__doc__ = view.__name__, view.__doc__
            described = self.response(status, told, content_type=content_type or None)(called)
            described = self.arguments(form, location=location)(described)
            called._apidoc = described._apidoc  # type: ignore[attr-defined]
            called.access, called.right = access, right  # type: ignore[attr-defined]
            endpoint = f"{view.__name__}_{method.lower()}"
            self.route(rule, methods=[method], endpoint=endpoint)(called)
            return view

        return register


def _read(request: Request, takes: type[Input], right: Right) -> dict[str, Any]:
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
