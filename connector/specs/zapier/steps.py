"""The steps after a trigger: what changes something is a create, what finds something a search.

Source: CreateSchema and SearchSchema.
"""

from __future__ import annotations

from typing import Any

from connector.catalog.actions import Action, Kind, actions
from connector.catalog.outcomes import PENDING
from connector.specs.zapier import fields
from connector.specs.zapier.requests import in_javascript, request
from connector.specs.zapier.source import function

_WAIT_SECONDS = 18
"""Zapier ends a step after 30; what is asked for behind that takes a moment as well."""


def creates() -> dict[str, Any]:
    """Every action that changes something, by key."""
    return {a.key: _long(a) if a.at_most_once else _step(a, _call(a)) for a in _writes()}


def _writes() -> list[Action]:
    return [action for action in actions() if action.kind is Kind.WRITE]


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


def _long(action: Action) -> dict[str, Any]:
    """A step whose answer may take longer than Zapier waits: it goes on when that is there."""
    asked: dict[str, Any] = {
        "path": action.path,
        "body": in_javascript(fields.body(action)),
        "prompt": action.input.one_of[0],
        "wait": _WAIT_SECONDS,
        "pending": PENDING,
    }
    step = _step(action, function("ask_once.js", **asked))
    step["operation"]["performResume"] = function("ask_again.js", **asked)
    return step


def _call(action: Action) -> object:
    return request(action.path, "POST", body=fields.body(action))


def _find_one(action: Action) -> object:
    """A search gives a list, the connector one object."""
    return function("find_one.js", path=action.path, fields=list(fields.body(action)))
