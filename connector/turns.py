"""Who gets a thread next: sender by sender, so that a crowd of one costs others nothing.

An idle server gives one sender all it wants, except the last quarter of the threads: that is never
given to a sender that already has a quarter. Streams and long waits get a quarter for one sender.
"""

from __future__ import annotations

import contextlib
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, Generic, TypeVar

Waiting = TypeVar("Waiting")
Result = TypeVar("Result")
_NEVER = float("inf")


@dataclass(eq=False)
class Ticket(Generic[Waiting]):
    """Somebody who wants a thread: for which sender, whether for long, since when (seconds)."""

    who: Waiting
    sender: bytes
    long: bool
    since: float
    waiting: bool = False


class Turns(Generic[Waiting]):
    """The queue before `threads` threads. For one thread of the process only."""

    def __init__(self, threads: int, seconds: float) -> None:
        """Nobody waits longer than `seconds`."""
        self._threads, self._seconds = threads, seconds
        self._quarter = max(1, threads // 4)
        self._reserved = threads // 4
        self._running = 0
        self._by_sender: Counter[bytes] = Counter()
        self._long: Counter[bytes] = Counter()
        self._queues: OrderedDict[bytes, deque[Ticket[Waiting]]] = OrderedDict()
        self._by_age: deque[Ticket[Waiting]] = deque()
        self._waiting = 0

    @property
    def waiting(self) -> int:
        """How many wait; also read by other threads, to whom it may be a moment old."""
        return self._waiting

    @property
    def running(self) -> int:
        """How many have a thread; the same holds."""
        return self._running

    def waiting_of(self, sender: bytes) -> int:
        """How many of this sender wait."""
        return len(self._queues.get(sender, ()))

    def wait(self, ticket: Ticket[Waiting]) -> None:
        """Take `ticket` into the queue, behind all that are there."""
        ticket.waiting = True
        self._oldest()  # those who have left must not pile up where nobody asks for their age
        self._queues.setdefault(ticket.sender, deque()).append(ticket)
        self._by_age.append(ticket)
        self._waiting += 1

    def take(self) -> Ticket[Waiting] | None:
        """The next who may have a thread now, or None; `done` must follow when it has ended."""
        if self._running >= self._threads:
            return None
        for sender in self._queues:
            ticket = self._next_of(sender)
            if ticket is not None:
                self._running += 1
                self._by_sender[sender] += 1
                self._long[sender] += ticket.long
                return ticket
        return None

    def done(self, ticket: Ticket[Waiting]) -> None:
        """`ticket` has ended, its thread is free."""
        self._running -= 1
        for counts, number in ((self._by_sender, 1), (self._long, int(ticket.long))):
            counts[ticket.sender] -= number
            if not counts[ticket.sender]:
                del counts[ticket.sender]

    def expired(self, now: float) -> list[Ticket[Waiting]]:
        """Those who have waited too long by now; they wait no more."""
        late = []
        while (oldest := self._oldest()) is not None and now - oldest.since >= self._seconds:
            self._leave(oldest)
            late.append(oldest)
        return late

    def next_expiry(self) -> float | None:
        """When the first of them will have waited too long, or None."""
        oldest = self._oldest()
        return None if oldest is None else oldest.since + self._seconds

    def _oldest(self) -> Ticket[Waiting] | None:
        while self._by_age and not self._by_age[0].waiting:
            self._by_age.popleft()
        return self._by_age[0] if self._by_age else None

    def _leave(self, ticket: Ticket[Waiting]) -> None:
        ticket.waiting = False
        self._waiting -= 1
        queue = self._queues[ticket.sender]
        queue.remove(ticket)
        if not queue:
            del self._queues[ticket.sender]

    def _next_of(self, sender: bytes) -> Ticket[Waiting] | None:
        has = self._by_sender[sender]
        if has >= self._quarter and self._running >= self._threads - self._reserved:
            return None
        queue = self._queues[sender]
        ticket = next((t for t in queue if not t.long or self._long[sender] < self._quarter), None)
        if ticket is None:
            return None
        self._leave(ticket)
        if sender in self._queues:
            self._queues.move_to_end(sender)  # whoever else waits comes first now
        return ticket


class QueueFull(Exception):
    """More waits already than may, for all or for this sender."""


class FairPool:
    """Threads that take work in turn sender by sender; they start with the first work, after any
    fork. `waiting_max` bounds what waits; a quarter of that for one sender."""

    def __init__(self, threads: int, name: str, waiting_max: int = 1_000) -> None:
        self._turns: Turns[Callable[[], None]] = Turns(threads, _NEVER)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._waiting_max = waiting_max
        self._lock = Lock()

    def submit(self, sender: str, work: Callable[[], Result]) -> Future[Result]:
        """The future of `work`, which may be cancelled while it waits. Raises QueueFull."""
        future: Future[Result] = Future()

        def run() -> None:
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except BaseException as error:
                    future.set_exception(error)

        ticket = Ticket(run, sender.encode(), long=False, since=monotonic())
        with self._lock:
            mine = self._turns.waiting_of(ticket.sender)
            if self._turns.waiting >= self._waiting_max or mine >= self._waiting_max // 4:
                raise QueueFull
            self._turns.wait(ticket)
            self._start_who_may()
        return future

    def close(self) -> None:
        """Let what runs finish; start nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _start_who_may(self) -> None:
        while (ticket := self._turns.take()) is not None:
            self._pool.submit(self._run, ticket)

    def _run(self, ticket: Ticket[Any]) -> None:
        ticket.who()
        with self._lock:
            self._turns.done(ticket)
            with contextlib.suppress(RuntimeError):  # the pool is being closed
                self._start_who_may()
