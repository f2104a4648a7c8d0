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

from connector.store import outbox_rows
from connector.store.outbox_rows import FAILED, PENDING, SENT, Attempt, Ended
from connector.store.task_rows import Task
from tests.conftest import SECRET
from tests.support.delivery_setup import Scene
from tests.support.processes import until
from tests.triggers.delivery.receiver import OK, Push, running_receiver

URL = "https://8.8.8.8/hook"
WELL = Attempt(200, 5, "ok", "")
BADLY = Attempt(500, 5, "", "The address answered 500.")


def claim(scene: Scene) -> list[Task]:
    """What a worker claims that never comes back."""

    def take(connection: Connection) -> list[Task]:
        ids = [i for queue in outbox_rows.due(connection, "", 100) for i in queue.due]
        return outbox_rows.claim(connection, ids)

    return scene.store.write(take)


def settle(scene: Scene, task: Task, state: str, attempt: Attempt) -> None:
    """What it says in the end."""
    scene.store.write(lambda c: outbox_rows.settle(c, [Ended(task, state, 60, attempt)]))


def test_nobody_else_gets_what_is_claimed_until_the_lease_ends(scene: Scene) -> None:
    scene.hook(URL)
    scene.publish()
    (first,) = claim(scene)
    assert claim(scene) == []
    scene.fast_forward()
    (second,) = claim(scene)
    assert (second.id, second.token) == (first.id, first.token + 1)


def test_a_late_failure_does_not_count(scene: Scene) -> None:
    scene.hook(URL)
    scene.publish()
    (late,) = claim(scene)
    scene.fast_forward()
    (newer,) = claim(scene)
    settle(scene, late, FAILED, BADLY)
    assert [(d.state, d.attempts) for d in scene.log()] == [(PENDING, ())]
    settle(scene, newer, SENT, WELL)
    assert [d.state for d in scene.log()] == [SENT]


def test_a_late_success_counts_and_nothing_is_sent_after_it(scene: Scene) -> None:
    scene.hook(URL)
    scene.publish()
    (late,) = claim(scene)
    scene.fast_forward()
    (newer,) = claim(scene)
    settle(scene, late, SENT, WELL)
    settle(scene, newer, PENDING, BADLY)
    (delivery,) = scene.log()
    assert (delivery.state, [a.status for a in delivery.attempts]) == (SENT, [200])


def test_what_is_written_twice_counts_once(scene: Scene) -> None:
    scene.hook(URL)
    scene.publish()
    (task,) = claim(scene)
    settle(scene, task, PENDING, BADLY)
    settle(scene, task, PENDING, BADLY)
    assert [len(d.attempts) for d in scene.log()] == [1]


def test_twenty_workers_claim_each_delivery_once(scene: Scene) -> None:
    for number in range(10):
        scene.hook(f"{URL}/{number}")
    for _ in range(2):
        scene.publish()
    together = threading.Barrier(20)

    def work(_: int) -> list[str]:
        together.wait()
        return [task.id for task in claim(scene)]

    with ThreadPoolExecutor(20) as pool:
        claimed = [i for ids in pool.map(work, range(20)) for i in ids]
    assert len(claimed) == len(set(claimed)) == 20


def test_two_workers_share_the_work_and_send_nothing_twice(scene: Scene) -> None:
    with running_receiver() as target:
        for number in range(20):
            scene.hook(f"{target.url}/{number}")
        for _ in range(5):
            scene.publish()
        with scene.working(), scene.working():
            until(lambda: scene.pending() == 0)
        ids = [push.headers["webhook-id"] for push in target.pushes]
    assert len(ids) == len(set(ids)) == 100


def test_what_a_killed_worker_had_under_way_is_sent_by_the_next(
    scene: Scene, tmp_path: Path
) -> None:
    def hangs_at_first(connection: socket.socket, _: Push, over: threading.Event) -> None:
        if len(target.pushes) == 1:
            over.wait(60)
        connection.sendall(OK)

    with running_receiver(hangs_at_first) as target:
        scene.hook(target.url)
        scene.publish()
        with (tmp_path / "worker.log").open("wb") as output:
            worker = subprocess.Popen(
                [sys.executable, "-m", "tests.triggers.delivery.lone_worker"],
                env=os.environ
                | {
                    "CONNECTOR_DATABASE_URL": scene.settings.database_url,
                    "CONNECTOR_SECRET_KEYS": SECRET,
                    "CONNECTOR_ALLOWED_TARGETS": "127.0.0.0/8",
                },
                stderr=output,
            )
        target.wait(1)
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        (waiting,) = scene.log()
        assert (waiting.state, waiting.attempts) == (PENDING, ())
        assert 0 < scene.waits(waiting.id) <= outbox_rows.LEASE_SECONDS
        scene.fast_forward()
        with scene.working():
            (sent,) = scene.settled()
        assert sent.state == SENT
        first, second = target.wait(2)
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.raw == second.raw


def test_a_stop_finishes_what_is_under_way(scene: Scene) -> None:
    def waits(connection: socket.socket, _: Push, over: threading.Event) -> None:
        over.wait(0.3)
        connection.sendall(OK)

    with running_receiver(waits) as target:
        scene.hook(target.url)
        scene.publish()
        with scene.working():
            target.wait(1)
    assert [d.state for d in scene.log()] == [SENT]
