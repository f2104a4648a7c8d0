"""What each route demands of who calls it. A new route stands here, or this fails."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask

from connector.api.authentication import Access, Caller
from connector.api.services import upstream
from connector.app import create_app, stop
from tests.conftest import settings_for

CONSOLE = {
    "GET /console",
    "GET /console/transactions",
    "GET /console/transactions.csv",
    "GET /console/transactions/<entry_id>",
    "POST /console/transactions/<entry_id>/decide",
    "POST /console/transactions/<entry_id>/refund",
    "POST /console/choose",
    "POST /console/sign-out",
    "GET /console/webhooks",
    "GET /console/events",
    "GET /console/connect",
    "GET /console/connect/<token_id>",
    "GET /console/days",
    "GET /console/days/<day>",
}
"""What is asked by a browser that is signed in; tests/console knows how."""
CONSOLE_READY = {
    "POST /console/webhooks/<hook_id>/<what>",
    "POST /console/deliveries/<delivery_id>/replay",
}
CONSOLE_FRESH = {"POST /console/webhooks"}
CONSOLE_ACCEPTED = {"POST /console/connect"}
ROUTES = {
    Access.OPEN: {
        "GET /",
        "GET /assets/<name>",
        "GET /console/sign-in",
        "POST /console/sign-in",
        "GET /favicon.ico",
        "GET /guide",
        "GET /guide/<name>",
        "GET /docs",
        "GET /docs/<name>",
        "GET /docs/start.js",
        "GET /healthz",
        "GET /metrics",
        "GET /openapi.json",
        "GET /readyz",
        "GET /specs",
        "GET /specs/<path:name>",
        "GET /specs/flowxo",
        "GET /openai/<path:unknown>",
        "POST /openai/<path:unknown>",
    },
    Access.SIGNED: {"POST /v1/inbound/<endpoint>"},
    Access.KEY: {"GET /v1/triggers", "POST /v1/triggers", "POST /mcp"},
    Access.SERVED: {
        "GET /v1/balance",
        "POST /v1/balance",
        "POST /v1/chat",
        "GET /v1/connection",
        "POST /v1/connection",
        "POST /v1/disconnect",
        "GET /v1/me",
        "POST /v1/me",
        "GET /v1/models",
        "POST /v1/models",
        "GET /v1/topup-link",
        "POST /v1/topup-link",
        "POST /v1/chat/completions",
        "POST /openai/v1/chat/completions",
        "POST /openai/v1/<path:prefix>/chat/completions",
        "GET /openai/v1/models",
        "GET /openai/v1/<path:prefix>/models",
    },
    Access.PAYWALL: {
        *CONSOLE,
        "POST /v1/charge",
        "POST /v1/deposit",
        "POST /v1/refund",
        "GET /v1/attention",
        "GET /v1/sums",
        "GET /v1/transactions",
        "GET /v1/transactions.csv",
        "GET /v1/transactions/<transaction_id>",
        "POST /v1/transactions/<transaction_id>/decide",
        "POST /v1/transactions",
        "POST /v1/use",
        "GET /v1/usage",
        "POST /v1/usage",
        "GET /v1/features",
        "GET /v1/features/<feature>",
        "PUT /v1/features/<feature>",
        "DELETE /v1/features/<feature>",
        "GET /v1/callback-secret",
        "GET /v1/settings",
        "PUT /v1/settings",
        "GET /v1/tokens",
        "DELETE /v1/tokens/<token_id>",
        "GET /v1/hooks",
        "GET /v1/hooks/<hook_id>",
        "DELETE /v1/hooks/<hook_id>",
        "GET /v1/deliveries",
        "POST /v1/deliveries",
    },
    Access.ACCEPTED: {"POST /v1/tokens", *CONSOLE_ACCEPTED},
    Access.FRESH: {"POST /v1/hooks", *CONSOLE_FRESH},
    Access.READY: {
        *CONSOLE_READY,
        "GET /v1/triggers/<key>",
        "POST /v1/triggers/<key>",
        "POST /v1/hooks/<hook_id>/test",
        "POST /v1/hooks/<hook_id>/replay",
        "POST /v1/deliveries/<delivery_id>/replay",
    },
}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """A connector that nobody has used."""
    file = tmp_path_factory.mktemp("routes") / "connector.sqlite3"
    made = create_app(settings_for(f"sqlite:///{file}"))
    yield made
    stop(made)


def test_every_route_says_what_it_demands(app: Flask) -> None:
    declared = {
        f"{method} {rule.rule}": getattr(app.view_functions[rule.endpoint], "access", None)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert declared == {route: access for access, routes in ROUTES.items() for route in routes}


@pytest.mark.parametrize("access", [a for a in Access if a not in (Access.OPEN, Access.SIGNED)])
def test_who_sends_no_key_is_told_so_by_every_route_that_demands_one(
    access: Access, app: Flask
) -> None:
    client = app.test_client()
    for route in ROUTES[access]:
        method, _, path = route.partition(" ")
        assert client.open(path, method=method).status_code == 401, route


def test_a_paywall_that_was_not_demanded_is_not_handed_out(app: Flask) -> None:
    with app.test_request_context():
        caller = Caller("sk-paywalls-any", upstream("sk-paywalls-any"))
    with pytest.raises(RuntimeError, match="does not demand"):
        _ = caller.paywall
