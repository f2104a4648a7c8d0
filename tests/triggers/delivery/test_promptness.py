"""How soon a push leaves, and what happens while the database is away."""

from __future__ import annotations

import socket
import statistics
import threading
import time

import pytest

from connector.errors import Unavailable
from tests.store.away import away
from tests.support.delivery_setup import DeliverySetup
from tests.support.processes import until
from tests.triggers.delivery.receiver import OK, Push, running_receiver


def test_a_push_leaves_when_the_event_is_committed_and_not_at_the_next_look(
    delivery_setup: DeliverySetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.triggers.delivery.POLL_SECONDS", 3600.0)
    with running_receiver() as target, delivery_setup.working() as worker:
        delivery_setup.hook(target.url)
        waited = []
        for number in range(1, 21):
            delivery_setup.publish()
            committed = time.monotonic()
            worker.wake()
            waited.append(target.wait(number)[-1].at - committed)
    assert statistics.median(waited) < 10  # 0.01 on a machine with nothing else to do


def test_without_being_woken_it_looks_every_second(delivery_setup: DeliverySetup) -> None:
    """Ten looks' time is enough for one, also on a busy machine."""
    with running_receiver() as target, delivery_setup.working():
        delivery_setup.hook(target.url)
        delivery_setup.publish()
        target.wait(1, patience=10)


def test_it_goes_on_when_the_database_is_back(delivery_setup: DeliverySetup) -> None:
    """The database is away when the answer comes."""

    def answers_later(connection: socket.socket, _: Push, over: threading.Event) -> None:
        answered.wait(60)
        connection.sendall(OK)

    answered = threading.Event()
    with running_receiver(answers_later) as target, delivery_setup.working():
        delivery_setup.hook(target.url)
        delivery_setup.publish()
        target.wait(1)
        with away(delivery_setup.settings.database_url):
            answered.set()
            with pytest.raises(Unavailable):
                delivery_setup.publish()
        until(lambda: _comes_in(delivery_setup))
        target.wait(2)
        until(lambda: delivery_setup.pending() == 0)
    assert {delivery.state for delivery in delivery_setup.log()} == {"sent"}


def _comes_in(delivery_setup: DeliverySetup) -> str:
    try:
        return delivery_setup.publish()
    except Unavailable:
        return ""
