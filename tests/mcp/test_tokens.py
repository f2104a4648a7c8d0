"""Every kind of token × every tool: what is listed, and that nothing else can be called."""

from __future__ import annotations

import pytest

from connector.api.action_routes import right_of
from connector.catalog.actions import actions
from tests.api.builder import Builder
from tests.api.test_token_rights import EVERYTHING, token
from tests.mcp.agent import NEWER, OLDER, ask, call, result, said

RIGHTS = sorted({*EVERYTHING.split(", "), "balance", "transactions", "refund", "use", "usage"})


@pytest.mark.parametrize("wire", [OLDER, NEWER])
@pytest.mark.parametrize("name", RIGHTS)
def test_a_token_lists_and_calls_its_own_tools_alone(
    builder: Builder, name: str, wire: str
) -> None:
    bot = token(builder, actions=name)
    listed = {tool["name"] for tool in result(ask(bot, wire, "tools/list"))["tools"]}
    assert listed == {a.key for a in actions() if {"me", name} & set(right_of(a).any_of)}
    for action in actions():
        told = call(bot, wire, action.key)
        if action.key not in listed:
            assert f"It allows: {name}." in said(told)
        elif told["isError"]:
            assert "does not allow" not in said(told)
    assert builder.seen("ledger") == []


def test_a_revoked_token_is_a_401(builder: Builder) -> None:
    made = builder.post("tokens", label="x").get_json()
    builder.client.delete(f"/v1/tokens/{made['id']}", headers=builder.bearer)
    answer = ask(Builder(builder.facade, made["token"]), OLDER, "tools/list")
    assert answer.status_code == 401
