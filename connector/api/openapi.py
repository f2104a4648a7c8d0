"""OpenAPI 3.1, from the routes that flask-smorest described, with what it cannot know added.

Source: https://spec.openapis.org/oas/v3.1.1.html
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from flask_smorest import Api
from marshmallow import Schema

from connector.api.trigger_openapi import complete_operation, described_schemas
from connector.catalog.actions import Action, Input, Output, actions, fields_of
from connector.catalog.fields import Count, Flag, Text, Words, shown
from connector.catalog.json_fields import Messages, Metadata
from connector.catalog.json_schema import accepted, answered
from connector.errors import kinds

INTRODUCTION = """Simple actions over the Paywalls.ai billing API.

Send your Paywalls secret key, or a connector token (`pwc_…`), as `Authorization: Bearer <key>` or
`X-API-Key: <key>`; tools that cannot set headers may send it as `api_key` in the body of a POST.
Values can be sent as JSON or as a form, and for GET in the query string. The user may also stand in
the header `X-Paywall-User` and the reference in `Idempotency-Key`.

A refused charge is a normal answer with `success: false`, a `message` to show and an `action_url`
to open. Failures are HTTP errors; with `errors=soft` in the query or body they are a normal answer
with `outcome: "error"` instead, for tools that stop at an error.
"""
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"

_SOFT = {
    "in": "query",
    "name": "errors",
    "description": "“soft” turns every error into a normal answer, for tools that stop at errors.",
    "schema": {"type": "string", "enum": ["soft"], "title": "Errors"},  # an example is preselected
    "required": False,
}


class Problem(Schema):
    """The shape of all errors (RFC 9457 plus flat extras)."""

    type = Text("Type", "The kind of problem, as a URN.", example="urn:paywalls-connector:key")
    title = Text("Title", "The kind of problem, in words.", example="Wrong value")
    status = Count("Status", "The HTTP status.", example=422)
    detail = Text("Detail", "What happened and what to do.", example="Fill in “User ID”.")
    message = Text("Message", "The same as Detail.", example="Fill in “User ID”.")
    code = Text("Code", "One word to branch on.", example="invalid_field")
    field = Text("Field", "The field to mend, or empty.", example="user")
    reference = Text("Reference", "The reference that was asked for, or empty.", example="")
    request_id = Text("Request", "The number of this request in the log.", example="req_8f3c")
    retryable = Flag("Retryable", "Whether sending it again is safe and useful.", example=False)


def build(api: Api) -> dict[str, Any]:
    """The whole description of `api`."""
    spec: dict[str, Any] = deepcopy(api.spec.to_dict())
    spec["info"]["description"] = INTRODUCTION
    spec["servers"] = [{"url": "."}]
    spec["components"]["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer"},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    }
    spec["security"] = [{"bearer": []}, {"header": []}]
    schemas = spec["components"]["schemas"]
    schemas.pop("PaginationMetadata", None)
    _complete_answer(schemas["Problem"], Problem)
    schemas["SoftError"] = _soft_error(schemas["Problem"])
    _complete_triggers(api, spec)
    for action in actions():
        taken = schemas.get(action.input.__name__)
        if taken is not None:
            _complete_input(taken, action.input)
            schemas[_form_name(action)] = _form(taken, action)
        _complete_answer(schemas[action.output.__name__], action.output)
        outcome = schemas[action.output.__name__]["properties"].get("outcome")
        if outcome:
            outcome |= {"enum": list(action.outcomes), "example": next(iter(action.outcomes))}
        for method, operation in spec["paths"]["/v1" + action.path].items():
            _complete(operation, action, method)
    return spec


def _complete_triggers(api: Api, spec: dict[str, Any]) -> None:
    of_actions = {s for action in actions() for s in (action.input, action.output)} | {Problem}
    inputs: dict[str, type[Input]] = {}
    for name, described in described_schemas(api).items():
        if described in of_actions or name not in spec["components"]["schemas"]:
            continue
        if issubclass(described, Input):
            inputs[name] = described
            _complete_input(spec["components"]["schemas"][name], described)
        else:
            _complete_answer(spec["components"]["schemas"][name], described)
    paths = {"/v1" + action.path for action in actions()}
    for path, item in spec["paths"].items():
        if path not in paths:
            in_address = item.pop("parameters", [])
            for method, operation in item.items():
                operation.setdefault("parameters", []).extend(deepcopy(in_address))
                complete_operation(operation, path, method, inputs, accepted)
                _add_problems(operation)


def _add_problems(operation: dict[str, Any]) -> None:
    operation["responses"].pop("default", None)
    for status, words in _titles().items():
        operation["responses"][status] = {
            "description": words,
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }


def _titles() -> dict[str, str]:
    """What each status that can be answered means: the titles of its errors, the general first."""
    meanings: dict[str, list[str]] = {}
    for kind in kinds():
        said = meanings.setdefault(str(kind.status), [])
        if "title" in vars(kind) and kind.title not in said:
            said.append(kind.title)
    return {status: "; or ".join(said) for status, said in sorted(meanings.items()) if said}


def _complete_input(schema: dict[str, Any], described: type[Input]) -> None:
    for name, field in fields_of(described).items():
        schema["properties"][name] |= accepted(field)
    if described.one_of:
        schema["oneOf"] = [{"required": [name]} for name in described.one_of]
    if "metadata" in schema["properties"]:
        schema["patternProperties"] = {"^metadata_.+": {}}


def _complete_answer(schema: dict[str, Any], described: type[Schema]) -> None:
    for name, field in fields_of(described).items():
        if isinstance(field, Words):
            schema["properties"][name] |= answered(field)
    schema["required"] = list(schema["properties"])


def _soft_error(problem: dict[str, Any]) -> dict[str, Any]:
    """What `errors=soft` makes of a problem: it also has the action's own fields, empty."""
    first = {
        name: {**field.metadata, **answered(field)} for name, field in fields_of(Output).items()
    }
    first["success"] |= {"const": False, "example": False}
    first["outcome"] |= {"const": "error", "example": "error"}
    return {
        "type": "object",
        "properties": first | problem["properties"],
        "required": list(first | problem["properties"]),
    }


