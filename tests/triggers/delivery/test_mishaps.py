"""What goes wrong with one push stops neither its hook nor anybody else's."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import event, text

from connector.store import replay_rows
from connector.store.outbox_rows import SENT
from tests.support.delivery_setup import DeliverySetup
from tests.support.processes import until
from tests.triggers.delivery.receiver import OK, Push, running_receiver, says

REFUSING = {
    "sqlite": (
        "CREATE TRIGGER refusing BEFORE INSERT ON delivery_attempts WHEN NEW.answer LIKE '{}' "
        "BEGIN SELECT RAISE(ABORT, 'not this'); END",
    ),
    "postgresql": (
        "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'not this'; END $$",
        "CREATE TRIGGER refusing BEFORE INSERT ON delivery_attempts FOR EACH ROW "
        "WHEN (NEW.answer LIKE '{}') EXECUTE FUNCTION refuse()",
    ),
}
ALLOWING = {
    "sqlite": "DROP TRIGGER IF EXISTS refusing",
    "postgresql": "DROP TRIGGER IF EXISTS refusing ON delivery_attempts",
}


def replay(delivery_setup: DeliverySetup, delivery_id: str) -> None:
    """Somebody clicks Replay."""
    delivery_setup.store.write(lambda connection: replay_rows.replay_one(connection, delivery_id))


def end_lease(delivery_setup: DeliverySetup, _: str) -> None:
    """The database's clock is put forward."""
    delivery_setup.fast_forward()


class Hesitant:
    """A target that takes the first push at once, and lets the second wait until `release` is set
    and then says `second`."""

    def __init__(self, second: bytes = OK) -> None:
        self._second, self.release, self._number = second, threading.Event(), 0
        self._counting = threading.Lock()

    def __call__(self, connection: socket.socket, _: Push, over: threading.Event) -> None:
        with self._counting:
            self._number += 1
            number = self._number
        if number == 2:
            until(lambda: self.release.is_set() or over.is_set())
        connection.sendall(self._second if number == 2 else OK)


@pytest.mark.parametrize("disturb", [replay, end_lease])
def test_what_is_under_way_and_due_again_does_not_stop_its_hook(
    delivery_setup: DeliverySetup,
    monkeypatch: pytest.MonkeyPatch,
    disturb: Callable[[DeliverySetup, str], None],
) -> None:
    target = Hesitant()
    with running_receiver(target) as receiver:
        delivery_setup.hook(receiver.url)
        delivery_setup.publish()
        with delivery_setup.working() as worker:
            (delivery,) = delivery_setup.settled()
            replay(delivery_setup, delivery.id)
            worker.wake()
            receiver.wait(2)
            disturb(delivery_setup, delivery.id)
            other = delivery_setup.publish()
            worker.wake()
            assert receiver.wait(3)[2].item["id"] == other  # so both were looked at
            monkeypatch.setattr(
                "connector.triggers.delivery.QUICK_SECONDS", -1.0
            )  # from now on it is slow
            target.release.set()
            for _ in range(3):
                delivery_setup.publish()
            worker.wake()
            until(lambda: {d.state for d in delivery_setup.log()} == {SENT})
        ids = [push.headers["webhook-id"] for push in receiver.pushes]
    assert ids.count(delivery.id) == 2
    assert len(ids) == 6


def test_a_replay_during_a_push_that_fails_is_sent_at_once(delivery_setup: DeliverySetup) -> None:
    target = Hesitant(says(500))
    with running_receiver(target) as receiver:
        delivery_setup.hook(receiver.url)
        delivery_setup.publish()
        with delivery_setup.working() as worker:
            (delivery,) = delivery_setup.settled()
            for pushes in (2, 2):
                replay(delivery_setup, delivery.id)
                worker.wake()
                receiver.wait(pushes)
            target.release.set()
            receiver.wait(3)
            (sent,) = until(lambda: delivery_setup.log(state=SENT))
    assert [attempt.status for attempt in sent.attempts] == [200, 200]


