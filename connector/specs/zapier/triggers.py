"""Triggers: a hook for each event of interest, one for all events, and lists for dropdowns.

Source: TriggerSchema, BasicHookOperationSchema; a hook's answers to a poll have the keys of a push.
"""

from __future__ import annotations

from typing import Any

from connector.catalog.actions import actions
from connector.catalog.events import ANY_EVENT, EVENTS
from connector.specs.zapier import fields
from connector.specs.zapier.requests import given, request
from connector.specs.zapier.source import function
from connector.specs.zapier.steps import noun
from connector.triggers.definitions import TRIGGERS, Trigger

_USER = {
    "key": "user",
    "label": "User ID",
    "helpText": "Your own id of one person, to start only for them. Leave it empty for everybody.",
    "type": "string",
    "required": False,
    "placeholder": "user_42",
}
_OUTPUT_TYPES = {"integer": "integer", "datetime": "datetime", "number": "number"}


def triggers() -> dict[str, Any]:
    """All triggers by key; the lists for dropdowns are hidden."""
    hooks = {t.key: _hook(t) for t in TRIGGERS.values() if t.of_interest}
    lists = {
        action.key: {
            "key": action.key,
            "noun": noun(action),
            "display": {
                "label": action.label,
                "description": "Triggers when a dropdown needs this list.",
                "hidden": True,
            },
            "operation": {
                "type": "polling",
                "perform": request(action.path),
                "sample": fields.sample(action),
                "outputFields": fields.outputs(action.output),
            },
        }
        for action in actions()
        if fields.is_choice(action)
    }
    return hooks | lists


def _hook(trigger: Trigger) -> dict[str, Any]:
    everything = trigger.key == ANY_EVENT
    poll: object = request(f"/triggers/{trigger.key}", params={"user": given("user")})
    return {
        "key": trigger.key,
        "noun": "Event",
        "display": {"label": trigger.label, "description": trigger.description},
        "operation": {
            "type": "hook",
            "inputFields": [_types(), _USER] if everything else [_USER],
            "performSubscribe": request(
                "/hooks",
                "POST",
                body={
                    "target_url": "{{bundle.targetUrl}}",
                    "trigger": trigger.key,
                    "user": given("user"),
                },
            ),
            "performUnsubscribe": request("/hooks/{{bundle.subscribeData.id}}", "DELETE"),
            "perform": function("hook_of_types.js" if everything else "hook.js"),
            "performList": function("list_of_types.js", any=ANY_EVENT) if everything else poll,
            "sample": trigger.sample,
            "outputFields": [
                {"key": key, "label": label, "type": _OUTPUT_TYPES.get(kind, "string")}
                for key, label, kind in trigger.fields
            ],
        },
    }


def _types() -> dict[str, Any]:
    return {
        "key": "types",
        "label": "Only These Events",
        "helpText": "What the Zap should start for. Choose one or more, or leave it empty for "
        "everything that happens.",
        "type": "string",
        "required": False,
        "list": True,
        "choices": [{"value": e.type, "sample": e.type, "label": e.label} for e in EVENTS],
    }
