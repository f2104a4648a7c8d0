"""An operator can close a connector to all but certain paywalls. Upstream tells a paywall's id only
through a subscription, so one is made to find out, and taken back from strangers."""

from __future__ import annotations

import pytest

from tests.inbound.conftest import MakeConnectedApp, brand, make_connected_app
from tests.ledger.conftest import database, emptied
from tests.support.connected_app import PUBLIC_URL, Owner

__all__ = ["brand", "database", "emptied", "make_connected_app"]


def paths(owner: Owner) -> list[int]:
    """What every kind of use is answered with: an action, a charge, a poll, hooks, OpenAI."""
    client = owner.connected_app.connector.app.test_client()
    return [
        owner.get("balance", user="ann").status_code,
        owner.post("charge", user="ann", amount="1", reference="order-1").status_code,
        owner.get("triggers/any_event").status_code,
        owner.get("hooks").status_code,
        owner.get("me").status_code,
        client.get("/openai/v1/models", headers=owner.bearer).status_code,
    ]


@pytest.mark.parametrize("first", ["models", "me", "triggers/any_event", "hooks"])
def test_a_paywall_of_the_list_is_let_in_at_its_first_use(
    first: str, make_connected_app: MakeConnectedApp
) -> None:
    owner = make_connected_app(public_url=PUBLIC_URL, allowed_paywalls="pw_sandbox_default").owner()
    assert owner.get(first).status_code == 200
    assert paths(owner) == [200] * 6


def test_a_stranger_is_refused_and_left_as_it_was(make_connected_app: MakeConnectedApp) -> None:
    connected_app = make_connected_app(public_url=PUBLIC_URL, allowed_paywalls="pw_sandbox_default")
    stranger = connected_app.owner("stranger")
    assert paths(stranger) == [403] * 6
    assert "not one of them" in stranger.get("me").get_json()["message"]
    assert stranger.subscriptions() == []
    assert stranger.asked("subscriptions", "POST") == 1, "made once, to find out"


def test_without_a_public_address_nobody_can_tell_whose_key_it_is(
    make_connected_app: MakeConnectedApp,
) -> None:
    owner = make_connected_app(public_url="", allowed_paywalls="pw_sandbox_default").owner()
    assert paths(owner) == [403] * 6
    assert "CONNECTOR_PUBLIC_URL" in owner.get("me").get_json()["message"]
    assert owner.subscriptions() == []


def test_a_failure_while_finding_out_is_no_refusal_for_good(
    make_connected_app: MakeConnectedApp,
) -> None:
    connected_app = make_connected_app(public_url=PUBLIC_URL, allowed_paywalls="pw_sandbox_default")
    owner = connected_app.owner()
    assert owner.get("balance", user="ann").status_code == 200
    stranger = connected_app.owner("stranger")
    stranger.arm("subscriptions", "http_500", times=50)
    assert stranger.get("me").status_code == 502
    stranger.arm("subscriptions", "http_500", times=0)
    assert "not one of them" in stranger.get("me").get_json()["message"]
