"""List Models, and Test Connection."""

import pytest

from tests.actions.scripted import Scripted
from tests.api.builder import Builder, check_problem

MODEL = ["id", "name", "description", "prompt_price", "completion_price", "request_price"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_models_are_a_list_of_flat_rows(builder: Builder, method: str) -> None:
    found = getattr(builder, method)("models").json
    assert all(list(row) == MODEL for row in found)
    assert found[0] == {
        "id": "sandbox-echo",
        "name": "Sandbox Echo",
        "description": "Repeats what you say, word for word.",
        "prompt_price": "1",
        "completion_price": "2",
        "request_price": "0",
    }


@pytest.mark.parametrize(
    ("search", "ids"),
    [
        ("ECHO", ["sandbox-echo"]),
        (" flat fee ", ["sandbox-flat"]),
        ("nothing like it", []),
    ],
)
def test_a_search_finds_ids_and_names_or_an_empty_list(
    builder: Builder, search: str, ids: list[str]
) -> None:
    found = builder.get("models", search=search).json
    assert found is not None
    assert [row["id"] for row in found] == ids


def test_models_without_names_or_prices_are_told_with_what_there_is(scripted: Scripted) -> None:
    scripted.says["models"] = {
        "data": [{"id": "a", "pricing": None}, "odd", {"id": 5, "pricing": {"prompt": 0.5}}]
    }
    found = scripted.ask("models")
    assert [list(row.values()) for row in found] == [  # type: ignore[attr-defined]
        ["a", "a", "", "", "", ""],
        ["5", "5", "", "0.5", "", ""],
    ]


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_connection_has_a_label_that_never_shows_the_key(builder: Builder, method: str) -> None:
    found = getattr(builder, method)("me").json
    assert list(found) == [
        "success",
        "outcome",
        "message",
        "action_url",
        "paywall_id",
        "label",
        "sandbox",
        "triggers_ready",
        "triggers_message",
        "possible_gap",
    ]
    assert (found["success"], found["outcome"], found["sandbox"]) == (True, "connected", True)
    assert found["label"]
    assert builder.key not in str(found)


def test_a_key_that_upstream_does_not_know_is_refused(builder: Builder) -> None:
    builder.fault("subscriptions", "http_401")
    check_problem(builder.get("me"), 401, "key_refused")
