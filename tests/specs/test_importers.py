"""What tools that import OpenAPI are given: within their limits, and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from connector.catalog.actions import Kind, actions
from tests.api.builder import Builder, Facade, running_facade

PUBLIC_URL = "https://pay.acme.example"
OPERATION_MAX, VALUE_MAX, OPERATIONS_MAX, LETTERS_MAX = 300, 700, 30, 100_000


@pytest.fixture(scope="module")
def facade(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Facade]:
    """A connector with a public address."""
    with running_facade(tmp_path_factory.mktemp("importers"), public_url=PUBLIC_URL) as running:
        yield running


@pytest.fixture
def builder(facade: Facade) -> Builder:
    """Somebody at it."""
    return Builder(facade, "sk-paywalls-sandbox-importer")


@pytest.fixture
def described(facade: Facade) -> dict[str, Any]:
    """What an importer reads, without a key."""
    answer = facade.app.test_client().get("/specs/openapi-actions.json")
    assert answer.content_type == "application/json"
    assert len(answer.text) < LETTERS_MAX
    found: dict[str, Any] = answer.get_json()
    return found


def operations(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every operation by its path; all are POST."""
    assert all(list(item) == ["post"] for item in described["paths"].values())
    return {path: item["post"] for path, item in described["paths"].items()}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in a JSON value."""
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from nodes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nodes(inner)


def test_it_is_openapi_at_this_address(described: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(described).validate()
    assert described["servers"] == [{"url": PUBLIC_URL}]


def test_every_action_is_an_operation_of_its_name(described: dict[str, Any]) -> None:
    named = {path: one["operationId"] for path, one in operations(described).items()}
    assert named == {f"/v1{action.path}": action.key for action in actions()}
    assert len(named) <= OPERATIONS_MAX
    assert all(re.fullmatch(r"[a-z_]{1,64}", name) for name in named.values())


def test_whatever_moves_something_is_asked_for_first(described: dict[str, Any]) -> None:
    moves = {
        one["operationId"]: one["x-openai-isConsequential"]
        for one in operations(described).values()
    }
    assert moves == {action.key: action.kind is Kind.WRITE for action in actions()}
    assert (moves["charge"], moves["balance"]) == (True, False)


def test_nothing_is_longer_or_less_plain_than_importers_take(described: dict[str, Any]) -> None:
    for one in operations(described).values():
        assert max(len(one["description"]), len(one["summary"])) <= OPERATION_MAX
    for node in nodes(described["paths"]):
        assert "$ref" not in node
        if isinstance(node.get("type"), str) and isinstance(node.get("description"), str):
            assert len(node["description"]) <= VALUE_MAX
        if node.get("type") == "object":
            assert isinstance(node["properties"], dict)
        assert not isinstance(node.get("type"), list)


def test_what_it_describes_charges_a_user(builder: Builder, described: dict[str, Any]) -> None:
    builder.user("user_42", balance="5")
    ((path, charge),) = [
        pair for pair in operations(described).items() if pair[1]["operationId"] == "charge"
    ]
    taken = charge["requestBody"]["content"]["application/json"]["schema"]
    examples = {
        name: field["description"].rpartition("Example: ")[2]
        for name, field in taken["properties"].items()
        if name in taken["required"]
    }
    answer = builder.client.post(path, json=examples, headers=builder.bearer).get_json()
    assert answer["outcome"] == "charged"
    told = charge["responses"]["200"]["content"]["application/json"]["schema"]
    assert set(told["required"]) == set(answer)
