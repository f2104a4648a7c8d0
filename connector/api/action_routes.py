"""One route per action, made from the catalog: read the input, call the function, answer flat."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, g

from connector.actions.call import Call
from connector.api.answers import json_answer
from connector.api.flat_parser import FlatBlueprint
from connector.api.services import deadline, services, upstream
from connector.catalog.actions import Action, Values, actions
from connector.catalog.fields import Amount
from connector.errors import InvalidField, KeyRefused
from connector.ledger import exactly_once
from connector.money import plain
from connector.telemetry.logs import request_id


def blueprint() -> FlatBlueprint:
    """The routes of all actions in the catalog, under /v1."""
    blp = FlatBlueprint("actions", __name__, url_prefix="/v1", description="Actions")
    for action in actions():
        if action.get:
            _register(blp, action, "GET", "query")
        _register(blp, action, "POST", "json")
    return blp


def _register(blp: FlatBlueprint, action: Action, method: str, location: str) -> None:
    def view(values: Values) -> Response:
        return run(action, values)

    view.__name__ = f"{action.key}_{method.lower()}"
    view.__doc__ = action.sentence
    documented = blp.response(200, action.output(many=action.many))(view)
    parsed = blp.arguments(action.input(), location=location)(documented)
    named = _marked(parsed, action)
    blp.route(action.path, methods=[method], endpoint=view.__name__)(named)


def _marked(view: Callable[..., Response], action: Action) -> Callable[..., Response]:
    """`view`, noting first which action is called, so that errors are answered in its shape."""

    def marked(*args: Any, **kwargs: Any) -> Response:
        g.action = action
        return view(*args, **kwargs)

    marked.__name__, marked.__doc__ = view.__name__, view.__doc__
    marked._apidoc = view._apidoc  # type: ignore[attr-defined]
    return marked


def run(action: Action, values: Values) -> Response:
    """Call an action with validated values and give its flat answer."""
    _check_maximum(action, values)
    parts, key = services(), g.key
    line = upstream(key)
    call = partial(Call, line, lambda: parts.readiness.account(key, line))
    try:
        if action.exactly_once:
            result = exactly_once.run(
                parts.store,
                parts.admission.admit(key, line),
                action,
                values,
                lambda upstream_key: action.perform(call(upstream_key), values),
                deadline(),
            )
        else:
            if parts.admission.restricted:
                parts.admission.admit(key, line)
            result = action.perform(call(), values)
    except KeyRefused:
        if action.exactly_once:
            parts.identity.distrust(key)
        raise
    parts.rate_limits.proven(key)
    parts.readiness.soon(key, values.get("user", ""))
    g.outcome = result.get("outcome", "")
    body: object = (
        [action.answer(item) for item in result["items"]]
        if action.many
        else action.answer(result | {"request_id": request_id()})
    )
    return json_answer(body)


def _check_maximum(action: Action, values: Values) -> None:
    """Raises InvalidField for an amount of a write above the operator's maximum."""
    maximum = services().settings.max_amount
    for name, field in action.words().items():
        if isinstance(field, Amount) and action.exactly_once and values[name] > maximum:
            raise InvalidField(
                f"“{field.label}” may be at most {plain(maximum)} here. Write a smaller number, or "
                "ask the connector's operator to raise CONNECTOR_MAX_AMOUNT.",
                field=name,
            )
