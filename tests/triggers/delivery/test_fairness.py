"""One target never waits because of another."""

from __future__ import annotations

import socket
import statistics
import threading
import time

from connector.store.outbox_rows import PER_TARGET
from connector.triggers.delivery import DeliveryWorker
from tests.support.delivery_setup import DeliverySetup
from tests.triggers.delivery.receiver import OK, Push, Receiver, running_receiver

EVENTS = 30


def hangs(connection: socket.socket, _: Push, over: threading.Event) -> None:
    """Never answers."""
    over.wait(120)


def takes_its_time(connection: socket.socket, _: Push, over: threading.Event) -> None:
    """Answers after three seconds."""
    over.wait(3)
    connection.sendall(OK)


def latencies(
    delivery_setup: DeliverySetup, worker: DeliveryWorker, quick: Receiver
) -> list[float]:
    """Seconds from each of some commits to its push."""
    waited = []
    for number in range(1, EVENTS + 1):
        committed = time.monotonic()
        delivery_setup.publish()
        worker.wake()
        waited.append(quick.wait(number)[-1].at - committed)
    return waited


def test_a_dead_and_a_slow_target_do_not_delay_a_third(delivery_setup: DeliverySetup) -> None:
    with running_receiver(hangs) as dead, running_receiver(takes_its_time) as slow:
        delivery_setup.hook(dead.url)
        delivery_setup.hook(slow.url)
        for _ in range(200):
            delivery_setup.publish()
        with running_receiver() as quick, delivery_setup.working() as worker:
            dead.wait(1)
            slow.wait(1)
            delivery_setup.hook(quick.url)
            waited = latencies(delivery_setup, worker, quick)
            assert len(dead.pushes) <= 2
            dead.over.set()
            slow.over.set()
    assert statistics.median(waited) < 5  # who hangs is given 15 seconds
    assert dead.busiest <= 2
    assert slow.busiest <= 2


def test_many_dead_targets_leave_places_for_who_answers(
    sqlite_delivery_setup: DeliverySetup,
) -> None:
    with running_receiver(hangs) as dead, running_receiver() as quick:
        for number in range(100):
            sqlite_delivery_setup.hook(f"{dead.url}/{number}")
        for _ in range(3):
            sqlite_delivery_setup.publish()
        with sqlite_delivery_setup.working() as worker:
            dead.wait(30)
            sqlite_delivery_setup.hook(quick.url)
            assert statistics.median(latencies(sqlite_delivery_setup, worker, quick)) < 5
            dead.over.set()


def test_a_long_queue_of_one_hook_does_not_hide_another(delivery_setup: DeliverySetup) -> None:
    with running_receiver() as busy, running_receiver() as other:
        delivery_setup.hook(busy.url, trigger="updated")
        for _ in range(300):
            delivery_setup.publish("paywall.updated")
        delivery_setup.hook(other.url, trigger="balance_depleted")
        delivery_setup.publish()
        with delivery_setup.working(young=2):
            other.wait(1)
            assert len(busy.pushes) < 100


def test_many_hooks_of_one_paywall_do_not_hide_another_paywall(
    delivery_setup: DeliverySetup,
) -> None:
    other = delivery_setup.new_paywall("lpw_other")
    with running_receiver() as busy, running_receiver() as quick:
        for number in range(100):
            delivery_setup.hook(f"{busy.url}/{number}")
        for _ in range(3):
            delivery_setup.publish()
        delivery_setup.hook(quick.url, paywall=other)
        delivery_setup.publish(paywall=other)
        with delivery_setup.working(young=4):
            quick.wait(1)
            assert len(busy.pushes) < 50
            busy.wait(300)


def test_one_target_gets_few_at_a_time_however_many_hooks_lead_there(
    sqlite_delivery_setup: DeliverySetup,
) -> None:
    def waits_a_little(connection: socket.socket, _: Push, over: threading.Event) -> None:
        over.wait(0.02)
        connection.sendall(OK)

    with running_receiver(waits_a_little) as target:
        for trigger in ("any_event", "balance_depleted", "updated"):
            sqlite_delivery_setup.hook(target.url, trigger=trigger)
        for _ in range(10):
            sqlite_delivery_setup.publish()
        with sqlite_delivery_setup.working():
            target.wait(20)
        assert target.busiest <= PER_TARGET
