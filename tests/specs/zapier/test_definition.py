"""Zapier's own quality checks, by their codes, over the generated app.

Source: https://docs.zapier.com/platform/publish/integration-checks-reference. The checks run on
Zapier's machines for public apps only, so they are repeated here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from connector.catalog.actions import Kind, actions
from connector.catalog.events import ANY_EVENT, EVENTS
from connector.specs import zapier
from connector.triggers.definitions import TRIGGERS

ROOT = Path(__file__).resolve().parents[3]
APP: dict[str, Any] = json.loads(zapier.files()["zapier_spec/app.json"])
STEPS: dict[str, dict[str, Any]] = {
    f"{kind}.{key}": step
    for kind in ("triggers", "searches", "creates")
    for key, step in APP[kind].items()
}
VISIBLE = {name: step for name, step in STEPS.items() if not step["display"].get("hidden")}
HOOKS = {name: s for name, s in STEPS.items() if s["operation"].get("type") == "hook"}
SMALL_WORDS = ("a", "an", "the", "and", "or", "of", "to", "in", "on", "for", "with", "as", "at")
TYPES = {"string": str, "integer": int, "boolean": bool, "number": float, "datetime": str}
LINK = re.compile(r"(?<!\]\()(?<!`)https?://")


def parts(result: object, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every object and value in a definition with its path."""
    yield path, result
    if isinstance(result, dict):
        for name, inner in result.items():
            yield from parts(inner, f"{path}.{name}")
    elif isinstance(result, list):
        for number, inner in enumerate(result):
            yield from parts(inner, f"{path}[{number}]")


def is_title(label: str) -> bool:
    """Whether a label is in title case."""
    words = re.split(r"[ -]", label)
    return words[0][0].isupper() and all(w[0].isupper() or w in SMALL_WORDS for w in words)


