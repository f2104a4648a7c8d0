"""One route per action, made from the catalog: read the input, call the action, answer flat."""

from __future__ import annotations

from flask import Response, g

from connector.api.authentication import Access, Caller, Right
from connector.api.flat_blueprint import FlatBlueprint
from connector.api.responses import json_answer
from connector.api.run_action import check_maximum, run_action
from connector.api.services import services
from connector.catalog.actions import Action, Kind, Values, actions
from connector.security.rights import VIEW
from connector.telemetry.logs import request_id


def blueprint() -> FlatBlueprint:
    """The routes of all actions in the catalog, under /v1."""
    blp = FlatBlueprint("actions", __name__, url_prefix="/v1", description="Actions")
    for action in actions():
        for method in ("GET", "POST") if action.get else ("POST",):
            _register(blp, action, method)
    return blp


def _register(blp: FlatBlueprint, action: Action, method: str) -> None:
    def view(caller: Caller, values: Values) -> Response:
        return _answered(action, run_action(services(), caller, action, values))

    view.__name__, view.__doc__ = action.key, action.sentence
    blp.call(
        action.path,
        method,
        Access.PAYWALL if action.exactly_once or action.stored else Access.SERVED,
        _right(action),
        takes=action.input,
        gives=action.output,
        many=action.many,
        action=action,
        check=lambda values: check_maximum(services(), action, values),
    )(view)


def _right(action: Action) -> Right:
    """The action's own name opens it, and `view` whatever only looks something up."""
    looks = action.kind is not Kind.WRITE and not action.exactly_once
    return Right((action.key, VIEW) if looks else (action.key,))


def _answered(action: Action, result: Values) -> Response:
    g.outcome = result.get("outcome", "")
    body: object = (
        [action.answer(item) for item in result["items"]]
        if action.many
        else action.answer(result | {"request_id": request_id()})
    )
    return json_answer(body)
