"""Every route × every kind of token, made from the routes themselves: what a token opens, and that
nothing else is open to it."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from connector.api.authentication import Access
from tests.api.builder import Builder, Facade

OPENS = {
    "POST /v1/charge": {"charge"},
    "POST /v1/deposit": {"deposit"},
    "POST /v1/refund": {"refund"},
    "POST /v1/use": {"use"},
    "* /v1/usage": {"usage", "view"},
    "GET /v1/features": {"view"},
    "GET /v1/features/<feature>": {"view"},
    "GET /v1/settings": {"view"},
    "POST /v1/chat": {"chat"},
    "POST /v1/disconnect": {"disconnect"},
    "* /v1/balance": {"balance", "view"},
    "* /v1/connection": {"connection", "view"},
    "* /v1/models": {"models", "view"},
    "GET /v1/attention": {"transactions", "view"},
    "GET /v1/sums": {"transactions", "view"},
    "* /v1/transactions": {"transactions", "view"},
    "GET /v1/transactions.csv": {"transactions", "view"},
    "GET /v1/transactions/<transaction_id>": {"transactions", "view"},
    "* /v1/topup-link": {"topup_link"},
    "* /v1/me": {"me", "view"},
    "* /v1/triggers": {"me"},
    "POST /mcp": {"me"},
    "* /v1/triggers/<key>": {"triggers", "view"},
    "* /v1/deliveries": {"view"},
    "POST /v1/hooks": {"triggers"},
    "GET /v1/hooks": {"triggers", "view"},
    "GET /v1/hooks/<hook_id>": {"triggers", "view"},
    "DELETE /v1/hooks/<hook_id>": {"triggers"},
    "POST /v1/chat/completions": {"openai"},
    "POST /openai/v1/chat/completions": {"openai"},
    "POST /openai/v1/<path:prefix>/chat/completions": {"openai"},
    "GET /openai/v1/models": {"openai", "models", "view"},
    "GET /openai/v1/<path:prefix>/models": {"openai", "models", "view"},
}
"""By which rights a token may call what; `*` is GET and POST. All other routes want the key."""
EVERYTHING = "charge, deposit, chat, disconnect, topup_link, openai, triggers, view"


def routes(app: Flask) -> Iterator[tuple[str, str, Any]]:
    """Method, rule and view of every route that asks for a key; the console asks for a session,
    and tests/console knows what tokens see there."""
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/console"):
            continue
        view = app.view_functions[rule.endpoint]
        if getattr(view, "access", Access.OPEN) in (Access.OPEN, Access.SIGNED):
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield method, rule.rule, view


def call(who: Builder, method: str, rule: str, **values: Any) -> TestResponse:
    """Call a route, with something in its address, and values where it takes them."""
    path = re.sub(r"<(?:path:)?key>", "any_event", rule)
    path = re.sub(r"<(?:path:)?prefix>", "bob", path)
    path = re.sub(r"<[^>]+>", "x", path)
    if rule == "/mcp":
        params = {"name": "balance", "arguments": values}
        values = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
    sent = {"json": values} if method == "POST" else {"query_string": values}
    return who.client.open(path, method=method, headers=who.bearer, **sent)  # type: ignore[arg-type]


def code(answer: TestResponse) -> str:
    """The code of an error in any of the three shapes; "" for none."""
    told = answer.get_json(silent=True)
    error = told.get("error", told) if isinstance(told, dict) else {}
    error = error.get("data", error) if isinstance(error, dict) else {}
    error = error if isinstance(error, dict) else {}
    return str(error.get("code", ""))


def token(builder: Builder, **values: Any) -> Builder:
    """Somebody who holds a new token of this paywall."""
    answer = builder.post("tokens", label="x", **values)
    assert answer.status_code == 201, answer.text
    return Builder(builder.facade, answer.get_json()["token"])


def test_every_route_opens_for_those_tokens_alone(facade: Facade) -> None:
    declared = {
        f"{method} {rule}": set(view.right.any_of) for method, rule, view in routes(facade.app)
    }
    expected = {
        route.replace("*", method): names
        for route, names in OPENS.items()
        for method in ("GET", "POST")
    }
    assert {route: names for route, names in declared.items() if names} == expected


@pytest.mark.parametrize("name", EVERYTHING.split(", "))
def test_a_token_that_may_one_thing_may_that_alone(builder: Builder, name: str) -> None:
    bot = token(builder, actions=name)
    for method, rule, view in routes(builder.facade.app):
        told = code(call(bot, method, rule))
        opened = {"me", name} & set(view.right.any_of)
        assert (told == "not_allowed_by_token") is not bool(opened), (method, rule, told)
    assert "deposit" not in builder.operations()
    assert "charge" not in builder.operations()


def test_no_route_takes_a_token_that_was_revoked(builder: Builder) -> None:
    made = builder.post("tokens", label="x", actions=EVERYTHING).get_json()
    builder.client.delete(f"/v1/tokens/{made['id']}", headers=builder.bearer)
    bot = Builder(builder.facade, made["token"])
    for method, rule, _ in routes(builder.facade.app):
        answer = call(bot, method, rule, user="ann")
        assert (answer.status_code, code(answer)) == (401, "key_refused"), (method, rule)


def test_a_token_of_ann_reaches_nothing_of_bob(builder: Builder) -> None:
    for user in ("ann", "bob"):
        builder.user(user, balance="5")
    assert builder.post("hooks", target_url="https://93.184.215.14/x", trigger="any_event")
    bot = token(builder, user="ann", actions="charge, chat, disconnect, topup_link, openai, view")
    values = {
        "amount": "1",
        "reference": secrets.token_hex(4),
        "message": "canary prompt",
        "model": "sandbox-echo",
    }
    for method, rule, _ in routes(builder.facade.app):
        more = values if rule in ("/v1/charge",) else {}
        answer = call(bot, method, rule, user="bob", **more)
        # The first knows no users; what the second says stands in its result.
        told = 200 if rule in ("/openai/v1/models", "/mcp") else 403
        assert answer.status_code in (told, 404, 422), (method, rule, answer.text)
        assert "bob" not in answer.text, (method, rule)
    assert [row for row in builder.seen("ledger") if row["user"] == "bob"] == []
    assert "deposit" not in builder.operations()
