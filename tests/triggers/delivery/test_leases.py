"""What a worker drops is taken over; what it says too late does not count, except that it went
well."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sqlalchemy import Connection

from connector.store import outbox_rows, outbox_turns
from connector.store.outbox_rows import FAILED, PENDING, SENT, Attempt, Ended
from connector.store.task_rows import Task
from tests.conftest import SECRET
from tests.support.delivery_setup import DeliverySetup
from tests.support.processes import until
from tests.triggers.delivery.receiver import OK, Push, running_receiver

URL = "https://8.8.8.8/hook"
WELL = Attempt(200, 5, "ok", "")
BADLY = Attempt(500, 5, "", "The address answered 500.")


def claim(delivery_setup: DeliverySetup) -> list[Task]:
    """What a worker claims that never comes back."""

    def take(connection: Connection) -> list[Task]:
        waiting = outbox_turns.waiting(connection, "")
        ids = [
            delivery_id
            for paywall_id in waiting.paywalls
            for queue in outbox_turns.due(connection, paywall_id, "", 100, waiting.moment)
            for delivery_id in queue.due
        ]
        return outbox_rows.claim(connection, ids)

    return delivery_setup.store.write(take)


def settle(delivery_setup: DeliverySetup, task: Task, state: str, attempt: Attempt) -> None:
    """What it says in the end."""
    delivery_setup.store.write(lambda c: outbox_rows.settle(c, [Ended(task, state, 60, attempt)]))


def test_nobody_else_gets_what_is_claimed_until_the_lease_ends(
    delivery_setup: DeliverySetup,
) -> None:
    delivery_setup.hook(URL)
    delivery_setup.publish()
    (first,) = claim(delivery_setup)
    assert claim(delivery_setup) == []
    delivery_setup.fast_forward()
    (second,) = claim(delivery_setup)
    assert (second.id, second.token) == (first.id, first.token + 1)


def test_a_late_failure_does_not_count(delivery_setup: DeliverySetup) -> None:
    delivery_setup.hook(URL)
    delivery_setup.publish()
    (late,) = claim(delivery_setup)
    delivery_setup.fast_forward()
    (newer,) = claim(delivery_setup)
    settle(delivery_setup, late, FAILED, BADLY)
    assert [(d.state, d.attempts) for d in delivery_setup.log()] == [(PENDING, ())]
    settle(delivery_setup, newer, SENT, WELL)
    assert [d.state for d in delivery_setup.log()] == [SENT]


def test_a_late_success_counts_and_nothing_is_sent_after_it(delivery_setup: DeliverySetup) -> None:
    delivery_setup.hook(URL)
    delivery_setup.publish()
    (late,) = claim(delivery_setup)
    delivery_setup.fast_forward()
    (newer,) = claim(delivery_setup)
    settle(delivery_setup, late, SENT, WELL)
    settle(delivery_setup, newer, PENDING, BADLY)
    (delivery,) = delivery_setup.log()
    assert (delivery.state, [a.status for a in delivery.attempts]) == (SENT, [200])


def test_what_is_written_twice_counts_once(delivery_setup: DeliverySetup) -> None:
    delivery_setup.hook(URL)
    delivery_setup.publish()
    (task,) = claim(delivery_setup)
    settle(delivery_setup, task, PENDING, BADLY)
    settle(delivery_setup, task, PENDING, BADLY)
    assert [len(d.attempts) for d in delivery_setup.log()] == [1]


def test_twenty_workers_claim_each_delivery_once(delivery_setup: DeliverySetup) -> None:
    for number in range(10):
        delivery_setup.hook(f"{URL}/{number}")
    for _ in range(2):
        delivery_setup.publish()
    together = threading.Barrier(20)

    def work(_: int) -> list[str]:
        together.wait()
        return [task.id for task in claim(delivery_setup)]

    with ThreadPoolExecutor(20) as pool:
        claimed = [i for ids in pool.map(work, range(20)) for i in ids]
    assert len(claimed) == len(set(claimed)) == 20


def test_two_workers_share_the_work_and_send_nothing_twice(delivery_setup: DeliverySetup) -> None:
    with running_receiver() as target:
        for number in range(20):
            delivery_setup.hook(f"{target.url}/{number}")
        for _ in range(5):
            delivery_setup.publish()
        with delivery_setup.working(), delivery_setup.working():
            until(lambda: delivery_setup.pending() == 0)
        ids = [push.headers["webhook-id"] for push in target.pushes]
    assert len(ids) == len(set(ids)) == 100


def test_what_a_killed_worker_had_under_way_is_sent_by_the_next(
    delivery_setup: DeliverySetup, tmp_path: Path
) -> None:
    def hangs_at_first(connection: socket.socket, _: Push, over: threading.Event) -> None:
        if len(target.pushes) == 1:
            over.wait(60)
        connection.sendall(OK)

    with running_receiver(hangs_at_first) as target:
        delivery_setup.hook(target.url)
        delivery_setup.publish()
        with (tmp_path / "worker.log").open("wb") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tests.triggers.delivery.lone_worker"],
                env=os.environ
                | {
                    "CONNECTOR_DATABASE_URL": delivery_setup.settings.database_url,
                    "CONNECTOR_SECRET_KEYS": SECRET,
                    "CONNECTOR_ALLOWED_TARGETS": "127.0.0.0/8",
                },
                stderr=output,
            )
        target.wait(1)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        (waiting,) = delivery_setup.log()
        assert (waiting.state, waiting.attempts) == (PENDING, ())
        assert 0 < delivery_setup.waits(waiting.id) <= outbox_rows.LEASE_SECONDS
        delivery_setup.fast_forward()
        with delivery_setup.working():
            (sent,) = delivery_setup.settled()
        assert sent.state == SENT
        first, second = target.wait(2)
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.raw == second.raw


def test_a_stop_finishes_what_is_under_way(delivery_setup: DeliverySetup) -> None:
    def waits(connection: socket.socket, _: Push, over: threading.Event) -> None:
        over.wait(0.3)
        connection.sendall(OK)

    with running_receiver(waits) as target:
        delivery_setup.hook(target.url)
        delivery_setup.publish()
        with delivery_setup.working():
            target.wait(1)
    assert [d.state for d in delivery_setup.log()] == [SENT]
