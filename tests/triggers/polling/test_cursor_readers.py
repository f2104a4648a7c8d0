"""Cursor readers neither miss nor repeat an event, however many come in at the same time.

A number that is taken before the commit, as an autoincrement is, fails here: its neighbour may be
committed and read first.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier, Event
from typing import Any

import pytest
from sqlalchemy import Connection

from connector.inbound.envelope import event_of
from connector.inbound.recording import record
from connector.store import event_rows
from tests.support.connected_app import ConnectedApp, Owner

SENDERS, EACH = 6, 40
TYPES = ("paywall.balance.depleted", "paywall.request.blocked")


def read_on(owner: Owner, trigger: str, limit: int, done: Event) -> list[dict[str, Any]]:
    """Follow X-Next-Cursor until everything is sent and nothing more comes."""
    items: list[dict[str, Any]] = []
    cursor = "0"
    while True:
        last = done.is_set()
        answer = owner.get(f"triggers/{trigger}", after=cursor, limit=limit)
        assert answer.status_code == 200
        items += answer.get_json()
        if last and not answer.get_json():
            return items
        cursor = answer.headers["X-Next-Cursor"]


def read_on_by_seq(owner: Owner, limit: int, done: Event) -> list[dict[str, Any]]:
    """The same with the number of the last item, as many tools do it."""
    items: list[dict[str, Any]] = []
    while True:
        last = done.is_set()
        answer = owner.poll(after=items[-1]["seq"] if items else 0, limit=limit)
        items += answer
        if last and not answer:
            return items


@pytest.fixture
def pair(connected_app: ConnectedApp) -> Iterator[Owner]:
    """An owner whose events come in at two connectors with connections of their own."""
    owner = connected_app.owner().ready()
    connected_app.open()
    yield owner
    connected_app.idle()


def test_three_readers_miss_and_repeat_nothing_while_many_events_come_in(pair: Owner) -> None:
    connected_app, sent = pair.connected_app, Event()

    def send(sender: int) -> None:
        connector = connected_app.connectors[sender % 2]
        for number in range(EACH):
            event = pair.event(id=f"{sender}-{number}", type=TYPES[number % 2])
            assert connector.post(*pair.signed(event)).status_code == 200

    with ThreadPoolExecutor(SENDERS + 3) as threads:
        readers = [
            threads.submit(read_on, pair, "any_event", 100, sent),
            threads.submit(read_on, pair, "balance_depleted", 7, sent),
            threads.submit(read_on_by_seq, pair, 3, sent),
        ]
        senders = [threads.submit(send, sender) for sender in range(SENDERS)]
        try:
            for sender in senders:
                sender.result()
        finally:
            sent.set()
        everything, depleted, by_seq = (reader.result() for reader in readers)
    assert [item["seq"] for item in everything] == list(range(1, SENDERS * EACH + 1))
    assert {item["id"] for item in everything} == {
        f"{sender}-{number}" for sender in range(SENDERS) for number in range(EACH)
    }
    assert by_seq == everything
    assert depleted == [item for item in everything if item["type"] == TYPES[0]]


def test_an_event_that_is_not_committed_yet_holds_back_its_number(pair: Owner) -> None:
    """One transaction has inserted and waits; a later one is committed first and gets the lower
    number, so that a reader who has seen it will see the other one too."""
    store = pair.connected_app.connector.parts.store
    if store.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    paywall_id = pair.connected_app.connector.parts.identity.prove(pair.key, pair.line()).id
    slow, quick = (event_of(pair.event(id=event_id)) for event_id in ("slow", "quick"))
    assert slow is not None
    assert quick is not None
    inserted, overtaken = Barrier(2, timeout=20), Barrier(2, timeout=20)

    def take_long(connection: Connection) -> None:
        row_id = event_rows.insert_new(
            connection,
            paywall_id,
            event_id=slow.id,
            type=slow.type,
            created_at=slow.created_at,
            wallet_id="",
            external_id="",
            body=slow.body,
        )
        assert row_id is not None
        inserted.wait()
        overtaken.wait()
        event_rows.number(connection, paywall_id, [row_id])

    with ThreadPoolExecutor(1) as thread:
        late = thread.submit(store.write, take_long)
        inserted.wait()
        assert pair.take(pair.event(id="quick")).status_code == 200
        assert [(item["id"], item["seq"]) for item in pair.poll(after=0)] == [("quick", 1)]
        overtaken.wait()
        late.result()
    assert [(item["id"], item["seq"]) for item in pair.poll(after=1)] == [("slow", 2)]


def test_batches_and_single_events_never_wait_for_each_other_in_a_circle(pair: Owner) -> None:
    """What is read back in batches often comes in at the very same moment, in another order."""
    connected_app = pair.connected_app
    paywall_id = connected_app.connector.parts.identity.prove(pair.key, pair.line()).id
    retention = connected_app.connector.parts.inbound._retention
    users = ("ann", "bob", "eve")

    def made(number: int) -> dict[str, Any]:
        user = users[number % 3]
        return pair.event(
            id=f"{number}", data={"walletUserId": f"wallet_{user}", "externalUserId": user}
        )

    def batch(backwards: bool) -> None:
        numbers = list(range(60))[:: -1 if backwards else 1]
        items = [event for event in map(event_of, map(made, numbers)) if event is not None]
        store = connected_app.connectors[0].parts.store
        for some in (items[:20], items[20:40], items[40:]):
            store.write(partial(record, paywall_id=paywall_id, events=some, retention=retention))

    def single(numbers: range) -> None:
        for number in numbers:
            assert connected_app.connectors[1].post(*pair.signed(made(number))).status_code == 200

    with ThreadPoolExecutor(4) as threads:
        done = [
            threads.submit(batch, False),
            threads.submit(batch, True),
            threads.submit(single, range(60)),
            threads.submit(single, range(59, -1, -1)),
        ]
        for one in done:
            one.result()
    assert [item["seq"] for item in pair.poll(after=0)] == list(range(1, 61))
    assert len(set(pair.stored())) == 60