def test_an_impossible_retry_after_stops_nobody(delivery_setup: DeliverySetup) -> None:
    never = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
    with (
        running_receiver(says(503, f"Retry-After: {never}\r\n")) as odd,
        running_receiver() as other,
    ):
        for number in range(3):
            delivery_setup.hook(f"{odd.url}/{number}")
        delivery_setup.publish()
        with delivery_setup.working(places=4) as worker:
            assert [d.attempts[0].status for d in delivery_setup.settled()] == [503] * 3
            delivery_setup.hook(other.url)
            delivery_setup.publish()
            worker.wake()
            other.wait(1)


def test_a_push_for_which_there_is_no_thread_gives_its_place_back(
    delivery_setup: DeliverySetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused: list[str] = []
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name.startswith("push") and len(refused) < 3:
            refused.append(thread.name)
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with running_receiver() as target:
        for number in range(3):
            delivery_setup.hook(f"{target.url}/{number}")
        delivery_setup.publish()
        with delivery_setup.working(
            places=4
        ) as worker:  # of which three are for targets nobody knows
            until(lambda: len(refused) == 3)
            delivery_setup.fast_forward()
            worker.wake()
            until(lambda: [d.state for d in delivery_setup.log()] == [SENT] * 3)


def test_what_was_taken_is_not_sent_again_because_the_database_failed(
    delivery_setup: DeliverySetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.triggers.result_buffer.APART_SECONDS", 0.1)
    with running_receiver() as target, refusals(delivery_setup) as refused:
        delivery_setup.hook(target.url)
        delivery_setup.publish()
        with delivery_setup.working() as worker:
            until(lambda: refused)
            delivery_setup.fast_forward()
            allow(delivery_setup)
            worker.wake()
            until(lambda: delivery_setup.log(state=SENT))
            delivery_setup.publish()
            worker.wake()
            until(lambda: len(delivery_setup.log(state=SENT)) == 2)
        assert len(target.pushes) == 2


def test_what_cannot_be_written_keeps_nothing_else_from_it(
    delivery_setup: DeliverySetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.triggers.result_buffer.APART_SECONDS", 0.1)
    with (
        running_receiver(says(200, body=b"odd")) as odd,
        running_receiver() as other,
        refusals(delivery_setup, "odd") as refused,
    ):
        delivery_setup.hook(odd.url)
        delivery_setup.hook(other.url)
        delivery_setup.publish()
        with delivery_setup.working() as worker:
            until(lambda: refused and delivery_setup.log(state=SENT))
            for count in (2, 3):
                delivery_setup.fast_forward()
                delivery_setup.publish()
                worker.wake()
                other.wait(count)
            assert len({push.headers["webhook-id"] for push in odd.pushes}) == len(odd.pushes)
            allow(delivery_setup)
            until(lambda: delivery_setup.pending() == 0)
        assert len(odd.pushes) == len(other.pushes) == 3
    assert {len(d.attempts) for d in delivery_setup.log()} == {1}


@contextlib.contextmanager
def refusals(delivery_setup: DeliverySetup, answer: str = "%") -> Iterator[list[str]]:
    """Until `allow`, the database, which is there, refuses to note attempts with such an answer;
    what it refused so far."""
    kind = delivery_setup.store.engine.dialect.name
    for statement in REFUSING[kind]:
        delivery_setup.store.write(lambda c, s=statement: c.execute(text(s.format(answer))))  # type: ignore[misc]
    refused: list[str] = []

    @event.listens_for(delivery_setup.store.engine, "handle_error")
    def note(context: object) -> None:
        refused.append(kind)

    try:
        yield refused
    finally:
        allow(delivery_setup)


def allow(delivery_setup: DeliverySetup) -> None:
    """It refuses nothing any more."""
    kind = delivery_setup.store.engine.dialect.name
    delivery_setup.store.write(lambda c: c.execute(text(ALLOWING[kind])))
