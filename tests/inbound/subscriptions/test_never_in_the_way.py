"""Looking after a subscription never delays or fails an action; Test Connection tells about it."""

from __future__ import annotations

from time import monotonic

import pytest

from connector.inbound.readiness import WAIT_SECONDS
from tests.inbound.conftest import MakeConnectedApp
from tests.support.connected_app import ConnectedApp, Owner
from tests.support.processes import until

FIX = "CONNECTOR_PUBLIC_URL"


def proven(owner: Owner) -> Owner:
    """The connector knows the key, and nothing more."""
    owner.connected_app.connector.parts.identity.prove(owner.key, owner.line())
    return owner


@pytest.mark.parametrize("fault", ["slow", "http_500", "drop_before_commit", "garbage"])
def test_a_charge_neither_waits_for_it_nor_fails_with_it(
    connected_app: ConnectedApp, fault: str
) -> None:
    owner = proven(connected_app.owner())
    owner.control("POST", "users/ann", {"balance": "10"})
    owner.arm("subscriptions", fault, times=50, seconds=5)
    began = monotonic()
    answer = owner.post("charge", user="ann", amount="1", reference="order-1")
    waited = monotonic() - began
    assert answer.get_json()["outcome"] == "charged"
    assert waited < 5
    until(lambda: owner.asked("subscriptions") > 1)
    again = owner.post("charge", user="ann", amount="1", reference="order-2")
    assert again.get_json()["outcome"] == "charged"
    owner.arm("subscriptions", fault, times=0)


def test_test_connection_waits_five_seconds_and_says_why(connected_app: ConnectedApp) -> None:
    owner = proven(connected_app.owner())
    owner.arm("subscriptions", "slow", times=50, seconds=7)
    began = monotonic()
    told = owner.me()
    waited = monotonic() - began
    assert WAIT_SECONDS - 0.5 < waited < WAIT_SECONDS + 2
    assert told["success"] is True
    assert told["triggers_ready"] is False
    assert "Try again in a few seconds" in told["triggers_message"]
    owner.arm("subscriptions", "slow", times=0)
    until(lambda: owner.me()["triggers_ready"])


def test_test_connection_tells_upstreams_reason(connected_app: ConnectedApp) -> None:
    owner = proven(connected_app.owner())
    owner.arm("subscriptions", "http_500", times=50)
    told = owner.me()
    assert told["success"] is True
    assert told["triggers_ready"] is False
    assert "Paywalls failed to answer" in told["triggers_message"]
    assert owner.get("triggers/any_event").status_code == 503
    owner.arm("subscriptions", "http_500", times=0)
    assert owner.me()["triggers_ready"] is True
    assert owner.poll() == []


def test_a_failing_check_of_a_subscription_that_was_well_stops_no_poll(
    connected_app: ConnectedApp,
) -> None:
    owner = connected_app.owner().ready()
    (event_id,) = owner.send()
    owner.pass_ten_minutes()
    proven(owner)
    owner.arm("subscriptions", "http_500", times=50)
    assert owner.ids() == [event_id]
    assert owner.me()["triggers_ready"] is True


def test_without_a_public_address_polls_say_how_to_mend_it(
    make_connected_app: MakeConnectedApp,
) -> None:
    owner = make_connected_app(max_amount="1000").owner()
    answer = owner.get("triggers/any_event")
    assert answer.status_code == 503
    told = answer.get_json()
    assert told["code"] == "triggers_not_ready"
    assert FIX in told["message"]
    assert told["retryable"] is False
    me = owner.me()
    assert (me["success"], me["triggers_ready"]) == (True, False)
    assert FIX in me["triggers_message"]
    assert owner.subscriptions() == []


def test_a_wrong_key_is_told_as_such(shared_connected_app: ConnectedApp) -> None:
    owner = Owner(shared_connected_app, "nobody", "sk-paywalls-nobody")
    assert owner.get("triggers/any_event").status_code == 401
    assert owner.get("me").status_code == 401


def test_without_kept_keys_test_connection_says_what_can_be_lost(
    make_connected_app: MakeConnectedApp,
) -> None:
    owner = make_connected_app(public_url="https://connector.example", keep_keys="false").owner()
    assert "does not keep keys" in owner.me()["triggers_message"]
