"""The node's description follows from the catalog, in n8n's own manner."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from connector import actions as actions_folder
from connector.catalog import actions as catalog
from connector.catalog.actions import Input, Kind, Output, actions
from connector.catalog.fields import Amount, Text, user_id
from connector.specs.n8n import action_node, files, other_nodes, package_files, waits, workflows
from connector.specs.n8n.fields import REFERENCE
from connector.triggers.definitions import TRIGGERS

Json = dict[str, Any]
actions_folder.load()


def fields_of(key: str) -> list[Json]:
    """The parameters that an operation shows, in their order."""
    return [
        parameter
        for parameter in action_node.description()["properties"]
        if key in parameter.get("displayOptions", {}).get("show", {}).get("operation", [])
    ]


def operations() -> dict[str, Json]:
    """Every operation by its value."""
    return {
        option["value"]: option
        for parameter in action_node.description()["properties"]
        if parameter["name"] == "operation"
        for option in parameter["options"]
    }


class _GiftInput(Input):
    user = user_id()
    worth = Amount("Worth", "How much it is worth.", example="2.50", required=True)
    words = Text("Words", "What is written on it.", example="Well done!")


class _GiftOutput(Output):
    gift = Text("Gift", "The id of the gift.", example="gift_1")


@pytest.fixture
def gift(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more action in the catalog."""
    monkeypatch.setattr(catalog, "_registry", dict(catalog._registry))
    catalog.action(
        key="send_gift",
        label="Send Gift",
        sentence="Sends a gift to a user.",
        kind=Kind.WRITE,
        input=_GiftInput,
        output=_GiftOutput,
        outcomes={"sent": "The gift is on its way."},
    )(lambda _, values: values)


@pytest.mark.usefixtures("gift")
def test_a_new_action_is_an_operation_without_a_line_for_n8n() -> None:
    described = json.loads(files()["n8n_nodes_spec/nodes/Paywalls/description.json"])
    assert described == action_node.description()
    operation = operations()["send_gift"]
    assert (operation["name"], operation["action"]) == ("Send Gift", "Send gift")
    assert operation["routing"]["request"] == {"method": "POST", "url": "/v1/send-gift"}
    assert [field["displayName"] for field in fields_of("send_gift")] == [
        "User ID",
        "Worth",
        "Words",
    ]
    assert "**Send Gift**: Sends a gift to a user." in files()["n8n_nodes_spec/README.md"]


def test_without_it_nothing_is_left_of_it() -> None:
    assert "send_gift" not in operations()


@pytest.mark.parametrize("action", actions(), ids=lambda action: action.key)
def test_every_action_is_an_operation_with_its_required_fields_first(action: Any) -> None:
    assert action.key in operations()
    words = action.form()
    required = [name for name, field in words.items() if field.required]
    shown = [field for field in fields_of(action.key) if field["type"] != "notice"]
    assert [field["name"] for field in shown][: len(required)] == required
    assert [field.get("required", False) for field in shown] == [
        field["name"] in required for field in shown
    ]
    inner = [
        option for field in shown if field["type"] == "collection" for option in field["options"]
    ]
    assert {field["name"] for field in [*shown, *inner]} >= set(words)


def test_texts_have_an_example_inside() -> None:
    texts = [field for key in operations() for field in fields_of(key) if field["type"] == "string"]
    assert texts
    assert all(field["placeholder"].startswith("e.g. ") for field in texts)


@pytest.mark.parametrize("key", ["charge", "deposit"])
def test_the_reference_stays_the_same_when_the_node_tries_again(key: str) -> None:
    (reference,) = [field for field in fields_of(key) if field["name"] == "reference"]
    assert reference["default"] == REFERENCE
    assert reference["required"] is True
    assert "hint" not in reference  # n8n covers it with the preview of the expression
    names = [field["name"] for field in fields_of(key)]
    assert names.index("reference_notice") == names.index("reference") + 1
    (notice,) = [field for field in fields_of(key) if field["name"] == "reference_notice"]
    assert "order" in notice["displayName"]
    (tested,) = [field for field in fields_of(key) if field["name"] == "when_tested"]
    assert tested["default"] == "check"


