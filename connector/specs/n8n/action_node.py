"""The description of the node `Paywalls`: every action of the catalog as an operation."""

from __future__ import annotations

from typing import Any

from connector import actions as actions_folder
from connector.catalog.actions import Action, Kind, actions
from connector.catalog.fields import Count, Flag, Number, Words
from connector.catalog.outcomes import TOPUP_REQUIRED
from connector.catalog.references import NewReference
from connector.specs import labels
from connector.specs.n8n.fields import (
    CHAT_REFERENCE_ADVICE,
    COLLECTION,
    REFERENCE_ADVICE,
    is_long,
    notice,
    optional,
    parameter,
)
from connector.specs.n8n.waits import callback_url, give_up_after
from connector.specs.n8n.words import description as described
from connector.specs.n8n.words import sentence_case, subtitle

Json = dict[str, Any]

CREDENTIALS = [{"name": "paywallsApi", "required": True}]
BASE_URL = (
    '={{ $credentials.url.trim().replace(/\\/+$/, "").replace(/(\\/openai)?\\/v1$/i, "")'
    '.replace(/^(?!https?:\\/\\/)/i, "https://") }}'
)
"""The address as people write it: with a slash or the version at its end, or without https://."""
_RESOURCES = {
    "user": "User",
    "transaction": "Transaction",
    "model": "AI Model",
    "account": "Account",
}


def description() -> Json:
    """The node as n8n wants to be told about it, apart from what its class says itself.

    Source: https://docs.n8n.io/integrations/creating-nodes/build/reference/node-base-files/
    """
    actions_folder.load()
    groups: dict[str, list[Action]] = {name: [] for name in _RESOURCES}
    for action in actions():
        groups[resource(action)].append(action)
    return {
        "displayName": "Paywalls",
        "name": "paywalls",
        "group": ["transform"],
        "version": 1,
        "description": "Charge users, check balances and sell AI answers through Paywalls.ai",
        "defaults": {"name": "Paywalls"},
        "subtitle": subtitle("operation", {a.key: a.label for a in actions()}),
        "credentials": CREDENTIALS,
        "requestDefaults": {
            "baseURL": BASE_URL,
            "ignoreHttpStatusErrors": True,
            "json": True,
        },
        "properties": [
            _choice("Resource", "resource", [_resource(name) for name, a in groups.items() if a]),
            *(_operations(name, members) for name, members in groups.items() if members),
            *(p for members in groups.values() for action in members for p in _parameters(action)),
        ],
    }


def resource(action: Action) -> str:
    """Under which heading an action stands: what it is about, by the fields that it takes."""
    if (action.stored and action.many) or (action.exactly_once and action.exactly_once.refunds):
        return "transaction"
    if "model" in action.words() or action.kind is Kind.SEARCH:
        return "model"
    return "user" if "user" in action.words() else "account"


def refuses(action: Action) -> bool:
    """Whether an action can end with a link that the user must open first."""
    return TOPUP_REQUIRED in action.outcomes


def _resource(name: str) -> Json:
    return {"name": _RESOURCES[name], "value": name}


def _operations(name: str, members: list[Action]) -> Json:
    rows = [
        {
            "name": action.label,
            "value": action.key,
            "action": sentence_case(action.label),
            "description": described(action.sentence),
            "routing": {"request": {"method": "POST", "url": f"/v1{action.path}"}},
        }
        for action in members
    ]
    first = rows[0]["value"]
    choice = _choice("Operation", "operation", sorted(rows, key=lambda row: str(row["name"])))
    return {**choice, "default": first, "displayOptions": {"show": {"resource": [name]}}}


def _choice(label: str, name: str, options: list[Json]) -> Json:
    return {
        "displayName": label,
        "name": name,
        "type": "options",
        "noDataExpression": True,
        "options": options,
        "default": options[0]["value"],
    }


