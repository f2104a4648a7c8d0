"""A new action is one file: routes, descriptions and every tool's package follow by themselves."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector import actions as actions_folder
from connector.app import stop
from connector.catalog import actions as catalog
from connector.specs import build
from tests.api.builder import Builder, running_facade
from tests.conftest import KEY

KEY_OF_ACTION = "gift_points"
FILE = '''
from connector.actions.call import Call
from connector.catalog.actions import Input, Kind, Output, Values, action
from connector.catalog.fields import Amount, Text, user_id
from connector.catalog.references import reference


class GiftPointsInput(Input):
    user = user_id()
    points = Amount("Points", "How many points to give.", example="5", required=True)
    reference = reference("gift")
    card = Text("Card", "What to write on the card.", example="Happy birthday!")


class GiftPointsOutput(Output):
    user = Text("User", "Who got the points.", example="user_42")
    points = Amount("Points", "How many points were given.", example="5")


@action(
    key="gift_points",
    label="Gift Points",
    sentence="Gives points to a user, once per reference.",
    kind=Kind.WRITE,
    input=GiftPointsInput,
    output=GiftPointsOutput,
    outcomes={"given": "The points were given."},
)
def gift_points(call: Call, values: Values) -> Values:
    """For a test."""
    given = {"user": values["user"], "points": str(values["points"])}
    return {"success": True, "outcome": "given", "message": "Points were given."} | given
'''


@pytest.fixture
def new_action(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One more file in the folder of actions, which is gone afterwards."""
    (tmp_path / f"{KEY_OF_ACTION}.py").write_text(FILE)
    monkeypatch.setattr(actions_folder, "__path__", [*actions_folder.__path__, str(tmp_path)])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    try:
        yield
    finally:
        catalog._registry.pop(KEY_OF_ACTION, None)
        if sys.modules.pop(f"{actions_folder.__name__}.{KEY_OF_ACTION}", None) is not None:
            delattr(actions_folder, KEY_OF_ACTION)


@pytest.fixture
def builder(new_action: None, tmp_path: Path) -> Iterator[Builder]:
    """A connector that was started with that file."""
    with running_facade(tmp_path, public_url="https://pay.example") as running:
        yield Builder(running, KEY)
        stop(running.app)


@pytest.fixture
def generated(new_action: None) -> dict[str, str]:
    """What `connector specs build` would write."""
    return build.files()


def named(result: Any, word: str) -> list[dict[str, Any]]:
    """Every object at any depth of which one value is `word`."""
    if isinstance(result, dict):
        inner = [hit for value in result.values() for hit in named(value, word)]
        return [result, *inner] if word in result.values() else inner
    if isinstance(result, list):
        return [hit for value in result for hit in named(value, word)]
    return []


def test_it_can_be_called(builder: Builder) -> None:
    answer = builder.form("gift-points", user="ann", points="5", reference="birthday-1")
    assert answer.get_json() == {
        "success": True,
        "outcome": "given",
        "message": "Points were given.",
        "action_url": "",
        "user": "ann",
        "points": "5",
    }


def test_openapi_describes_it(builder: Builder) -> None:
    answer = builder.client.get("/openapi.json").get_json()
    assert answer["paths"]["/v1/gift-points"]["post"]["operationId"] == "gift_points_post"
    assert "card" in answer["components"]["schemas"]["GiftPointsInput"]["properties"]


def test_the_docs_page_lists_it(generated: dict[str, str]) -> None:
    assert "## Gift Points" in generated["docs/actions.md"]


def test_the_zapier_app_has_it(generated: dict[str, str]) -> None:
    app = json.loads(generated["zapier_spec/app.json"])
    create = app["creates"][KEY_OF_ACTION]
    assert create["display"]["label"] == "Gift Points"
    fields = {field["key"]: field for field in named(create["operation"]["inputFields"], "string")}
    assert {"user", "reference", "card"} <= set(fields)
    assert fields["user"]["required"] is True


def test_the_n8n_node_has_it(generated: dict[str, str]) -> None:
    node = json.loads(generated["n8n_nodes_spec/nodes/Paywalls/description.json"])
    (operation,) = named(node, "giftPoints") or named(node, KEY_OF_ACTION)
    assert "Gift" in operation["action"]


def test_the_flowxo_steps_have_it(generated: dict[str, str], builder: Builder) -> None:
    steps = json.loads(generated["docs/flowxo.json"])["steps"]
    (step,) = (step for step in steps if step["key"] == KEY_OF_ACTION)
    assert step["as_json"]["body"] == {
        "user": "user_42",
        "points": "5",
        "reference": "order-1001",
        "errors": "soft",
    }
    assert "## Gift Points" in generated["docs/flowxo-steps.md"]
    served = builder.client.get("/specs/flowxo.json").get_json()
    assert "https://pay.example/v1/gift-points" in [step["address"] for step in served["steps"]]
    assert "Gift Points" in builder.client.get("/specs/flowxo").text


def test_it_is_gone_without_its_file() -> None:
    assert catalog.by_key(KEY_OF_ACTION) is None
    assert not any("gift_points" in text for text in build.files().values())
