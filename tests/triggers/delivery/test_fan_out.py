"""Putting an event into the outbox, in its own transaction."""

from __future__ import annotations

import time

import pytest

from connector.store import delivery_rows, event_rows, hook_rows
from connector.triggers import switch_off
from tests.support.delivery_setup import DEPLETED, DeliverySetup

URL = "https://8.8.8.8/hook"


def wanted(delivery_setup: DeliverySetup) -> set[str]:
    """The ids of the hooks for which something is in the outbox."""
    return {delivery.hook_id for delivery in delivery_setup.log()}


def test_hooks_of_that_trigger_and_of_any_event_get_it_and_no_others(
    delivery_setup: DeliverySetup,
) -> None:
    right = delivery_setup.hook(URL, trigger="balance_depleted")[0]
    any_event = delivery_setup.hook(URL, trigger="any_event")[0]
    delivery_setup.hook(URL, trigger="balance_charge_created")
    delivery_setup.publish(DEPLETED)
    assert wanted(delivery_setup) == {right, any_event}


def test_a_type_that_nobody_knows_goes_to_any_event_only(delivery_setup: DeliverySetup) -> None:
    any_event = delivery_setup.hook(URL, trigger="any_event")[0]
    delivery_setup.hook(URL, trigger="balance_depleted")
    delivery_setup.publish("paywall.balance_depleted")
    delivery_setup.publish("brand.new")
    assert wanted(delivery_setup) == {any_event}
    assert len(delivery_setup.log()) == 2


def test_other_paywalls_and_hooks_that_are_off_or_gone_get_nothing(
    delivery_setup: DeliverySetup,
) -> None:
    off = delivery_setup.hook(URL + "/off")[0]
    delivery_setup.store.write(
        lambda c: switch_off.note(c, well=[], failing={}, gone={off: "It is gone."})
    )
    deleted = delivery_setup.hook(URL + "/deleted")[0]
    delivery_setup.hooks.delete(delivery_setup.paywall, deleted)
    other = delivery_setup.new_paywall("lpw_other")
    delivery_setup.hooks.create(other, target_url=URL, trigger="any_event", user="", test=False)
    delivery_setup.publish()
    assert wanted(delivery_setup) == set()


@pytest.mark.parametrize(
    ("wallet", "user", "gets"),
    [
        ("", "ann", True),
        ("", "bob", False),
        ("wallet_ann", "", True),
        ("wallet_bob", "", False),
        ("wallet_unknown", "", True),  # decided when it is sent
        ("", "", False),  # it is nobody's and will never be anybody's
    ],
)
def test_a_hook_for_one_user_gets_what_may_be_theirs(
    delivery_setup: DeliverySetup, wallet: str, user: str, gets: bool
) -> None:
    for known in ("ann", "bob"):
        delivery_setup.store.write(
            lambda c, known=known: event_rows.learn_pair(  # type: ignore[misc]
                c, delivery_setup.paywall.id, f"wallet_{known}", known
            )
        )
    hook = delivery_setup.hook(URL, user="ann")[0]
    delivery_setup.publish(wallet=wallet, user=user)
    assert wanted(delivery_setup) == ({hook} if gets else set())


def test_an_event_that_comes_in_twice_is_sent_once(delivery_setup: DeliverySetup) -> None:
    delivery_setup.hook(URL)
    delivery_setup.publish()
    count = delivery_setup.store.write(
        lambda c: delivery_rows.fan_out(
            c,
            delivery_setup.paywall.id,
            event_seq=1,
            event_id="evt_1",
            type=DEPLETED,
            wallet_id="",
            external_id="",
        )
    )
    assert count == 0
    assert len(delivery_setup.log()) == 1


def test_an_event_whose_transaction_fails_is_not_sent(delivery_setup: DeliverySetup) -> None:
    delivery_setup.hook(URL)

    def fails(connection: object) -> None:
        delivery_rows.fan_out(
            connection,  # type: ignore[arg-type]
            delivery_setup.paywall.id,
            event_seq=1,
            event_id="evt_1",
            type=DEPLETED,
            wallet_id="",
            external_id="",
        )
        raise KeyError

    with pytest.raises(KeyError):
        delivery_setup.store.write(fails)
    assert delivery_setup.log() == []


def test_a_thousand_hooks_are_one_statement(delivery_setup: DeliverySetup) -> None:
    for number in range(1000):
        delivery_setup.store.write(
            lambda c, n=number: hook_rows.insert(  # type: ignore[misc]
                c,
                delivery_setup.paywall.id,
                target_url=f"{URL}/{n}",
                trigger="any_event",
                user_id="",
                sealed_secret="x",
                most=1000,
            )
        )
    took = []
    for _ in range(5):
        began = time.perf_counter()
        delivery_setup.publish()
        took.append(time.perf_counter() - began)
    assert delivery_setup.pending() == 5000
    assert min(took) < 3
