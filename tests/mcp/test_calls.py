"""A tool does what the action's own address does, and says it as models read it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from connector.api.services import services
from connector.store.tables import ledger
from connector.store.timestamps import now
from tests.api.builder import Builder, check_sentence
from tests.mcp.agent import NEWER, OLDER, ask, call, result, said

CHARGE = {"user": "ann", "amount": "0.25", "reference": "order-1"}
WIRES = pytest.mark.parametrize("wire", [OLDER, NEWER])


@WIRES
def test_a_user_is_charged_once_however_often_the_call_is_repeated(
    builder: Builder, wire: str
) -> None:
    builder.user("ann", balance="1")
    first, again = (call(builder, wire, "charge", **CHARGE) for _ in range(2))
    assert first["isError"] is False
    assert first["structuredContent"]["outcome"] == "charged"
    assert [told["structuredContent"]["duplicate"] for told in (first, again)] == [False, True]
    assert first["content"][0]["text"] == first["structuredContent"]["message"]
    assert json.loads(first["content"][1]["text"]) == first["structuredContent"]
    assert len([row for row in builder.seen("ledger") if row["type"] == "charge"]) == 1


@WIRES
def test_it_answers_what_the_actions_own_address_answers(builder: Builder, wire: str) -> None:
    builder.user("ann", balance="1")
    told = call(builder, wire, "balance", user="ann", minimum=0.5)["structuredContent"]
    assert told == builder.get("balance", user="ann", minimum="0.5").get_json()


@WIRES
def test_a_refused_charge_is_no_error_and_has_its_link(shared_builder: Builder, wire: str) -> None:
    told = call(shared_builder, wire, "charge", **CHARGE)
    assert told["isError"] is False
    assert told["structuredContent"]["outcome"] == "authorization_required"
    assert told["structuredContent"]["action_url"].startswith("http")


@WIRES
def test_a_list_is_an_object_with_items(builder: Builder, wire: str) -> None:
    told = call(builder, wire, "models")["structuredContent"]
    assert told == {"items": builder.get("models").get_json()}
    assert call(builder, wire, "transactions")["structuredContent"] == {"items": []}


@WIRES
def test_a_test_run_moves_nothing(builder: Builder, wire: str) -> None:
    builder.user("ann", balance="1")
    told = call(builder, wire, "charge", **CHARGE, test=True)["structuredContent"]
    assert told["outcome"] == "would_charge"
    assert builder.seen("ledger") == []


@WIRES
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"reference": ""}, "Fill in “Reference”"),
        ({"reference": None}, "Fill in “Reference”"),
        ({"reference": "order-undefined"}, "is missing"),
        ({"user": "{{user}}"}, "placeholder"),
        ({"user": "u-[object Object]"}, "gave no id"),
        ({"user": {"id": 7}}, "must be plain text"),
        ({"amount": "1,50"}, "1.50"),
        ({"amount": "999999999"}, "may be at most"),
        ({"amuont": "1"}, "Did you mean “amount”?"),
        ({"api_key": "sk-paywalls-x"}, "There is no field called “api_key” here. The fields are"),
        ({"errors": "soft"}, "There is no field called “errors” here. The fields are"),
    ],
)
def test_bad_arguments_get_the_sentence_that_the_address_gives(
    builder: Builder, wire: str, changed: dict[str, object], sentence: str
) -> None:
    builder.user("ann", balance="1")
    text = said(call(builder, wire, "charge", **(CHARGE | changed)))
    assert sentence in text
    check_sentence(text.split("The fields are")[0].strip())
    assert builder.seen("ledger") == []


@WIRES
def test_upstream_that_is_down_is_a_failure_in_the_result(builder: Builder, wire: str) -> None:
    builder.fault("balance", "http_500", times=9)
    text = said(call(builder, wire, "balance", user="ann"))
    assert "Paywalls" in text


@WIRES
def test_a_key_that_upstream_refuses_is_a_401(builder: Builder, wire: str) -> None:
    stranger = Builder(builder.facade, "sk-paywalls-live-nobody")
    calls: tuple[tuple[str, dict[str, Any]], ...] = (
        ("tools/list", {}),
        ("tools/call", {"name": "balance", "arguments": {"user": "ann"}}),
    )
    for method, params in calls:
        answer = ask(stranger, wire, method, **params)
        assert answer.status_code == 401, answer.text
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.get_json()["error"]["data"]["code"] == "key_refused"


@WIRES
def test_a_reference_that_was_paid_yesterday_is_no_repetition(builder: Builder, wire: str) -> None:
    """Models number their orders from 1 in every conversation."""
    builder.user("ann", balance="1")
    call(builder, wire, "charge", **CHARGE)
    _ago(builder, timedelta(hours=23))
    assert call(builder, wire, "charge", **CHARGE)["structuredContent"]["duplicate"] is True
    _ago(builder, timedelta(hours=25))
    text = said(call(builder, wire, "charge", **CHARGE))
    assert text.startswith("“order-1” was already paid on 20")
    assert "Take a new reference only for a new purchase." in text
    assert builder.post("charge", **CHARGE).get_json()["duplicate"] is True


@pytest.mark.parametrize("user", ["", "ann"])
def test_so_is_one_of_a_free_use_also_of_a_token_of_one_user(builder: Builder, user: str) -> None:
    rule = {"free_per_day": 3}
    builder.client.put("/v1/features/pdf-parse", json=rule, headers=builder.bearer)
    made = builder.post("tokens", label="bot", user=user).get_json()
    bot = Builder(builder.facade, made["token"])
    values = {"feature": "pdf-parse", "reference": "file-1", "user": "ann"}
    assert call(bot, OLDER, "use", **values)["structuredContent"]["outcome"] == "free"
    _ago(builder, timedelta(hours=25))
    assert "“file-1” was already counted on 20" in said(call(bot, OLDER, "use", **values))


@WIRES
def test_a_token_of_one_user_sees_its_own_tools_and_pays_for_that_user(
    builder: Builder, wire: str
) -> None:
    builder.user("ann", balance="1")
    made = builder.post("tokens", label="bot", user="ann", actions="charge, balance").get_json()
    bot = Builder(builder.facade, made["token"])
    tools = result(ask(bot, wire, "tools/list"))["tools"]
    assert [tool["name"] for tool in tools] == ["charge", "balance", "me"]
    assert "user" not in tools[0]["inputSchema"]["properties"]
    told = call(bot, wire, "charge", amount="0.25", reference="order-1")["structuredContent"]
    assert (told["outcome"], told["user"]) == ("charged", "ann")
    assert "for one user" in said(call(bot, wire, "charge", **(CHARGE | {"user": "bob"})))


@WIRES
def test_a_tool_beyond_the_token_names_what_it_may_do(builder: Builder, wire: str) -> None:
    made = builder.post("tokens", label="bot", actions="balance").get_json()
    bot = Builder(builder.facade, made["token"])
    assert "It allows: balance." in said(call(bot, wire, "charge", **CHARGE))
    assert "charge" not in builder.operations()


@WIRES
def test_the_user_may_stand_in_the_clients_header(builder: Builder, wire: str) -> None:
    builder.user("ann", balance="1")
    sent: dict[str, Any] = {"name": "balance", "arguments": {}}
    header = {"X-Paywall-User": "ann"}
    told = result(ask(builder, wire, "tools/call", header, **sent))
    assert told["structuredContent"]["user"] == "ann"
    sent["arguments"] = {"user": "bob"}
    assert "Send it once" in said(result(ask(builder, wire, "tools/call", header, **sent)))


def _ago(builder: Builder, past: timedelta) -> None:
    """Whatever this connector's ledger has was settled so long ago."""
    with builder.facade.app.app_context():
        services().store.write(
            lambda connection: connection.execute(
                update(ledger).values(updated_at=now(-int(past.total_seconds())))
            )
        )