def _parameters(action: Action) -> list[Json]:
    """The fields that must be filled in, what to do on a refusal, then all others."""
    words = action.form()
    others = {name: field for name, field in words.items() if not field.required}
    parameters = []
    for name, field in words.items():
        if field.required:
            parameters += [parameter(name, field), *_notices(field)]
    for name in action.input.one_of[:1]:
        parameters.append(parameter(name, others.pop(name)))
    if refuses(action):
        parameters += [_on_refusal(), _stop_notice()]
    if action.exactly_once:
        parameters.append(_when_tested())
    for name in [name for name, field in others.items() if _in_sight(field)]:
        field = others.pop(name)
        parameters += [parameter(name, field), *_notices(field)]
    more = [callback_url(action), give_up_after()] if action.at_most_once else []
    alone = _can_stand_alone(others) and not more
    parameters += [_alone(others)] if alone else _collected(others, more)
    return [_only_for(action, parameter) for parameter in parameters]


def _in_sight(field: Words) -> bool:
    """Whether a field that may be left empty stands among those that may not: where people write
    paragraphs, and a reference, which is filled in."""
    return is_long(field) or isinstance(field, NewReference)


def _only_for(action: Action, parameter: Json) -> Json:
    more = parameter.get("displayOptions", {}).get("show", {})
    shown = {"resource": [resource(action)], "operation": [action.key], **more}
    return {**parameter, "displayOptions": {"show": shown}}


def _notices(field: Words) -> list[Json]:
    """What must be read beside a field. Not a hint: n8n covers the hint of an expression with the
    preview of its value."""
    if not isinstance(field, NewReference):
        return []
    return [
        notice("reference_notice", REFERENCE_ADVICE if field.required else CHAT_REFERENCE_ADVICE)
    ]


def _stop_notice() -> Json:
    text = (
        "With several items, Stop ends the run for all of them, although some were charged "
        "already: use Continue and an IF on “success”, or Loop Over Items with a batch size of 1."
    )
    return notice("stop_notice", text) | {"displayOptions": {"show": {"on_refusal": ["stop"]}}}


def _can_stand_alone(others: dict[str, Words]) -> bool:
    """A number or a switch cannot be left empty, so it stays inside the collection."""
    return len(others) == 1 and not any(
        isinstance(field, Number | Count | Flag) for field in others.values()
    )


def _alone(others: dict[str, Words]) -> Json:
    ((name, field),) = others.items()
    return parameter(name, field)


def _collected(others: dict[str, Words], more: list[Json]) -> list[Json]:
    options = [*(optional(name, field) for name, field in others.items()), *more]
    if not options:
        return []
    return [
        {
            "displayName": "Additional Fields",
            "name": COLLECTION,
            "type": "collection",
            "placeholder": "Add Field",
            "default": {},
            "options": sorted(options, key=lambda option: str(option["displayName"])),
        }
    ]


def _when_tested() -> Json:
    """Not sent: the node itself knows whether somebody runs it by hand."""
    return {
        "displayName": labels.WHEN_TESTED,
        "name": "when_tested",
        "type": "options",
        "default": "check",
        "description": "What to do when you run the workflow by hand while you build it. A run "
        "that starts by itself always counts.",
        "options": [
            {
                "name": "Move No Money",
                "value": "check",
                "description": "Check key, user, amount and balance; the outcome begins with "
                "“would”, and “success” is false",
            },
            {
                "name": "Count for Real",
                "value": "count",
                "description": "Move money in a run by hand, too: have a user of your own for that",
            },
        ],
    }


def _on_refusal() -> Json:
    """Not sent: the node itself looks at the answer."""
    return {
        "displayName": labels.ON_REFUSAL,
        "name": "on_refusal",
        "type": "options",
        "default": "stop",
        "description": "What to do when the user must first add to their balance or give "
        "permission",
        "options": [
            {
                "name": "Stop",
                "value": "stop",
                "description": "End the run and show the link to send, so that nothing behind "
                "this step is delivered unpaid",
            },
            {
                "name": "Continue",
                "value": "continue",
                "description": "Go on with “success” false, so that a later step can send the link "
                "to the user",
            },
        ],
    }