def _complete(operation: dict[str, Any], action: Action, method: str) -> None:
    operation["operationId"] = f"{action.key}_{method}"
    operation["summary"] = action.label
    operation["description"] = "\n".join(
        [action.sentence, ""] + [f"- `{name}`: {words}" for name, words in action.outcomes.items()]
    ).strip()
    operation["tags"] = ["actions"]
    parameters = operation.setdefault("parameters", [])
    for parameter in parameters:
        parameter["schema"] |= accepted(fields_of(action.input)[parameter["name"]])
    parameters.append(_SOFT)
    answer = operation["responses"]["200"]["content"][_JSON]
    answer["schema"] = {"anyOf": [answer["schema"], {"$ref": "#/components/schemas/SoftError"}]}
    _add_problems(operation)
    body = operation.get("requestBody")
    if body is not None:
        body["required"] = any(field.required for field in action.words().values())
        body["content"][_FORM] = {"schema": {"$ref": f"#/components/schemas/{_form_name(action)}"}}


def _form(as_json: dict[str, Any], action: Action) -> dict[str, Any]:
    """The same fields in a form, where lists and objects are written as JSON text."""
    form = deepcopy(as_json)
    for name, field in action.words().items():
        if isinstance(field, Metadata | Messages):
            words = {word: as_json["properties"][name][word] for word in ("title", "description")}
            form["properties"][name] = {
                **words,
                "example": shown(field.example),
                "type": "string",
                "contentMediaType": _JSON,
                "contentSchema": accepted(field),
            }
    if "patternProperties" in form:
        form["patternProperties"] = {p: {"type": "string"} for p in form["patternProperties"]}
    return form


def _form_name(action: Action) -> str:
    return action.input.__name__.removesuffix("Input") + "Form"
