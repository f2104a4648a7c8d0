"""Who gets a thread next, and the pool that is built on it."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial

import pytest

from connector.turns import FairPool, QueueFull, Ticket, Turns

Named = Ticket[str]


def ticket(name: str, sender: str, *, long: bool = False, since: float = 0.0) -> Named:
    return Ticket(name, sender.encode(), long, since)


def taken(turns: Turns[str]) -> list[str]:
    names = []
    while (one := turns.take()) is not None:
        names.append(one.who)
    return names


def test_senders_take_turns() -> None:
    turns: Turns[str] = Turns(4, 10)
    for name in ("a1", "a2", "a3", "b1", "b2", "c1"):
        turns.wait(ticket(name, name[0]))
    assert taken(turns) == ["a1", "b1", "c1"]  # the last one goes to nobody who has a quarter


def test_one_alone_gets_all_but_the_last_quarter() -> None:
    turns: Turns[str] = Turns(8, 10)
    for number in range(8):
        turns.wait(ticket(f"a{number}", "a"))
    assert len(taken(turns)) == 6
    turns.wait(ticket("b", "b"))
    assert taken(turns) == ["b"]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_few_threads_have_no_last_quarter(threads: int) -> None:
    turns: Turns[str] = Turns(threads, 10)
    for number in range(5):
        turns.wait(ticket(str(number), "a"))
    assert len(taken(turns)) == threads


def test_long_ones_of_a_sender_get_a_quarter_and_do_not_block_its_short_ones() -> None:
    turns: Turns[str] = Turns(8, 10)
    for number in range(4):
        turns.wait(ticket(f"long{number}", "a", long=True))
    turns.wait(ticket("short", "a"))
    assert taken(turns) == ["long0", "long1", "short"]


def test_a_thread_that_is_free_again_goes_to_who_waits_longest() -> None:
    turns: Turns[str] = Turns(1, 10)
    first, second = ticket("a1", "a"), ticket("b1", "b")
    turns.wait(first)
    turns.wait(second)
    assert turns.take() is first
    assert turns.take() is None
    turns.done(first)
    assert turns.take() is second
    turns.done(second)
    assert (turns.waiting, turns.running) == (0, 0)


def test_nobody_waits_longer_than_allowed() -> None:
    turns: Turns[str] = Turns(1, 10)
    for name, since in (("a1", 1.0), ("b1", 2.0), ("a2", 3.0)):
        turns.wait(ticket(name, name[0], since=since))
    assert turns.next_expiry() == 11.0
    assert turns.expired(10.9) == []
    assert [late.who for late in turns.expired(12.0)] == ["a1", "b1"]
    assert taken(turns) == ["a2"]
    assert turns.next_expiry() is None


@pytest.fixture
def gate() -> threading.Event:
    """What the work in the pool waits for."""
    return threading.Event()


def test_a_crowd_in_the_pool_leaves_room_for_others(gate: threading.Event) -> None:
    pool = FairPool(4, "test")
    crowd: list[Future[bool]] = [pool.submit("crowd", lambda: gate.wait(30)) for _ in range(50)]
    assert pool.submit("other", lambda: "done").result(10) == "done"
    gate.set()
    assert all(one.result(10) for one in crowd)
    pool.close()


def test_what_waits_in_the_pool_is_bounded_for_one_and_for_all(gate: threading.Event) -> None:
    pool = FairPool(1, "test", waiting_max=8)
    pool.submit("a", lambda: gate.wait(30))
    for sender in "aabbccdd":
        pool.submit(sender, lambda: None)
    for sender in "ae":
        with pytest.raises(QueueFull):
            pool.submit(sender, lambda: None)
    gate.set()
    pool.close()


def test_the_pool_tells_what_its_work_raises() -> None:
    pool = FairPool(1, "test")
    with pytest.raises(ZeroDivisionError):
        pool.submit("a", lambda: 1 // 0).result(10)
    assert pool.submit("a", lambda: 1).result(10) == 1
    pool.close()


def test_work_that_was_cancelled_while_it_waited_is_not_done(gate: threading.Event) -> None:
    pool, done = FairPool(1, "test"), []
    pool.submit("a", lambda: gate.wait(30))
    second = pool.submit("a", lambda: done.append(1))
    assert second.cancel()
    gate.set()
    assert pool.submit("a", lambda: None).result(10) is None
    assert done == []
    pool.close()


def test_nothing_is_kept_of_those_who_have_had_their_turn() -> None:
    turns: Turns[str] = Turns(2, 10)
    for number in range(100):
        turns.wait(ticket(str(number), "a"))
        taken = turns.take()
        assert taken is not None
        turns.done(taken)
    assert len(turns._by_age) == 1


def test_the_pool_keeps_nothing_of_its_work() -> None:
    pool = FairPool(2, "test")
    for number in range(100):
        assert pool.submit("a", partial(int, number)).result(10) == number
    assert len(pool._turns._by_age) <= 2
    pool.close()
