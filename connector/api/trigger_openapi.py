"""OpenAPI for what is not an action: triggers, hooks and their log, tokens, features."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

from marshmallow import Schema

from connector.catalog.actions import Input, fields_of
from connector.catalog.fields import Words

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_PATH_WORDS = {
    "key": ("Trigger", "The key of a trigger.", "balance_depleted"),
    "hook_id": ("Hook", "The id of a hook.", "hook_3ac4170b2f6e"),
    "token_id": ("ID", "The id of a token.", "tok_3ac4170b2f6e"),
    "transaction_id": ("Transaction", "The id of a transaction.", "led_3ac4170b2f6e"),
    "feature": ("Feature", "The name of a feature.", "pdf-parse"),
    "delivery_id": ("Delivery", "The id of a delivery.", "dlv_8f3c2f6e"),
}
Describe = Callable[[object], dict[str, Any]]


def complete_operation(
    operation: dict[str, Any],
    path: str,
    method: str,
    inputs: dict[str, type[Input]],
    accepted: Describe,
) -> None:
    """Add to one operation what flask-smorest cannot know: its id, words for what stands in the
    address, bounds, forms. `inputs`: the input schemas by name; `accepted` describes a field."""
    parts = [part.strip("{}").replace("-", "_") for part in path.removeprefix("/v1/").split("/")]
    operation["operationId"] = f"{'_'.join(parts)}_{method}"
    described = {name: field for schema in inputs.values() for name, field in _words(schema)}
    for parameter in operation.setdefault("parameters", []):
        name = parameter["name"]
        if parameter["in"] == "path":
            title, description, example = _PATH_WORDS[name]
            parameter["description"] = description
            parameter["schema"] = {"type": "string", "title": title, "example": example}
        elif name in described:
            parameter["schema"] |= accepted(described[name])
    body = operation.get("requestBody")
    if body is not None:
        name = body["content"][_JSON]["schema"]["$ref"].rsplit("/", 1)[-1]
        body["required"] = any(field.required for _, field in _words(inputs[name]))
        body["content"][_FORM] = deepcopy(body["content"][_JSON])


def described_schemas(api: Any) -> dict[str, type[Schema]]:
    """The schema classes that the routes name, by their name in the description."""
    return {name: key[0] for key, name in api.ma_plugin.converter.refs.items()}


def _words(schema: type[Input]) -> list[tuple[str, Words]]:
    return [(n, f) for n, f in fields_of(schema).items() if isinstance(f, Words)]
