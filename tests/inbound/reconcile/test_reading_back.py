"""What was missed is read back from upstream's log, or it is told that something may be missing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection, select, update
from structlog.testing import capture_logs

from connector.errors import UpstreamTimeout
from connector.inbound.housekeeping import FIRST_SECONDS
from connector.store import event_rows, hook_rows, subscription_rows
from connector.store.subscription_rows import Subscription
from connector.store.timestamps import now
from connector.store.trigger_tables import subscriptions
from connector.telemetry.metrics import render_metrics
from tests.conftest import SECRET
from tests.inbound.conftest import MakeConnectedApp
from tests.support.connected_app import PUBLIC_URL, ConnectedApp, Owner
from tests.support.processes import until

DEPLETED = "paywall.balance.depleted"
BLOCKED = "paywall.request.blocked"


def gaps() -> float:
    """How many readings left a gap, in this test run."""
    start = "connector_possible_gaps_total "
    lines = render_metrics()[0].decode().splitlines()
    return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))


def give_up(owner: Owner, kind: str = DEPLETED, count: int = 1) -> list[str]:
    """Upstream sends events while nobody is at home, until it gives up for good."""
    owner.control("POST", "settings", {"deactivate_after": 1_000_000})
    owner.connected_app.down = True
    ids = owner.emit(kind, count=count)
    until(lambda: not owner.log("pending"))
    owner.connected_app.down = False
    return ids


def add_hook(owner: Owner) -> str:
    """Somebody subscribes to everything, and the key is kept from its next use on; the hook's
    id."""
    paywall_id = owner.local_id()
    made = owner.connected_app.connector.parts.store.write(
        lambda connection: hook_rows.insert(
            connection,
            paywall_id,
            target_url="https://receiver.example/hook",
            trigger="any_event",
            user_id="",
            sealed_secret="sealed",
            most=10,
        )
    )
    owner.pass_ten_minutes()
    owner.ready()
    owner.connected_app.idle()
    assert made is not None
    return made[0].id


def test_after_a_restart_one_poll_brings_everything_back(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    early = owner.send()
    missed = give_up(owner, DEPLETED, 3) + give_up(owner, BLOCKED, 2)
    app_with_quick_retries.open()
    assert sorted(owner.ids()) == sorted(early + missed)
    assert owner.me()["possible_gap"] is False


def test_what_is_read_back_keeps_the_order_of_its_making(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    first, second = give_up(owner), give_up(owner, BLOCKED)
    app_with_quick_retries.open()
    assert owner.ids(after=0) == first + second


def test_a_running_connector_reads_back_every_quarter_of_an_hour(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    missed = give_up(owner)
    assert owner.ids() == []
    owner.pass_quarter_hour()
    assert owner.ids() == missed
    asked = owner.asked("logs")
    owner.poll()
    assert owner.asked("logs") == asked, "and not more often"


def test_what_upstream_is_still_trying_to_send_is_read_back_too(
    connected_app: ConnectedApp,
) -> None:
    owner = connected_app.owner().ready()
    connected_app.down = True
    (event_id,) = owner.emit()
    until(lambda: owner.log("pending")[0]["attempts"] == 1)
    connected_app.down = False
    connected_app.open()
    assert owner.ids() == [event_id]
    owner.control("POST", "clock", {"advance": 60})
    until(lambda: not owner.log("pending"))
    assert owner.ids() == [event_id]


def test_what_was_acknowledged_is_read_back_after_a_loss(connected_app: ConnectedApp) -> None:
    """A database restored from yesterday's copy."""
    owner = connected_app.owner().ready()
    ids = owner.send(count=3)
    connected_app.change(owner.forget(ids[1]))
    connected_app.open()
    assert set(owner.ids()) == set(ids)


def test_nothing_comes_in_twice(app_with_quick_retries: ConnectedApp) -> None:
    owner = app_with_quick_retries.owner().ready()
    ids = owner.send(count=5)
    app_with_quick_retries.open()
    owner.poll()
    owner.pass_quarter_hour()
    owner.poll()
    assert sorted(owner.stored()) == sorted(ids)


