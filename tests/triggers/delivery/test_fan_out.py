"""Putting an event into the outbox, in its own transaction."""

from __future__ import annotations

import time

import pytest

from connector.store import delivery_rows, event_rows, hook_rows
from tests.support.delivery_setup import DEPLETED, Scene

URL = "https://8.8.8.8/hook"


def wanted(scene: Scene) -> set[str]:
    """The ids of the hooks for which something is in the outbox."""
    return {delivery.hook_id for delivery in scene.log()}


def test_hooks_of_that_trigger_and_of_any_event_get_it_and_no_others(scene: Scene) -> None:
    right = scene.hook(URL, trigger="balance_depleted")[0]
    any_event = scene.hook(URL, trigger="any_event")[0]
    scene.hook(URL, trigger="balance_charge_created")
    scene.publish(DEPLETED)
    assert wanted(scene) == {right, any_event}


def test_a_type_that_nobody_knows_goes_to_any_event_only(scene: Scene) -> None:
    any_event = scene.hook(URL, trigger="any_event")[0]
    scene.hook(URL, trigger="balance_depleted")
    scene.publish("paywall.balance_depleted")
    scene.publish("brand.new")
    assert wanted(scene) == {any_event}
    assert len(scene.log()) == 2


def test_other_paywalls_and_hooks_that_are_off_or_gone_get_nothing(scene: Scene) -> None:
    off = scene.hook(URL + "/off")[0]
    scene.store.write(lambda c: hook_rows.note(c, well=[], failing={}, gone={off: "It is gone."}))
    deleted = scene.hook(URL + "/deleted")[0]
    scene.hooks.delete(scene.paywall, deleted)
    other = scene.new_paywall("lpw_other")
    scene.hooks.create(other, target_url=URL, trigger="any_event", user="", test=False)
    scene.publish()
    assert wanted(scene) == set()


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
    scene: Scene, wallet: str, user: str, gets: bool
) -> None:
    for known in ("ann", "bob"):
        scene.store.write(
            lambda c, known=known: event_rows.learn_pair(  # type: ignore[misc]
                c, scene.paywall.id, f"wallet_{known}", known
            )
        )
    hook = scene.hook(URL, user="ann")[0]
    scene.publish(wallet=wallet, user=user)
    assert wanted(scene) == ({hook} if gets else set())


def test_an_event_that_comes_in_twice_is_sent_once(scene: Scene) -> None:
    scene.hook(URL)
    scene.publish()
    count = scene.store.write(
        lambda c: delivery_rows.fan_out(
            c,
            scene.paywall.id,
            event_seq=1,
            event_id="evt_1",
            type=DEPLETED,
            wallet_id="",
            external_id="",
        )
    )
    assert count == 0
    assert len(scene.log()) == 1


def test_an_event_whose_transaction_fails_is_not_sent(scene: Scene) -> None:
    scene.hook(URL)

    def fails(connection: object) -> None:
        delivery_rows.fan_out(
            connection,  # type: ignore[arg-type]
            scene.paywall.id,
            event_seq=1,
            event_id="evt_1",
            type=DEPLETED,
            wallet_id="",
            external_id="",
        )
        raise KeyError

    with pytest.raises(KeyError):
        scene.store.write(fails)
    assert scene.log() == []


def test_a_thousand_hooks_are_one_statement(scene: Scene) -> None:
    for number in range(1000):
        scene.store.write(
            lambda c, n=number: hook_rows.insert(  # type: ignore[misc]
                c,
                scene.paywall.id,
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
        scene.publish()
        took.append(time.perf_counter() - began)
    assert scene.pending() == 5000
    assert min(took) < 3
