"""Fields of the catalog as fields of Zapier's forms and answers.

Source: PlainInputFieldSchema and PlainOutputFieldSchema.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema

from connector.catalog.actions import Action, Kind, actions, fields_of
from connector.catalog.fields import Count, Flag, Number, Text, Words, shown
from connector.catalog.json_fields import Messages, Metadata
from connector.catalog.outcomes import MEANINGS
from connector.catalog.references import NewReference
from connector.specs import labels
from connector.specs.zapier.requests import given

ON_REFUSAL = "on_refusal"
_LONG_TEXT = 500
_TEST_CHARGES = "Testing this step charges for real, so use a test user."
_REFERENCE = (
    "Start it with the name of the form or shop, such as `signup-form-` and then the entry's "
    "number. Two “{label}” steps in one Zap need two different references."
)
_REFUSAL: dict[str, Any] = {
    "key": ON_REFUSAL,
    "label": labels.ON_REFUSAL,
    "helpText": "What happens when the user has too little balance, or has not allowed charges. "
    "To send them the link in a later step, choose to continue and add a Filter or Paths step on "
    "Outcome, so that nothing is delivered unpaid.",
    "type": "string",
    "required": False,
    "default": "stop",
    "choices": [
        {"value": "stop", "sample": "stop", "label": "Stop the Zap run here"},
        {"value": "continue", "sample": "continue", "label": "Continue, with the link to send"},
    ],
    "altersDynamicFields": False,
}
WHEN_TESTED = "when_tested"
COUNT = "count"
_WHEN_TESTED: dict[str, Any] = {
    "key": WHEN_TESTED,
    "label": labels.WHEN_TESTED,
    "helpText": "While you build the Zap, Zapier tries this step with the values of a real record. "
    "Key, user, amount and balance are checked then, and no money is moved; the Outcome begins "
    "with “would”. Once the Zap is switched on, it always counts.",
    "type": "string",
    "required": False,
    "default": "check",
    "choices": [
        {"value": "check", "sample": "check", "label": "Check everything, move no money"},
        {"value": COUNT, "sample": COUNT, "label": "Count for real"},
    ],
    "altersDynamicFields": False,
}


def may_be_refused(action: Action) -> bool:
    """Whether the end user may have to pay or to allow charges first."""
    return action.kind is Kind.WRITE and any(name in MEANINGS for name in action.outcomes)


def inputs(action: Action) -> list[dict[str, Any]]:
    """The form of an action, required fields first; of fields that exclude each other the usual
    one."""
    fields = [_input(action, name, field) for name, field in _offered(action).items()]
    fields.sort(key=lambda field: not field["required"])
    if may_be_refused(action):
        fields.insert(_behind_the_reference(fields), _REFUSAL)
    if action.exactly_once:
        fields.append(_WHEN_TESTED)
    return fields


def _behind_the_reference(fields: list[dict[str, Any]]) -> int:
    """Where the choice for refusals stands: behind the reference, or all required fields."""
    keys = [field["key"] for field in fields]
    if "reference" in keys:
        return keys.index("reference") + 1
    return sum(bool(field["required"]) for field in fields)


def body(action: Action) -> dict[str, Any]:
    """What is sent of the form. A prompt goes inside a list, because Zapier deletes `{{name}}` from
    texts that stand alone."""
    sent: dict[str, Any] = {}
    for name in _offered(action):
        conversation = _conversation(action, name)
        if conversation:
            sent[conversation] = [{"role": "user", "content": given(name)}]
        else:
            sent[name] = given(name)
    return sent


def outputs(schema: type[Schema]) -> list[dict[str, Any]]:
    """What can be mapped from an answer."""
    return [
        {"key": name, "label": field.label, "type": _output_type(field)}
        for name, field in _answered(schema).items()
    ]


def sample(action: Action) -> dict[str, Any]:
    """An answer with every field filled."""
    sample = {name: field.example for name, field in _answered(action.output).items()}
    if "outcome" in sample:
        sample["outcome"] = next(iter(action.outcomes))
    return sample


def listing(name: str) -> Action | None:
    """The action that lists what may stand in a field: `models` for `model`."""
    for action in actions():
        if action.key == f"{name}s" and is_choice(action):
            return action
    return None


def is_choice(action: Action) -> bool:
    """Whether an action lists what may stand in a field, each with its id and its name."""
    return action.many and action.get and {"id", "name"} <= set(_answered(action.output))


def _offered(action: Action) -> dict[str, Words]:
    others = action.input.one_of[1:] if _conversation(action, *action.input.one_of[:1]) else ()
    return {name: field for name, field in action.form().items() if name not in others}


def _conversation(action: Action, name: str = "") -> str:
    """The field of messages that says the same as the prompt `name`, or ""."""
    usual, *others = action.input.one_of or ("",)
    if name and name == usual:
        for other in others:
            if isinstance(action.words()[other], Messages):
                return other
    return ""


def _input(action: Action, name: str, field: Words) -> dict[str, Any]:
    described: dict[str, Any] = {
        "key": name,
        "label": field.label,
        "helpText": _help(action, name, field),
        "type": _input_type(field),
        "required": field.required or bool(_conversation(action, name)),
    }
    if isinstance(field, Metadata):
        described["dict"] = True
    else:
        described["placeholder"] = shown(field.example)
    listed_by = listing(name)
    if listed_by is not None:
        described["dynamic"] = f"{listed_by.key}.id.name"
        described["search"] = f"{listed_by.key}.id"
    return described


def _help(action: Action, name: str, field: Words) -> str:
    parts = [field.own_help if _conversation(action, name) else field.help]
    if isinstance(field, NewReference):
        parts.append(_REFERENCE.format(label=action.label))
    if name == "user" and may_be_refused(action) and not action.exactly_once:
        parts.append(_TEST_CHARGES)
    return " ".join(parts)


def _input_type(field: Words) -> str:
    match field:
        case Number():
            return "number"
        case Count():
            return "integer"
        case Flag():
            return "boolean"
        case Messages():
            return "text"
        case Text() if field.lines and field.max_length > _LONG_TEXT:
            return "text" if field.template_ok else "string"
    return "string"


def _output_type(field: Words) -> str:
    match field:
        case Flag():
            return "boolean"
        case Count():
            return "integer"
        case Number():
            return "number"
    return "string"


def _answered(schema: type[Schema]) -> dict[str, Words]:
    return {name: field for name, field in fields_of(schema).items() if isinstance(field, Words)}
