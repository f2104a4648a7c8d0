"""Whoever calls the poller from elsewhere is heard at once, whatever it does just then."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest

from connector.serving import poller as serving_poller
from connector.serving.poller import Poller

LOST = 20.0
"""Seconds after which a call is taken to be lost; the poller would look up only in an hour."""


@pytest.fixture
def poller(monkeypatch: pytest.MonkeyPatch) -> Iterator[Poller]:
    monkeypatch.setattr(serving_poller, "_LONGEST", 3_600.0)
    poller, over = Poller(), threading.Event()

    def loop() -> None:
        while not over.is_set():
            poller.wait(None, monotonic())

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    yield poller
    poller.call(over.set)
    thread.join(LOST)
    assert not thread.is_alive()
    poller.close()


def test_no_call_is_lost_between_looking_and_falling_asleep(poller: Poller) -> None:
    def callers(_: int) -> int:
        for number in range(5_000):
            heard = threading.Event()
            poller.call(heard.set)
            if not heard.wait(LOST):
                return number
        return -1

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(callers, range(4))) == [-1] * 4


def test_a_call_that_calls_again_is_heard(poller: Poller) -> None:
    heard = threading.Event()
    poller.call(lambda: poller.call(lambda: poller.call(heard.set)))
    assert heard.wait(LOST)
