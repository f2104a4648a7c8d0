"""What arrives while work is under way shares the next turn; each gets its own result."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from connector.coalescing import Coalescer
from tests.support.processes import until


class HeldWork:
    """A piece of work that begins when it is let, and tells which batches came."""

    def __init__(self, most: int = 64, patience: float = 20.0) -> None:
        self.batches: list[list[int]] = []
        self.go, self.broken = Event(), False
        self.all = Coalescer(self.work, most, patience)

    def work(self, key: str, take: Callable[[], list[int]]) -> list[str]:
        items = take()
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
        with pytest.raises(TimeoutError):
            work.all.run("a", 1)
        assert work.waiting("a") == 0
        work.go.set()
        assert stuck.result() == "a0"
    assert work.all.run("a", 2) == "a2"
    assert work.batches == [[0], [2]]


def test_who_is_worked_for_already_is_told_how_that_ends_however_long_it_takes() -> None:
    """Two come while one is at work; the first of them works for both, longer than the other would
    wait for its turn."""
    begun, go = Event(), Event()
    batches: list[list[int]] = []

    def slow(key: str, take: Callable[[], list[int]]) -> list[str]:
        items = take()
        batches.append(items)
        if len(items) > 1:
            begun.set()
            assert go.wait(20)
        else:
            assert first_may_end.wait(20)
        return [f"{key}{item}" for item in items]

    first_may_end = Event()
    all_of = Coalescer(slow, patience=0.3)
    with ThreadPoolExecutor(3) as threads:
        calls = {0: threads.submit(all_of.run, "a", 0)}
        until(lambda: batches)
        for item in (1, 2):
            calls[item] = threads.submit(all_of.run, "a", item)
            until(lambda item=item: len(all_of._waiting["a"]) == item)  # type: ignore[misc]
        first_may_end.set()
        assert begun.wait(20)
        with pytest.raises(TimeoutError):  # who waited as long as one may has not given up either
            calls[2].result(timeout=0.6)
        go.set()
        assert [calls[item].result() for item in range(3)] == ["a0", "a1", "a2"]
