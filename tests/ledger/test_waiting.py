"""However many wait for one reference, one of them looks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Event

from connector.deadline import Deadline
from connector.ledger.waiting import Waiting
from connector.store.ledger_rows import DONE, Entry
from tests.ledger.rows import Rows
from tests.support.charge_client import ChargeClient
from tests.support.processes import until

MANY = 40


def pending(charge_client: ChargeClient, rows: Rows) -> Entry:
    """A row that somebody works on."""
    charge_client.charge()
    rows.become("pending")
    rows.lease_until(30)
    return rows.one()


def test_all_are_told_what_one_of_them_sees(charge_client: ChargeClient, rows: Rows) -> None:
    entry, waiting, store = pending(charge_client, rows), Waiting(), charge_client.parts.store
    looks: list[int] = []
    read = store.read

    class Counting:
        """The store; how often it is read."""

        def read(self, work: object) -> object:
            looks.append(1)
            return read(work)  # type: ignore[arg-type]

    with ThreadPoolExecutor(MANY) as pool:
        told = [
            pool.submit(waiting.until_settled, Counting(), entry, Deadline(20))  # type: ignore[arg-type]
            for _ in range(MANY)
        ]
        until(lambda: len(looks) > 3)
        before = len(looks)
        assert before < MANY
        rows.become(DONE)
        seen = [one.result() for one in told]
    assert [one.state for one in seen if one is not None] == [DONE] * MANY


def test_another_goes_on_looking_when_the_first_ones_time_is_up(
    charge_client: ChargeClient, rows: Rows
) -> None:
    entry, waiting, store = pending(charge_client, rows), Waiting(), charge_client.parts.store
    begun = Event()

    def briefly() -> Entry | None:
        begun.set()
        return waiting.until_settled(store, entry, Deadline(0.5))

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(briefly)
        begun.wait(10)
        second = pool.submit(waiting.until_settled, store, entry, Deadline(20))
        assert first.result() is None
        rows.become(DONE)
        seen = second.result()
    assert seen is not None
    assert seen.state == DONE
