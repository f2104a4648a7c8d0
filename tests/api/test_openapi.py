"""`/openapi.json` is valid OpenAPI 3.1 that says what is true, and `/docs` needs no internet."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import schemathesis
from schemathesis.core.result import Ok

from connector import actions as actions_folder
from connector.catalog.actions import Action, actions, fields_of
from tests.api.builder import Builder, builder, facade

__all__ = ["builder", "facade"]
actions_folder.load()
ERRORS = (
    "400",
    "401",
    "403",
    "404",
    "405",
    "409",
    "413",
    "415",
    "422",
    "429",
    "500",
    "502",
    "503",
    "504",
)
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def described(builder: Builder) -> dict[str, Any]:
    answer = builder.client.get("/openapi.json")
    assert answer.content_type == "application/json"
    result: dict[str, Any] = answer.get_json()
    return result


def operations(description: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in description["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def resolved(description: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    reference = schema.get("$ref")
    if reference is None:
        return schema
    result: dict[str, Any] = description["components"]["schemas"][reference.rsplit("/", 1)[1]]
    return result


def test_the_description_is_openapi_3_1(described: dict[str, Any]) -> None:
    assert described["openapi"].startswith("3.1.")
    assert described["info"]["title"]
    assert described["info"]["version"]
    schema = schemathesis.openapi.from_dict(described)
    schema.validate()
    assert all(isinstance(result, Ok) for result in schema.get_all_operations())


def test_every_schema_is_valid_json_schema(described: dict[str, Any]) -> None:
    for schema in described["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    names = set(re.findall(r"#/components/schemas/(\w+)", str(described)))
    assert names <= set(described["components"]["schemas"])
    assert set(described["components"]["schemas"]) <= names, "a schema that nothing uses"


@pytest.mark.parametrize("action", actions(), ids=lambda action: action.key)
def test_every_action_is_described(described: dict[str, Any], action: Action) -> None:
    item = described["paths"]["/v1" + action.path]
    assert set(item) == ({"get", "post"} if action.get else {"post"})
    for method, operation in item.items():
        assert operation["operationId"] == f"{action.key}_{method}"
        assert operation["summary"] == action.label
        assert action.sentence in operation["description"]
        assert all(f"`{outcome}`" in operation["description"] for outcome in action.outcomes)


def test_operation_ids_are_unique(described: dict[str, Any]) -> None:
    ids = [operation["operationId"] for _, _, operation in operations(described)]
    assert len(ids) == len(set(ids)) >= 14


def test_every_operation_tells_its_errors(described: dict[str, Any]) -> None:
    for path, method, operation in operations(described):
        for status in ERRORS:
            content = operation["responses"][status]["content"]
            assert content["application/problem+json"]["schema"] == {
                "$ref": "#/components/schemas/Problem"
            }, (path, method, status)


def test_every_post_takes_json_and_forms(described: dict[str, Any]) -> None:
    for _, method, operation in operations(described):
        if method in ("post", "put"):
            assert set(operation["requestBody"]["content"]) == {"application/json", FORM}
        else:
            assert "requestBody" not in operation


def test_every_field_has_title_description_and_example(described: dict[str, Any]) -> None:
    for name, schema in described["components"]["schemas"].items():
        for field, words in schema["properties"].items():
            assert {"title", "description", "example", "type"} <= set(words), (name, field)
    for path, _, operation in operations(described):
        for parameter in operation["parameters"]:
            assert parameter["description"], path
            wanted = {"title", "type"} if parameter["name"] == "errors" else {"title", "example"}
            assert wanted <= set(parameter["schema"]), path


@pytest.mark.parametrize("action", actions(), ids=lambda action: action.key)
def test_every_example_is_valid_by_its_own_schema(
    described: dict[str, Any], action: Action
) -> None:
    schemas = described["components"]["schemas"]
    for schema in (schemas.get(action.input.__name__), schemas[action.output.__name__]):
        for field, words in (schema or {"properties": {}})["properties"].items():
            assert jsonschema.Draft202012Validator(words).is_valid(words["example"]), field


@pytest.mark.parametrize("action", actions(), ids=lambda action: action.key)
def test_answers_are_complete_and_closed(described: dict[str, Any], action: Action) -> None:
    schema = described["components"]["schemas"][action.output.__name__]
    assert schema["required"] == list(schema["properties"]) == list(fields_of(action.output))
    assert schema["additionalProperties"] is False
    if action.outcomes:
        assert schema["properties"]["outcome"]["enum"] == list(action.outcomes)
        assert list(schema["properties"])[:4] == ["success", "outcome", "message", "action_url"]


@pytest.mark.parametrize("action", actions(), ids=lambda action: action.key)
def test_inputs_are_told_with_their_bounds(described: dict[str, Any], action: Action) -> None:
    if not fields_of(action.input):
        return
    schema = described["components"]["schemas"][action.input.__name__]
    assert list(schema["properties"]) == list(fields_of(action.input))
    required = {name for name, field in fields_of(action.input).items() if field.required}
    assert set(schema.get("required", [])) == required
    for words in schema["properties"].values():
        if words["type"] == "string":
            assert words["pattern"]
        if words["type"] in ("number", "integer"):
            assert words["minimum"] < words["maximum"]


def test_an_amount_is_a_decimal_string_with_one_pattern(described: dict[str, Any]) -> None:
    amount = described["components"]["schemas"]["ChargeInput"]["properties"]["amount"]
    assert (amount["type"], amount["format"]) == ("string", "decimal")
    assert amount["pattern"] == r"^[0-9]{1,12}(\.[0-9]{1,6})?$"
    validator = jsonschema.Draft202012Validator(amount)
    assert [validator.is_valid(text) for text in ("0.50", "0", "0.0", "1,5", "1e3", "١")] == [
        True,
        *[False] * 5,
    ]


@pytest.mark.parametrize(
    ("changed", "valid"),
    [
        ({"prompt": "a canary prompt"}, True),
        ({"messages": [{"role": "user", "content": "hi"}]}, True),
        ({}, False),
        ({"prompt": "a canary prompt", "messages": [{"role": "user", "content": "x"}]}, False),
        ({"messages": []}, False),
        ({"messages": [{"role": "customer", "content": "x"}]}, False),
        ({"prompt": "a canary prompt", "zzz": 1}, False),
    ],
)
def test_the_description_and_the_connector_agree_about_a_chat(
    described: dict[str, Any], builder: Builder, changed: dict[str, Any], valid: bool
) -> None:
    schema = described["components"]["schemas"]["ChatInput"]
    values = {"user": "ann", "model": "sandbox-echo"} | changed
    assert jsonschema.Draft202012Validator(schema).is_valid(values) is valid
    if "messages" in changed and changed["messages"] == []:
        return  # an empty list counts as missing
    assert (builder.post("chat", **values).status_code == 200) is valid


def test_a_soft_error_is_described_too(described: dict[str, Any], builder: Builder) -> None:
    schema = described["components"]["schemas"]["SoftError"]
    for action in ("charge", "models", "me"):
        told = builder.post(action, errors="soft", zzz="1")
        jsonschema.Draft202012Validator(schema).validate(told.get_json())


def test_both_ways_to_send_the_key_are_described(described: dict[str, Any]) -> None:
    assert described["security"] == [{"bearer": []}, {"header": []}]
    schemes = described["components"]["securitySchemes"]
    assert schemes["header"]["name"] == "X-API-Key"


def test_the_page_and_all_its_parts_come_from_here(builder: Builder) -> None:
    page = builder.client.get("/docs")
    assert page.status_code == 200
    assert page.mimetype == "text/html"
    parts = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(parts) >= 4
    for part in parts:
        assert not part.startswith(("http", "//")), part
        with builder.client.get(f"/{part}") as result:
            assert result.status_code == 200, part
            assert len(result.data) > 100


def test_the_page_may_load_nothing_from_elsewhere(builder: Builder) -> None:
    policy = builder.client.get("/docs").headers["Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert "http" not in policy
    assert "unsafe-eval" not in policy


def test_the_start_script_asks_nobody_else(builder: Builder) -> None:
    script = builder.client.get("/docs/start.js").text
    assert 'url: "openapi.json"' in script
    assert "validatorUrl: null" in script
    assert "http" not in script


@pytest.mark.parametrize("name", ["../secret", "nothing.js", "index.html", "%2e%2e%2fetc"])
def test_only_the_pages_parts_are_served(builder: Builder, name: str) -> None:
    assert builder.client.get(f"/docs/{name}").status_code == 404


def test_the_first_page_leads_to_the_page(builder: Builder) -> None:
    assert 'href="/docs"' in builder.client.get("/").text
