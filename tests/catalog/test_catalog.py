"""The catalog: what is published never changes, and a new action needs one function."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pytest

from connector import actions as actions_folder
from connector.actions.call import Call
from connector.catalog import actions as catalog
from connector.catalog.actions import (
    ExactlyOnce,
    Input,
    Kind,
    Output,
    action,
    actions,
    by_key,
    fields_of,
)
from connector.catalog.fields import Amount, Text, user_id
from connector.catalog.references import reference
from tests.api.builder import Builder, running_facade
from tests.conftest import KEY

FEATURE = Text("Feature", "What is used.", example="poster")
EXACTLY_ONCE_FIELDS: dict[str, Any] = {
    "user": user_id(),
    "amount": Amount("Amount", "How much.", example="1", required=True),
    "reference": reference("gift"),
    "feature": FEATURE,
}
FIRST = ["success", "outcome", "message", "action_url"]
REFUSED = ["authorization_required", "topup_required", "declined"]

# Published: builders' flows depend on every one of these names. Add, never change or remove.
LEFT = ["free_left", "spent_today", "cap_left", "resets_at"]
LIMITS = ["quota_reached", "cap_reached"]
PUBLISHED: dict[str, tuple[str, list[str], list[str], list[str]]] = {
    "charge": (
        "POST",
        ["user", "amount", "reference", "description", "metadata", "test"],
        [*FIRST, "user", "amount", "reference", "duplicate", "request_id"],
        ["charged", *REFUSED, "refunded", "unknown", "would_charge"],
    ),
    "use": (
        "POST",
        ["user", "feature", "reference", "quantity", "description", "metadata", "test"],
        [
            *FIRST,
            "user",
            "feature",
            "quantity",
            "amount",
            "reference",
            "duplicate",
            *LEFT,
            "request_id",
        ],
        ["charged", "free", *LIMITS, *REFUSED, "refunded", "unknown", "would_use"],
    ),
    "usage": (
        "GET POST",
        ["user", "feature"],
        [*FIRST, "user", "feature", "price", *LEFT],
        ["available", *LIMITS],
    ),
    "balance": (
        "GET POST",
        ["user", "minimum"],
        [*FIRST, "user", "balance", "balance_formatted", "balance_raw", "sufficient"],
        ["sufficient", "insufficient"],
    ),
    "topup_link": ("GET POST", ["user"], [*FIRST, "user"], ["ready"]),
    "chat": (
        "POST",
        [
            "user",
            "model",
            "prompt",
            "messages",
            "system",
            "temperature",
            "max_tokens",
            "reference",
            "wait",
            "callback_url",
        ],
        [
            *FIRST,
            "reply",
            "model",
            "finish_reason",
            "completion_id",
            "prompt_tokens",
            "completion_tokens",
            "total_tokens",
            "user",
            "reference",
            "duplicate",
        ],
        ["answered", "authorization_required", "topup_required", "pending", "unknown"],
    ),
    "refund": (
        "POST",
        ["reference", "feature", "amount", "refund_reference", "reason", "test"],
        [*FIRST, "user", "amount", "reference", "refunded_total", "duplicate"],
        ["refunded", "nothing_to_refund", "not_supported", "unknown", "would_refund"],
    ),
    "deposit": (
        "POST",
        ["user", "amount", "reference", "metadata", "test"],
        [
            *FIRST,
            "user",
            "amount",
            "reference",
            "duplicate",
            "balance",
            "balance_formatted",
        ],
        ["deposited", "not_supported", "unknown", "would_deposit"],
    ),
    "connection": (
        "GET POST",
        ["user"],
        [*FIRST, "user", "connected", "connected_at", "wallet_user_id", "connection_id"],
        ["connected", "not_connected"],
    ),
    "disconnect": ("POST", ["user"], [*FIRST, "user"], ["disconnected"]),
    "transactions": (
        "GET POST",
        ["reference", "begins", "user", "state", "since", "until", "before", "limit"],
        [
            "id",
            "action",
            "reference",
            "user",
            "amount",
            "feature",
            "happened",
            "state",
            "result",
            "explanation",
            "description",
            "created_at",
            "updated_at",
        ],
        [],
    ),
    "models": (
        "GET POST",
        ["search"],
        ["id", "name", "description", "prompt_price", "completion_price", "request_price"],
        [],
    ),
    "me": (
        "GET POST",
        [],
        [
            *FIRST,
            "paywall_id",
            "label",
            "sandbox",
            "triggers_ready",
            "triggers_message",
            "possible_gap",
            "allowed",
        ],
        ["connected"],
    ),
}
EXACTLY_ONCE = {"charge", "deposit", "refund", "use"}

actions_folder.load()


def test_the_published_actions_are_all_there_in_their_order() -> None:
    assert [a.key for a in actions()] == list(PUBLISHED)


@pytest.mark.parametrize("key", PUBLISHED)
def test_published_names_never_change(key: str) -> None:
    methods, inputs, outputs, outcomes = PUBLISHED[key]
    result = by_key(key)
    assert result is not None
    assert result.path == "/" + key.replace("_", "-")
    assert ("GET POST" if result.get else "POST") == methods
    assert list(fields_of(result.input)) == inputs
    assert list(fields_of(result.output)) == outputs
    assert list(result.outcomes) == outcomes
    assert (result.exactly_once is not None) is (key in EXACTLY_ONCE)


@pytest.mark.parametrize("key", PUBLISHED)
def test_an_action_has_words_for_people(key: str) -> None:
    result = by_key(key)
    assert result is not None
    assert result.label == result.label.title()
    assert result.sentence.endswith(".")
    assert result.sentence.split()[0].endswith("s"), "a verb in the third person"
    assert all(words.endswith(".") for words in result.outcomes.values())


@pytest.mark.parametrize("key", sorted(EXACTLY_ONCE))
def test_what_happens_once_asks_for_a_reference_and_an_amount(key: str) -> None:
    result = by_key(key)
    assert result is not None
    words = result.words()
    assert result.exactly_once is not None
    rule = result.exactly_once
    asked = ["reference"]
    if not rule.refunds:
        asked += ["user", "feature" if rule.priced else "amount"]
    assert all(words[name].required for name in asked)


def test_a_key_is_taken_only_once() -> None:
    with pytest.raises(ValueError, match="two actions are called me"):
        action(
            key="me",
            label="Me",
            sentence="Tells.",
            kind=Kind.READ,
            input=Input,
            output=Output,
            outcomes={},
        )(lambda *_: {})


class DoubleInput(Input):
    user = user_id()
    amount = Amount("Amount", "What to double.", example="1.50", required=True)


class DoubleOutput(Output):
    user = Text("User", "Whose balance it is.", example="user_42")
    doubled = Amount("Doubled", "Twice the amount.", example="3")


@pytest.fixture
def doubled(tmp_path: Path) -> Iterator[Builder]:
    """A connector with one more action, which is gone afterwards."""

    @action(
        key="double_balance",
        label="Double Balance",
        sentence="Doubles an amount.",
        kind=Kind.READ,
        input=DoubleInput,
        output=DoubleOutput,
        outcomes={"doubled": "The amount was doubled."},
    )
    def double_balance(call: Call, values: dict[str, Any]) -> dict[str, Any]:
        call.upstream.balance(values["user"])
        amount = values["amount"] * 2
        return {
            "success": True,
            "outcome": "doubled",
            "message": f"It is {amount}.",
            "user": values["user"],
            "doubled": str(amount),
        }

    try:
        with running_facade(tmp_path) as running:
            yield Builder(running, KEY)
    finally:
        del catalog._registry["double_balance"]


def test_one_function_is_a_whole_new_action(doubled: Builder) -> None:
    wanted = {
        "success": True,
        "outcome": "doubled",
        "message": "It is 3.00.",
        "action_url": "",
        "user": "ann",
        "doubled": "3.00",
    }
    assert doubled.get("double-balance", user="ann", amount="1.50").json == wanted
    assert doubled.form("double-balance", user="ann", amount="1.50").json == wanted
    refused = doubled.post("double-balance", user="ann", amount="1,5")
    assert refused.get_json()["field"] == "amount"
    description = doubled.client.get("/openapi.json").json
    assert description is not None
    operation = description["paths"]["/v1/double-balance"]["post"]
    assert operation["operationId"] == "double_balance_post"
    properties = description["components"]["schemas"]["DoubleInput"]["properties"]
    assert properties["amount"]["pattern"]


def test_the_new_action_is_gone_without_its_function(doubled: Builder) -> None:
    del doubled
    assert [a.key for a in actions()][-1] == "double_balance"


def test_an_answer_has_every_key_and_no_null() -> None:
    result = by_key("balance")
    assert result is not None
    assert result.answer({"user": "ann", "balance": None, "surplus": 1}) == {
        "success": False,
        "outcome": "",
        "message": "",
        "action_url": "",
        "user": "ann",
        "balance": "",
        "balance_formatted": "",
        "balance_raw": "",
        "sufficient": False,
    }


@pytest.mark.parametrize(
    ("without", "rule"),
    [
        ("user", ExactlyOnce()),
        ("amount", ExactlyOnce()),
        ("reference", ExactlyOnce()),
        ("feature", ExactlyOnce(same=("user", "feature"), amount=lambda _: Decimal(1))),
    ],
)
def test_an_exactly_once_action_without_what_the_ledger_needs_is_refused(
    without: str, rule: ExactlyOnce
) -> None:
    fields = {name: field for name, field in EXACTLY_ONCE_FIELDS.items() if name != without}
    incomplete = cast("type[Input]", Input.from_dict(fields))
    with pytest.raises(ValueError, match=f"needs the input field {without}"):
        rule.check("gift", incomplete, {"given": "Done.", "unknown": "Nobody can tell."})


def test_an_exactly_once_action_publishes_that_nobody_can_tell() -> None:
    complete = cast("type[Input]", Input.from_dict(EXACTLY_ONCE_FIELDS))
    with pytest.raises(ValueError, match="unknown"):
        ExactlyOnce().check("gift", complete, {"given": "Done."})


def test_an_action_without_an_amount_may_say_how_it_comes_about() -> None:
    fields: dict[str, Any] = {
        "user": user_id(),
        "reference": reference("gift"),
        "feature": FEATURE,
    }
    rule = ExactlyOnce(same=("user", "feature"), amount=lambda _: Decimal("0.50"))
    rule.check("gift", cast("type[Input]", Input.from_dict(fields)), {"unknown": "Nobody can."})
    assert rule.texts({"user": "ann", "feature": "poster"}) == ("ann", "poster")
    assert rule.amount({}) == Decimal("0.50")


def test_who_imports_an_action_first_does_not_change_how_they_are_listed() -> None:
    listed = [one.key for one in actions_folder.load()]
    shuffled = dict(reversed(catalog._registry.items()))
    catalog._registry.clear()
    catalog._registry.update(shuffled)
    assert [one.key for one in actions_folder.load()] == listed
    assert listed[: len(actions_folder.ORDER)] == list(actions_folder.ORDER)
