"""One step per action: the fields of FlowXO's HTTP task, filled in, and what comes out.

An action that answers a list is left out: FlowXO can pick single values only.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from connector.catalog.actions import Action, actions, fields_of
from connector.catalog.fields import shown
from connector.catalog.json_fields import Messages, Metadata
from connector.catalog.references import NewReference
from connector.catalog.test_runs import of_a_test_run

KEY = "YOUR-PAYWALLS-KEY"
"""Stands where the paywall's secret key belongs."""
JSON, FORM = "application/json", "application/x-www-form-urlencoded"

_FROM_THE_FLOW = {
    "user": "Pick the id of the person from your trigger.",
    "prompt": "Pick the person's message from your trigger.",
    "amount": "Type it, or pick it from the step that knows the price.",
}
_NEW_REFERENCE = (
    "Begin it with the name of this flow, then pick the message id, the order number or the form "
    "entry's id from your trigger. Two charges in one flow need two references."
)
_SOFT = {
    "name": "errors",
    "value": "soft",
    "required": True,
    "what": "Lets a problem come as a normal answer with a message, so that your flow can go on.",
    "in_a_flow": "Leave it as it is.",
}


def steps(address: str) -> list[dict[str, Any]]:
    """A step for every action that gives one answer."""
    return [_step(action, address) for action in actions() if not action.many]


def left_out() -> list[dict[str, str]]:
    """The actions without a step, and where to use them instead."""
    return [
        {
            "key": action.key,
            "label": action.label,
            "why": "It answers a list, and FlowXO picks single values. Open /docs on your "
            f"connector in a browser and try “{action.label}” there.",
        }
        for action in actions()
        if action.many
    ]


def rows_of(action: Action) -> list[dict[str, Any]]:
    """Every data row of an action's task; what is not required can be left out."""
    rows = []
    for name, field in action.form().items():
        value = shown(field.example)
        if isinstance(field, Metadata) and isinstance(field.example, dict):
            key, note = next(iter(field.example.items()))
            name, value = f"{name}_{key}", str(note)
        first = action.input.one_of[0] if name in action.input.one_of else name
        written = " Written as JSON." if isinstance(field, Messages) else ""
        row = {
            "name": name,
            "value": value,
            "required": field.required or name in action.input.one_of[:1],
            "what": _words(field.label, field.help) + written,
            "in_a_flow": _NEW_REFERENCE
            if isinstance(field, NewReference)
            else _FROM_THE_FLOW.get(name, ""),
        }
        rows.append(row if first == name else row | {"instead_of": first})
    return [*rows, dict(_SOFT)]


def request(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Headers and body of a task with these rows: as a form, as JSON; send either of the two."""
    values = {row["name"]: row["value"] for row in rows if row["required"]}
    return {
        "as_form": {"headers": _headers(FORM), "body": urlencode(values)},
        "as_json": {"headers": _headers(JSON), "body": values},
    }


def _step(action: Action, address: str) -> dict[str, Any]:
    rows = rows_of(action)
    return {
        "key": action.key,
        "label": action.label,
        "what": action.sentence,
        "method": "POST",
        "address": f"{address}/v1{action.path}",
        "rows": rows,
        **request(rows),
        "outcomes": {
            name: words for name, words in action.outcomes.items() if not of_a_test_run(name)
        }
        | {"error": "Something is wrong with the request or the connection: Message says what."},
        "outputs": [
            {
                "name": name,
                "append": f"__{name}",
                "what": _words(field.label, field.help),
                "sample": _sample(action, name, field.example),
            }
            for name, field in fields_of(action.output).items()
        ],
    }


def _sample(action: Action, name: str, example: object) -> str:
    return next(iter(action.outcomes)) if name == "outcome" else shown(example)


def _headers(content_type: str) -> list[dict[str, str]]:
    return [
        {"name": "X-API-Key", "value": KEY},
        {"name": "Content-Type", "value": content_type},
    ]


def _words(label: str, help: str) -> str:
    return f"{label}: {help}"
