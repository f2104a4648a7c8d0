"""In a burst deliveries share transactions; each still gets its own answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from connector.store import event_rows
from connector.store.trigger_tables import events
from tests.support.connected_app import ConnectedApp
from tests.support.processes import until


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
