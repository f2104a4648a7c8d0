"""One clock for all: the database's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.errors import Unavailable
from connector.store import Store
from connector.store.clock import LOOK_EVERY, DatabaseClock

FAR = datetime(2031, 5, 1, 12, tzinfo=UTC)


def test_the_databases_time_is_told_whatever_this_machine_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steady = [100.0]
    monkeypatch.setattr("connector.store.clock.time.monotonic", lambda: steady[0])
    asked: list[int] = []

    def ask() -> datetime:
        asked.append(1)
        return FAR

    clock = DatabaseClock(ask)
    assert clock.now() == FAR
    steady[0] += 30
    assert clock.now() == FAR + timedelta(seconds=30)
    assert len(asked) == 1
    steady[0] += LOOK_EVERY
    assert clock.now() == FAR
    assert len(asked) == 2


def test_while_it_is_away_the_last_word_counts_and_it_is_not_asked_each_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    steady = [100.0]
    monkeypatch.setattr("connector.store.clock.time.monotonic", lambda: steady[0])
    answers: list[datetime] = [FAR]
    asked: list[int] = []

    def ask() -> datetime:
        asked.append(1)
        if not answers:
            raise Unavailable("away")
        return answers.pop()

    clock = DatabaseClock(ask)
    clock.now()
    steady[0] += LOOK_EVERY + 1
    assert clock.now() == clock.now() == FAR + timedelta(seconds=LOOK_EVERY + 1)
    assert len(asked) == 2


def test_a_store_has_one(store: Store) -> None:
    assert abs(store.clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
