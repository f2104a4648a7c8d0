"""The vendor's OpenAPI document, and checks of answers and events against it."""

import functools
import json
import os
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator, FormatChecker

DOCUMENT = Path(__file__).resolve().parents[3] / "shared" / "upstream" / "openapi.json"
ABSENT = "The vendor's openapi.json does not stand beside the repository."


def is_there() -> bool:
    """Tell whether the document can be read; in CI its absence is a failure."""
    if not DOCUMENT.exists() and os.environ.get("CI") == "true":
        pytest.fail(ABSENT)
    return DOCUMENT.exists()


@functools.cache
def document() -> dict[str, Any]:
    """Return the parsed document; skip the test where it is not there."""
    if not is_there():
        pytest.skip(ABSENT)
    parsed: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return parsed


def check_answer(response: httpx.Response) -> None:
    """Raise where a successful JSON answer breaks its operation's schema, or says more."""
    if not is_there() or not response.is_success:
        return
    result = _operation(response.request.method, response.request.url.path)
    if result is None or not response.headers["content-type"].startswith("application/json"):
        return
    response.read()
    _answer_validator(*result, str(response.status_code)).validate(response.json())


def check_event(event: dict[str, Any]) -> None:
    """Raise where an event breaks its schema, or has other payload fields than documented."""
    if not is_there():
        return
    _event_validator(event["type"]).validate(event)
    assert set(event) <= set(document()["components"]["schemas"]["PaywallEvent"]["properties"])
    assert set(event["data"]) == set(payload_fields(event["type"]))


def payload_fields(event_type: str) -> list[str]:
    """Return the names of one event's payload fields, from its documented sample."""
    return list(_event_content(event_type)["examples"]["example"]["value"]["data"])


def _event_content(event_type: str) -> dict[str, Any]:
    body = document()["webhooks"][event_type]["post"]["requestBody"]
    content: dict[str, Any] = body["content"]["application/json"]
    return content


def _operation(method: str, path: str) -> tuple[str, str] | None:
    """Return the documented path and method behind `/v1/…` or `/v1/<user>/…`."""
    for template, operations in document()["paths"].items():
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
        if re.fullmatch(rf"/v1(/[^/]+)?{pattern}", path) and method.lower() in operations:
            return template, method.lower()
    return None


@functools.cache
def _answer_validator(path: str, method: str, status: str) -> Draft202012Validator:
    answers = document()["paths"][path][method]["responses"]
    schema = answers[status]["content"]["application/json"]["schema"]
    rooted = {**schema, "components": document()["components"]}
    # A chat answer has what OpenAI's has, of which the document names only a part.
    strict = rooted if path == "/chat/completions" else _closed(rooted)
    return Draft202012Validator(strict, format_checker=FormatChecker())


@functools.cache
def _event_validator(event_type: str) -> Draft202012Validator:
    schema = _event_content(event_type)["schema"]
    rooted = {**schema, "components": document()["components"]}
    return Draft202012Validator(rooted, format_checker=FormatChecker())


def _closed(schema: Any) -> Any:
    """Return the schema with no room for undocumented properties."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    tight = {name: _closed(part) for name, part in schema.items()}
    if tight.get("type") == "object" and "properties" in tight:
        tight.setdefault("additionalProperties", False)
    return tight
