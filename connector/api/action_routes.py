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
        return json_answer(answer_of(action, run_action(services(), caller, action, values)))

    view.__name__, view.__doc__ = action.key, action.sentence
    blp.call(
        action.path,
        method,
        access_of(action),
        right_of(action),
        takes=action.input,
        gives=action.output,
        many=action.many,
        action=action,
        check=lambda values: check_maximum(services(), action, values),
    )(view)


def access_of(action: Action) -> Access:
    """What an action demands of who calls it."""
    return Access.PAYWALL if action.exactly_once or action.stored else Access.SERVED


def right_of(action: Action) -> Right:
    """The action's own name opens it, and `view` whatever only looks something up."""
    looks = action.kind is not Kind.WRITE and not action.exactly_once
    return Right((action.key, VIEW) if looks else (action.key,))


def answer_of(action: Action, result: Values) -> Values | list[Values]:
    """The flat answer to what `run_action` gave, or the list of them; the outcome is noted for the
    log."""
    g.outcome = result.get("outcome", "")
    if action.many:
        return [action.answer(item) for item in result["items"]]
    return action.answer(result | {"request_id": request_id()})