def test_a_hundred_of_each_kind_come_back_without_a_gap(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    missed = give_up(owner, DEPLETED, 99) + give_up(owner, BLOCKED, 99)
    app_with_quick_retries.open()
    owner.poll()
    app_with_quick_retries.idle()
    assert sorted(owner.stored()) == sorted(missed)
    assert owner.me()["possible_gap"] is False


def test_more_than_a_hundred_of_one_kind_are_told_as_a_possible_gap(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    missed = give_up(owner, DEPLETED, 120)
    others = give_up(owner, BLOCKED, 30)
    before = gaps()
    app_with_quick_retries.open()
    with capture_logs() as logged:
        owner.poll()
        app_with_quick_retries.idle()
    assert set(others) < set(owner.stored()) < set(missed + others)
    assert len(owner.stored()) == 130
    told = owner.me()
    assert told["possible_gap"] is True
    assert "Balance Depleted (error)" in told["triggers_message"]
    assert gaps() == before + 1
    assert "possible_gap" in [line["event"] for line in logged]


def test_what_upstream_still_tries_to_send_is_no_gap_yet(
    make_connected_app: MakeConnectedApp,
) -> None:
    connected_app = make_connected_app(retry_base=600.0)  # none is sent again meanwhile
    owner = connected_app.owner().ready()
    connected_app.down = True
    ids = owner.emit(count=120)
    until(lambda: all(row["attempts"] for row in owner.log("pending")))
    connected_app.down = False
    connected_app.open()
    owner.poll()
    connected_app.idle()
    assert len(owner.stored()) == 100, "as many as one page of the log shows"
    assert owner.me()["possible_gap"] is False
    owner.control("POST", "clock", {"advance": 700})
    until(lambda: not owner.log("pending"))
    assert sorted(owner.stored()) == sorted(ids)
    owner.pass_quarter_hour()
    owner.poll()
    assert owner.me()["possible_gap"] is False


def test_once_upstream_has_given_it_up_it_is_one(app_with_quick_retries: ConnectedApp) -> None:
    owner = app_with_quick_retries.owner().ready()
    owner.control("POST", "settings", {"deactivate_after": 1_000_000})
    app_with_quick_retries.down = True
    owner.emit(count=120)
    app_with_quick_retries.open()
    owner.poll()  # while upstream tries, or after that
    until(lambda: not owner.log("pending"))
    owner.pass_quarter_hour()
    owner.poll()
    assert owner.me()["possible_gap"] is True


def test_many_that_were_all_taken_are_no_gap(owner: Owner) -> None:
    owner.send(count=120)
    owner.pass_quarter_hour()
    owner.poll()
    assert owner.me()["possible_gap"] is False
    assert len(owner.stored()) == 120


def test_a_busy_paywall_costs_three_questions_each_time(owner: Owner) -> None:
    owner.send(count=120)
    owner.pass_quarter_hour()
    owner.poll()
    owner.connected_app.idle()
    owner.pass_quarter_hour()
    asked = owner.asked("logs")
    owner.poll()
    owner.connected_app.idle()
    assert owner.asked("logs") - asked == len(("pending", "error", "success"))


def test_what_was_lost_with_a_database_is_read_back_behind_a_full_page(
    connected_app: ConnectedApp,
) -> None:
    """A database restored from yesterday's copy, at a paywall where much happens."""
    owner = connected_app.owner().ready()
    early = owner.send(BLOCKED, count=50)
    late = owner.send(DEPLETED, count=100)
    connected_app.change(owner.forget(early[7]))
    connected_app.change(update(subscriptions).values(read_at=now(-86_400)))
    connected_app.open()
    owner.poll()
    connected_app.idle()
    assert sorted(owner.stored()) == sorted(early + late)


def test_types_that_the_catalog_does_not_know_are_read_back_too(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    missed = give_up(owner, "paywall.something.new", 60)
    missed += give_up(owner, DEPLETED, 60)
    app_with_quick_retries.open()
    owner.poll()
    app_with_quick_retries.idle()
    assert sorted(owner.stored()) == sorted(missed)
    assert owner.me()["possible_gap"] is False


def test_old_events_are_not_read_back(app_with_quick_retries: ConnectedApp) -> None:
    owner = app_with_quick_retries.owner().ready()
    app_with_quick_retries.down = True
    owner.emit(created_at="2020-01-01T00:00:00Z")
    until(lambda: not owner.log("pending"))
    app_with_quick_retries.open()
    assert owner.ids() == []


def test_the_logs_of_old_subscriptions_are_read_too(app_with_quick_retries: ConnectedApp) -> None:
    owner = app_with_quick_retries.owner().ready()
    missed = give_up(owner)
    app_with_quick_retries.open(secret_keys=f"the-tests-server-secret-of-tomorrow-012345,{SECRET}")
    owner.ready()
    until(lambda: owner.ids() == missed)
    assert len(owner.subscriptions(inactive=True)) == 2


@pytest.mark.parametrize("fault", ["http_500", "garbage", "drop_before_commit", "http_429"])
def test_a_reading_that_fails_midway_does_not_count(
    app_with_quick_retries: ConnectedApp, fault: str
) -> None:
    owner = app_with_quick_retries.owner().ready()
    missed = give_up(owner)
    before = owner.subscription().read_at
    app_with_quick_retries.open()
    owner.arm("logs", fault, times=9, seconds=30)
    assert owner.ids() == []
    app_with_quick_retries.idle()
    assert owner.subscription().read_at == before
    owner.arm("logs", fault, times=0)
    assert owner.ids() == missed


def test_a_slow_log_makes_no_poll_wait_longer_than_five_seconds(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    missed = give_up(owner)
    app_with_quick_retries.open()
    owner.arm("logs", "slow", times=1, seconds=7)
    assert owner.ids() == []
    app_with_quick_retries.idle()
    assert owner.ids() == missed


def test_two_processes_do_not_read_at_once(app_with_quick_retries: ConnectedApp) -> None:
    owner = app_with_quick_retries.owner().ready()
    missed = give_up(owner)
    pair = [app_with_quick_retries.open(), app_with_quick_retries.open()]
    owner.arm("logs", "slow", times=1, seconds=1)
    asked = owner.asked("logs")
    with ThreadPoolExecutor(2) as callers:
        list(callers.map(lambda one: owner.get("triggers/any_event", one), pair))
    app_with_quick_retries.idle()
    assert owner.asked("logs") - asked == len(("pending", "error", "success"))
    assert owner.ids() == missed


def test_a_dead_process_lets_others_read_two_minutes_later(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    missed = give_up(owner)
    app_with_quick_retries.change(update(subscriptions).values(read_lease_until=now(120)))
    app_with_quick_retries.open()
    assert owner.ids() == []
    app_with_quick_retries.change(update(subscriptions).values(read_lease_until=now(-1)))
    assert owner.ids() == missed


def test_where_only_hooks_are_used_the_worker_reads_back_with_the_kept_key(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    add_hook(owner)
    missed = give_up(owner)
    worker = app_with_quick_retries.open().threads.housekeeper
    worker.round()
    assert owner.stored() == missed


def test_the_worker_looks_after_a_subscription_that_was_switched_off(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    add_hook(owner)
    owner.unsubscribe(owner.subscriptions()[0]["id"])
    app_with_quick_retries.open().threads.housekeeper.round()
    assert len(owner.subscriptions()) == 1
    (event_id,) = owner.send()
    assert event_id in owner.stored()


def test_paywalls_whose_calls_hang_come_last(
    app_with_quick_retries: ConnectedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    owners = [app_with_quick_retries.owner(f"one-{n}").ready() for n in range(4)]
    for owner in owners:
        add_hook(owner)
    *hanging, well = owners
    names = {owner.local_id() for owner in hanging}
    missed = give_up(well)
    worker = app_with_quick_retries.open().threads.housekeeper
    look_after = worker._look_after
    looked: list[tuple[str, float]] = []

    def noted(row: subscription_rows.Subscription, seconds: float) -> None:
        looked.append((row.paywall_id, seconds))
        if row.paywall_id in names and seconds < 30:
            raise UpstreamTimeout("Paywalls did not answer in time.")
        look_after(row, seconds)

    monkeypatch.setattr(worker, "_look_after", noted)
    worker.round()
    assert well.stored() == missed
    first, last = looked[:4], looked[4:]
    assert {seconds for _, seconds in first} == {FIRST_SECONDS}
    assert {name for name, _ in last} == names
    assert {seconds for _, seconds in last} == {60}


def test_what_another_process_read_since_the_start_is_not_read_again(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    add_hook(owner)
    first, second = (app_with_quick_retries.open().threads.housekeeper for _ in range(2))
    second._reconcile.due(owner.local_id())  # it has started
    first.round()
    asked = owner.asked("logs")
    assert asked
    second.round()
    assert owner.asked("logs") == asked


def test_a_worker_that_could_not_look_after_it_tries_again_in_the_next_round(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    add_hook(owner)
    owner.unsubscribe(owner.subscriptions()[0]["id"])
    app_with_quick_retries.change(update(subscriptions).values(state=subscription_rows.FAILED))
    worker = app_with_quick_retries.open().threads.housekeeper
    owner.arm("subscriptions", "http_500", times=9)
    worker.round()
    assert owner.subscription().state == subscription_rows.FAILED
    owner.arm("subscriptions", "http_500", times=0)
    worker.round()
    assert owner.subscription().state == subscription_rows.READY
    assert len(owner.subscriptions()) == 1


def test_the_key_is_kept_only_while_there_are_hooks(app_with_quick_retries: ConnectedApp) -> None:
    owner = app_with_quick_retries.owner().ready()
    app_with_quick_retries.idle()
    assert owner.subscription().kept_key is None
    add_hook(owner)
    kept = owner.subscription().kept_key
    assert kept
    assert owner.key not in kept


def test_a_kept_key_that_was_replaced_is_suspended_until_the_new_one_is_used(
    app_with_quick_retries: ConnectedApp,
) -> None:
    owner = app_with_quick_retries.owner().ready()
    add_hook(owner)
    owner.rotate()
    with capture_logs() as logged:
        app_with_quick_retries.open().threads.housekeeper.round()
        app_with_quick_retries.open().threads.housekeeper.round()
    assert [line["event"] for line in logged].count("kept_key_refused") == 1
    assert owner.subscription().key_refused_at is not None


def test_keys_are_not_kept_where_the_operator_forbids_it(
    make_connected_app: MakeConnectedApp,
) -> None:
    connected_app = make_connected_app(retry_base=0.004, public_url=PUBLIC_URL, keep_keys="false")
    owner = connected_app.owner().ready()
    add_hook(owner)
    assert owner.subscription().kept_key is None
    missed = give_up(owner)
    worker = connected_app.open().threads.housekeeper
    worker.round()
    assert owner.stored() == []
    assert owner.ids() == missed, "a poll brings them back"
    assert connected_app.rows(select(subscriptions.c.kept_key)) == [(None,)]


def test_a_worker_that_was_slow_does_not_forget_a_newer_key(
    app_with_quick_retries: ConnectedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = app_with_quick_retries.owner().ready()
    add_hook(owner)
    new, worker = owner.rotate(), app_with_quick_retries.open().threads.housekeeper
    care = worker._subscriptions.care

    def slow(*given: Any) -> Any:
        monkeypatch.undo()
        add_hook(new)  # meanwhile the owner goes on with the new key
        return care(*given)

    monkeypatch.setattr(worker._subscriptions, "care", slow)
    owner.pass_ten_minutes()
    worker.round()
    kept = new.subscription().kept_key
    assert kept
    assert worker._encryption.open(kept) == new.key


@pytest.mark.parametrize("why", ["not to be kept", "no hook"])
def test_a_key_that_is_not_needed_is_forgotten(
    app_with_quick_retries: ConnectedApp, why: str
) -> None:
    owner = app_with_quick_retries.owner().ready()
    hook_id = add_hook(owner)
    assert owner.subscription().kept_key
    asked = owner.asked("subscriptions")
    if why == "no hook":
        client = app_with_quick_retries.connector.app.test_client()
        client.delete(f"/v1/hooks/{hook_id}", headers=owner.bearer)
    else:
        app_with_quick_retries.open(keep_keys="false").threads.housekeeper.round()
        assert owner.asked("subscriptions") == asked
    assert owner.subscription().kept_key is None


def test_the_worker_lives_on_when_the_database_answers_nonsense(
    app_with_quick_retries: ConnectedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = app_with_quick_retries.owner().ready()
    add_hook(owner)
    missed = give_up(owner)
    rounds: list[int] = []
    with_live_hooks = subscription_rows.with_live_hooks

    def broken_once(connection: Connection) -> list[Subscription]:
        rounds.append(1)
        if len(rounds) == 1:
            raise RuntimeError("a defect")
        return with_live_hooks(connection)

    monkeypatch.setattr(subscription_rows, "with_live_hooks", broken_once)
    worker = app_with_quick_retries.open().threads.housekeeper
    worker._round_seconds = 0.01
    worker.start()
    until(lambda: owner.stored() == missed)
    worker.stop()


def test_cleaning_goes_on_until_nothing_is_left(app_with_quick_retries: ConnectedApp) -> None:
    owner = app_with_quick_retries.owner().ready()
    for number in range(7):
        owner.take(owner.event(id=f"{number}"))
    owner.pass_days(31)
    with pytest.MonkeyPatch.context() as patched:
        purge = event_rows.purge
        patched.setattr(event_rows, "purge", lambda c, days: purge(c, days, limit=2))
        app_with_quick_retries.open().threads.housekeeper.round()
    assert owner.stored() == []