def test_a_chat_has_a_reference_from_the_start_and_one_can_do_without() -> None:
    (reference,) = [field for field in fields_of("chat") if field["name"] == "reference"]
    assert reference["default"] == REFERENCE
    assert "required" not in reference
    names = [field["name"] for field in fields_of("chat")]
    assert names.index("reference_notice") == names.index("reference") + 1


def test_how_long_a_chat_is_waited_for_and_where_it_is_told_can_be_added() -> None:
    (more,) = [field for field in fields_of("chat") if field["name"] == "additionalFields"]
    options = {option["name"]: option for option in more["options"]}
    assert options["give_up_after"]["default"] == waits.MINUTES
    assert "routing" not in options["give_up_after"]
    assert options["callback_url"]["default"] == "={{ $execution.resumeUrl }}"
    assert waits.told()["field"]["displayOptions"] == {"show": {"operation": ["chat"]}}


def test_what_stop_means_for_many_items_is_shown_only_with_stop() -> None:
    (notice,) = [field for field in fields_of("charge") if field["name"] == "stop_notice"]
    assert notice["displayOptions"]["show"]["on_refusal"] == ["stop"]


def test_instructions_for_the_model_are_in_sight() -> None:
    assert "Instructions" in [field["displayName"] for field in fields_of("chat")]


def test_events_stand_in_the_order_of_every_platform() -> None:
    (event,) = [f for f in other_nodes.trigger()["properties"] if f["name"] == "event"]
    assert [option["value"] for option in event["options"]] == list(TRIGGERS)
    interest = [trigger.of_interest for trigger in TRIGGERS.values()]
    assert interest == sorted(interest, reverse=True)


@pytest.mark.parametrize("node", [action_node.description(), other_nodes.trigger()])
def test_under_a_node_stands_what_was_chosen_in_words(node: Json) -> None:
    for word in ("Charge User", "Balance Depleted"):
        assert word in node["subtitle"] or word not in json.dumps(node["properties"])


@pytest.mark.parametrize("key", sorted(operations()))
def test_only_what_can_be_refused_asks_what_to_do_then(key: str) -> None:
    asked = [field for field in fields_of(key) if field["name"] == "on_refusal"]
    assert bool(asked) is (key in ("charge", "use", "chat"))
    for field in asked:
        assert field["default"] == "stop"
        assert "routing" not in field


@pytest.mark.parametrize("description", [other_nodes.trigger(), other_nodes.polling_trigger()])
def test_every_event_can_start_a_workflow(description: Json) -> None:
    (event,) = [field for field in description["properties"] if field["name"] == "event"]
    assert {option["value"] for option in event["options"]} == set(TRIGGERS)


def test_errors_are_told_without_the_words_that_n8n_advises_against() -> None:
    sources = [text for name, text in files().items() if name.endswith(".ts")]
    said = [result for text in sources for result in re.findall(r"'([A-Z][^']{20,})'", text)]
    assert said
    assert [text for text in said if re.search(r"\b(error|problem|failure)\b", text, re.I)] == []


def test_the_address_of_the_connector_stands_in_the_credential_and_the_requests() -> None:
    address = "https://billing.example.com"
    packed = package_files(address)
    assert json.loads(packed["dist/credentials/connector.json"])["url"] == address
    credential = packed["dist/credentials/PaywallsApi.credentials.js"]
    assert f"documentationUrl = '{address}/guide/n8n'" in str(credential)
    for name, text in workflows(address).items():
        assert (address in text) is name.endswith("-http"), name
        assert "connector.example.com" not in text


def test_the_reference_of_a_refund_is_the_builders_to_fill_in() -> None:
    (reference,) = [field for field in fields_of("refund") if field["name"] == "reference"]
    assert (reference["default"], reference["required"]) == ("", True)