def fields_of(step: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The form of a step by field."""
    return {field["key"]: field for field in step["operation"].get("inputFields", [])}


def requests() -> list[tuple[str, dict[str, Any]]]:
    """Every request object with its path, the template apart."""
    return [(p, x) for p, x in parts(APP) if isinstance(x, dict) and "url" in x and "method" in x]


ALL_FIELDS = [(f"{n}.{k}", f) for n, s in STEPS.items() for k, f in fields_of(s).items()]
AUTH_FIELDS = {field["key"]: field for field in APP["authentication"]["fields"]}


def test_it_is_pure_json_and_starts_from_one_line() -> None:
    assert zapier.files()["zapier_spec/index.js"] == "module.exports = require('./app.json');\n"
    assert "definition.json" not in str(list(zapier.files()))


def test_every_action_is_a_create_or_a_search_by_its_kind() -> None:
    writes = [a.key for a in actions() if a.kind is Kind.WRITE]
    assert list(APP["creates"]) == writes
    assert writes == ["charge", "use", "topup_link", "chat", "refund", "deposit", "disconnect"]
    assert list(APP["searches"]) == ["usage", "balance", "connection", "transactions", "models"]


def test_every_event_of_interest_is_a_trigger_and_any_event_offers_all() -> None:
    interesting = [t.key for t in TRIGGERS.values() if t.of_interest]
    assert [name.removeprefix("triggers.") for name in HOOKS] == interesting
    offered = fields_of(STEPS[f"triggers.{ANY_EVENT}"])["types"]
    assert [choice["value"] for choice in offered["choices"]] == [event.type for event in EVENTS]
    assert offered["list"] is True


def test_d001_secrets_are_asked_for_in_the_connection_only() -> None:
    words = ("api_key", "secret", "password", "token")
    assert [
        p
        for p, f in ALL_FIELDS
        if any(word in f["key"] for word in words) and f["key"] != "max_tokens"
    ] == []
    assert AUTH_FIELDS["api_key"]["type"] == "password"


def test_d002_the_key_says_where_it_is_found() -> None:
    assert re.search(r"\[[^\]]+\]\(https://[^)]+\)", AUTH_FIELDS["api_key"]["helpText"])


def test_d003_the_connection_has_a_label_without_secrets() -> None:
    assert APP["authentication"]["connectionLabel"] == "{{bundle.inputData.label}}"


@pytest.mark.parametrize(
    ("path", "field"), ALL_FIELDS, ids=lambda x: x if isinstance(x, str) else ""
)
def test_every_field_of_a_form(path: str, field: dict[str, Any]) -> None:
    label, words = field["label"], field["helpText"]
    assert is_title(label), "D018"
    # D004 wants a list to choose from for every ID: the builder's own id of a user is in none.
    assert not re.search(r"\bID\b", label) or "dynamic" in field or label == "User ID", "D004"
    if "dynamic" in field:
        trigger, value, shown = field["dynamic"].split(".")
        assert {value, shown} <= set(APP["triggers"][trigger]["operation"]["sample"]), "D005"
    if "search" in field:
        search, value = field["search"].split(".")
        assert value in APP["searches"][search]["operation"]["sample"], "D013"
        assert "dynamic" in field, "D014"
    assert not LINK.search(words), "D008"
    assert words.casefold().strip(".") != label.casefold(), "D011"
    assert not words.casefold().startswith(label.casefold() + " "), "D011"
    assert len(words) <= 1_000
    assert words.endswith(".")


@pytest.mark.parametrize("name", STEPS)
def test_required_fields_come_first(name: str) -> None:
    required = [bool(field.get("required")) for field in fields_of(STEPS[name]).values()]
    assert required == sorted(required, reverse=True)


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_can_be_subscribed_let_go_and_tested(name: str) -> None:
    operation = HOOKS[name]["operation"]
    assert operation["performList"], "D006"
    assert operation["performSubscribe"]["body"]["target_url"] == "{{bundle.targetUrl}}", "D016"
    assert operation["performUnsubscribe"]["method"] == "DELETE", "D017"
    assert "return" in operation["perform"]["source"]
    assert operation["sample"]["id"], "D010"
    assert "user" in fields_of(HOOKS[name])


def test_d007_every_address_is_the_one_of_the_connection() -> None:
    addresses = [request["url"] for _, request in requests()]
    assert len(addresses) >= len(APP["creates"]) + 2 * len(HOOKS)
    assert all(url.startswith("{{bundle.authData.base_url}}/v1/") for url in addresses)
    assert AUTH_FIELDS["base_url"]["default"].startswith("https://")
    assert not LINK.search(AUTH_FIELDS["base_url"]["helpText"])


@pytest.mark.parametrize("name", [name for name in STEPS if name.startswith("searches.")])
def test_d009_a_search_has_a_field(name: str) -> None:
    assert fields_of(STEPS[name])


@pytest.mark.parametrize("name", VISIBLE)
def test_the_words_of_every_step(name: str) -> None:
    display, kind = VISIBLE[name]["display"], name.partition(".")[0]
    begins = {"triggers": "Triggers when ", "searches": "Finds ", "creates": ""}[kind]
    assert is_title(display["label"]), "D018"
    assert is_title(VISIBLE[name]["noun"])
    assert display["description"].startswith(begins), "D021"
    assert display["description"].split(" ")[0].endswith("s"), "a verb in the third person"
    assert display["description"].endswith("."), "D021"
    assert not LINK.search(display["description"]), "D008"


@pytest.mark.parametrize("name", STEPS)
def test_every_sample_is_as_its_output_fields_say(name: str) -> None:
    operation = STEPS[name]["operation"]
    sample, outputs = operation["sample"], operation["outputFields"]
    assert sample, "D012"
    assert [field["key"] for field in outputs] == list(sample), "D012, T004"
    for field in outputs:
        value = sample[field["key"]]
        assert type(value) is TYPES[field["type"]], f"D024: {field['key']}"
        assert value != "", "D012"
        if field["type"] == "datetime":
            assert datetime.fromisoformat(str(value)).tzinfo is not None, "D023"


@pytest.mark.parametrize("name", [name for name in STEPS if name.startswith("creates.")])
def test_d022_a_create_has_fixed_fields(name: str) -> None:
    assert all("key" in field for field in STEPS[name]["operation"]["inputFields"])
    assert fields_of(STEPS[name])


@pytest.mark.parametrize(
    ("path", "request_"), requests(), ids=lambda x: x if isinstance(x, str) else ""
)
def test_every_request_leaves_out_what_is_not_filled_in(
    path: str, request_: dict[str, Any]
) -> None:
    assert request_["removeMissingValuesFrom"] == {"body": True, "params": True}
    assert "headers" not in request_, "a token for nothing would be sent as it is"
    tokens = re.findall(r"\{\{bundle\.inputData\.", request_["url"])
    assert tokens == [], "what people type is not encoded in an address"


@pytest.mark.parametrize("name", [name for name in STEPS if name.startswith("creates.")])
def test_a_create_sends_exactly_its_form(name: str) -> None:
    operation = STEPS[name]["operation"]
    perform = operation["perform"]
    for sending in (perform, *filter(None, [operation.get("performResume")])):
        said = re.findall(r"bundle\.inputData\.(\w+)", sending.get("source") or json.dumps(sending))
        assert sorted(said) == sorted(set(fields_of(STEPS[name])) - {"on_refusal", "when_tested"})
        assert sending.get("method", "POST") == "POST"


def test_a_prompt_is_sent_where_zapier_leaves_its_braces_alone() -> None:
    source = STEPS["creates.chat"]["operation"]["perform"]["source"]
    assert '"messages": [{"role": "user", "content": bundle.inputData.prompt}]' in source
    assert fields_of(STEPS["creates.chat"])["prompt"]["required"] is True


@pytest.mark.parametrize("name", ["creates.charge", "creates.deposit"])
def test_money_moves_only_with_a_reference_whose_help_says_how(name: str) -> None:
    field = fields_of(STEPS[name])["reference"]
    assert field["required"] is True
    assert "name of the form" in field["helpText"]
    assert "steps in one Zap need two different references" in field["helpText"]
    tested = fields_of(STEPS[name])["when_tested"]
    assert (tested["default"], tested["required"]) == ("check", False)
    assert "no money is moved" in tested["helpText"]
    assert (
        STEPS[name]["operation"]["perform"]["body"]["reference"] == "{{bundle.inputData.reference}}"
    )


def test_charge_and_chat_ask_what_to_do_when_refused() -> None:
    asking = {name for name, step in STEPS.items() if "on_refusal" in fields_of(step)}
    assert asking == {"creates.charge", "creates.use", "creates.chat"}
    for name in asking:
        field = fields_of(STEPS[name])["on_refusal"]
        assert (field["default"], field["required"]) == ("stop", False)
        assert [choice["value"] for choice in field["choices"]] == ["stop", "continue"]


def test_there_is_one_translator_of_errors_for_the_whole_app() -> None:
    (translator,) = APP["afterResponse"]
    assert translator["args"] == ["response", "z", "bundle"]


def test_the_committed_app_is_the_generated_one() -> None:
    for name, text in zapier.files().items():
        assert (ROOT / name).read_text(encoding="utf-8") == text


def test_it_is_the_same_every_time() -> None:
    assert zapier.files() == zapier.files()
