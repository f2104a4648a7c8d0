"""The steps after a trigger: what changes something is a create, what finds something a search.

Source: CreateSchema and SearchSchema.
"""

from __future__ import annotations

from typing import Any

from connector.catalog.actions import Action, Kind, actions
from connector.specs.zapier import fields
from connector.specs.zapier.requests import request
from connector.specs.zapier.source import function


def creates() -> dict[str, Any]:
    """Every action that changes something, by key."""
    return {a.key: _step(a, _call(a)) for a in actions() if a.kind is Kind.WRITE}


def searches() -> dict[str, Any]:
    """Every action that finds something by at least one field, by key."""
    return {
        action.key: _step(action, _call(action) if action.many else _find_one(action))
        for action in actions()
        if action.kind is not Kind.WRITE and action.words()
    }


def noun(action: Action) -> str:
    """What an action is about: "Balance" for "Get Balance"."""
    return action.label.partition(" ")[2] or action.label


def _step(action: Action, perform: object) -> dict[str, Any]:
    return {
        "key": action.key,
        "noun": noun(action),
        "display": {"label": action.label, "description": action.sentence},
        "operation": {
            "inputFields": fields.inputs(action),
            "perform": perform,
            "sample": fields.sample(action),
            "outputFields": fields.outputs(action.output),
        },
    }


def _call(action: Action) -> object:
    return request(action.path, "POST", body=fields.body(action))


def _find_one(action: Action) -> object:
    """A search gives a list, the connector one object."""
    return function("find_one.js", path=action.path, fields=list(fields.body(action)))
