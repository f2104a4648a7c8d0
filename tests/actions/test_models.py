"""List Models, and Test Connection."""

import pytest

from tests.actions.scripted import Scripted
from tests.api.builder import Builder, check_problem

MODEL = ["id", "name", "description", "prompt_price", "completion_price", "request_price"]


@pytest.mark.parametrize("method", ["get", "post"])
def test_models_are_a_list_of_flat_rows(builder: Builder, method: str) -> None:
    answer = getattr(builder, method)("models").json
    assert all(list(row) == MODEL for row in answer)
    assert answer[0] == {
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
    answer = builder.get("models", search=search).json
    assert answer is not None
    assert [row["id"] for row in answer] == ids


def test_models_without_names_or_prices_are_told_with_what_there_is(scripted: Scripted) -> None:
    scripted.says["models"] = {
        "data": [{"id": "a", "pricing": None}, "odd", {"id": 5, "pricing": {"prompt": 0.5}}]
    }
    answer = scripted.ask("models")
    assert [list(row.values()) for row in answer] == [  # type: ignore[attr-defined]
        ["a", "a", "", "", "", ""],
        ["5", "5", "", "0.5", "", ""],
    ]


@pytest.mark.parametrize("method", ["get", "post"])
def test_the_connection_has_a_label_that_never_shows_the_key(builder: Builder, method: str) -> None:
    answer = getattr(builder, method)("me").json
    assert list(answer) == [
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
        "allowed",
    ]
    assert (answer["success"], answer["outcome"], answer["sandbox"]) == (True, "connected", True)
    assert answer["label"]
    assert builder.key not in str(answer)


def test_a_key_that_upstream_does_not_know_is_refused(builder: Builder) -> None:
    builder.fault("subscriptions", "http_401")
    check_problem(builder.get("me"), 401, "key_refused")
