"""One target never waits because of another."""

from __future__ import annotations

import socket
import statistics
import threading
import time

from connector.store.outbox_rows import PER_TARGET
from connector.triggers.delivery import Delivery
from tests.support.delivery_setup import Scene
from tests.triggers.delivery.receiver import OK, Push, Receiver, running_receiver

EVENTS = 30


def hangs(connection: socket.socket, _: Push, over: threading.Event) -> None:
    """Never answers."""
    over.wait(120)


def takes_its_time(connection: socket.socket, _: Push, over: threading.Event) -> None:
    """Answers after three seconds."""
    over.wait(3)
    connection.sendall(OK)


def latencies(scene: Scene, worker: Delivery, quick: Receiver) -> list[float]:
    """Seconds from each of some commits to its push."""
    waited = []
    for number in range(1, EVENTS + 1):
        committed = time.monotonic()
        scene.publish()
        worker.wake()
        waited.append(quick.wait(number)[-1].at - committed)
    return waited


def test_a_dead_and_a_slow_target_do_not_delay_a_third(scene: Scene) -> None:
    with running_receiver(hangs) as dead, running_receiver(takes_its_time) as slow:
        scene.hook(dead.url)
        scene.hook(slow.url)
        for _ in range(200):
            scene.publish()
        with running_receiver() as quick, scene.working() as worker:
            dead.wait(1)
            slow.wait(1)
            scene.hook(quick.url)
            waited = latencies(scene, worker, quick)
            assert len(dead.pushes) <= 2
            dead.over.set()
            slow.over.set()
    assert statistics.median(waited) < 5  # who hangs is given 15 seconds
    assert dead.busiest <= 2
    assert slow.busiest <= 2


def test_many_dead_targets_leave_places_for_who_answers(sqlite_scene: Scene) -> None:
    with running_receiver(hangs) as dead, running_receiver() as quick:
        for number in range(100):
            sqlite_scene.hook(f"{dead.url}/{number}")
        for _ in range(3):
            sqlite_scene.publish()
        with sqlite_scene.working() as worker:
            dead.wait(30)
            sqlite_scene.hook(quick.url)
            assert statistics.median(latencies(sqlite_scene, worker, quick)) < 5
            dead.over.set()


def test_a_long_queue_of_one_hook_does_not_hide_another(scene: Scene) -> None:
    with running_receiver() as busy, running_receiver() as other:
        scene.hook(busy.url, trigger="updated")
        for _ in range(300):
            scene.publish("paywall.updated")
        scene.hook(other.url, trigger="balance_depleted")
        scene.publish()
        with scene.working(young=2):
            other.wait(1)
            assert len(busy.pushes) < 100


def test_one_target_gets_few_at_a_time_however_many_hooks_lead_there(
    sqlite_scene: Scene,
) -> None:
    def waits_a_little(connection: socket.socket, _: Push, over: threading.Event) -> None:
        over.wait(0.02)
        connection.sendall(OK)

    with running_receiver(waits_a_little) as target:
        for trigger in ("any_event", "balance_depleted", "updated"):
            sqlite_scene.hook(target.url, trigger=trigger)
        for _ in range(10):
            sqlite_scene.publish()
        with sqlite_scene.working():
            target.wait(20)
        assert target.busiest <= PER_TARGET
