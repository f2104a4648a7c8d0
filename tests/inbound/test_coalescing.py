"""In a burst deliveries share transactions; each still gets its own answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from connector.errors import Unavailable
from connector.inbound.coalescing import Coalescer
from connector.store import event_rows
from connector.store.trigger_tables import events
from tests.support.connected_app import ConnectedApp
from tests.support.processes import until


class HeldWork:
    """A piece of work that begins when it is let, and tells which batches came."""

    def __init__(self, most: int = 64, patience: float = 20.0) -> None:
        self.batches: list[list[int]] = []
        self.go, self.broken = Event(), False
        self.all = Coalescer(self.work, most, patience)

    def work(self, key: str, items: list[int]) -> list[str]:
        self.batches.append(items)
        assert self.go.wait(20)
        if self.broken:
            raise ValueError("broken")
        return [f"{key}{item}" for item in items]

    def waiting(self, key: str) -> int:
        return len(self.all._waiting.get(key, []))


def test_what_arrives_meanwhile_shares_the_next_turn_and_each_gets_its_own_result() -> None:
    work = HeldWork(most=3)
    with ThreadPoolExecutor(6) as threads:
        first = threads.submit(work.all.run, "a", 0)
        until(lambda: work.batches)
        others = []
        for item in range(1, 6):
            others.append(threads.submit(work.all.run, "a", item))
            until(lambda item=item: work.waiting("a") == item)  # type: ignore[misc]
        work.go.set()
        assert [future.result() for future in (first, *others)] == [f"a{n}" for n in range(6)]
    assert work.batches == [[0], [1, 2, 3], [4, 5]]
    assert work.all._waiting == {}


def test_keys_do_not_wait_for_each_other() -> None:
    work = HeldWork()
    with ThreadPoolExecutor(2) as threads:
        futures = [threads.submit(work.all.run, key, 1) for key in "ab"]
        until(lambda: len(work.batches) == 2)
        work.go.set()
        assert [future.result() for future in futures] == ["a1", "b1"]


def test_a_failure_reaches_all_who_wait_and_nobody_after_them() -> None:
    work = HeldWork()
    work.broken = True
    with ThreadPoolExecutor(3) as threads:
        futures = [threads.submit(work.all.run, "a", 0)]
        until(lambda: work.batches)
        futures += [threads.submit(work.all.run, "a", item) for item in (1, 2)]
        until(lambda: work.waiting("a") == 2)
        work.go.set()
        for future in futures:
            with pytest.raises(ValueError, match="broken"):
                future.result()
    assert work.batches == [[0]]
    work.broken = False
    assert work.all.run("a", 7) == "a7"


def test_nobody_waits_for_ever_for_one_who_is_stuck() -> None:
    work = HeldWork(patience=0.2)
    with ThreadPoolExecutor(2) as threads:
        stuck = threads.submit(work.all.run, "a", 0)
        until(lambda: work.batches)
        with pytest.raises(Unavailable):
            work.all.run("a", 1)
        assert work.waiting("a") == 0
        work.go.set()
        assert stuck.result() == "a0"
    assert work.all.run("a", 2) == "a2"
    assert work.batches == [[0], [2]]


@pytest.fixture
def burst(connected_app: ConnectedApp, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Deliver events so that all but the first are one batch: their answers, in order."""
    owner = connected_app.owner().ready()
    inside, go = Event(), Event()
    insert = event_rows.insert_new

    def held(connection: Any, paywall_id: str, **values: Any) -> int | None:
        if values["event_id"] == "first":
            inside.set()
            assert go.wait(20)
        if values["type"] == "paywall.bad":
            raise RuntimeError("a defect of ours")
        return insert(connection, paywall_id, **values)

    monkeypatch.setattr(event_rows, "insert_new", held)

    def deliver(*result: dict[str, Any]) -> list[int]:
        taken = connected_app.connector.parts.inbound._coalescer
        signed = [owner.signed(event) for event in (owner.event(id="first"), *result)]
        with ThreadPoolExecutor(len(signed)) as threads:
            answers = [threads.submit(connected_app.connector.post, *signed[0])]
            assert inside.wait(20)
            for number, one in enumerate(signed[1:], 1):
                answers.append(threads.submit(connected_app.connector.post, *one))
                until(lambda n=number: len(next(iter(taken._waiting.values()))) == n)  # type: ignore[misc]
            go.set()
            return [answer.result().status_code for answer in answers[1:]]

    return owner, deliver


def test_a_defect_takes_nobody_with_it(burst: Any, connected_app: ConnectedApp) -> None:
    owner, deliver = burst
    good, bad, last = (owner.event(id="good"), owner.event(id="bad", type="paywall.bad"),
                       owner.event(id="last"))  # fmt: skip
    assert deliver(good, bad, last) == [200, 503, 200]
    stored = connected_app.rows(events.select().order_by(events.c.seq))
    assert [(row.event_id, row.seq) for row in stored] == [("first", 1), ("good", 2), ("last", 3)]


def test_the_same_event_twice_in_a_batch_is_one(burst: Any, connected_app: ConnectedApp) -> None:
    owner, deliver = burst
    foreign = owner.event(id="foreign", paywallId="pw_of_somebody_else")
    event = owner.event(id="same")
    assert deliver(event, foreign, event) == [200, 422, 200]
    assert [row.event_id for row in connected_app.rows(events.select())] == ["first", "same"]
