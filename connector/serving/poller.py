"""What waits without a thread: connections until something can be read or written, or too late."""

from __future__ import annotations

import contextlib
import heapq
import os
import selectors
from collections import deque
from collections.abc import Callable
from typing import Any

from connector.serving.connection import Connection

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
_LONGEST = 1.0
"""The poller looks up at least this often (seconds), to show that it lives."""


class Poller:
    """Calls back for what can go on. Only `call` may be used by other threads."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._watched: dict[int, tuple[Connection, float]] = {}
        self._dues: list[tuple[float, int]] = []  # at least one for each that is watched
        self._soonest: dict[int, float] = {}
        self._calls: deque[Callable[[], None]] = deque()
        self._sleeping = False
        self._wake_out, self._wake_in = os.pipe()
        os.set_blocking(self._wake_out, False)
        os.set_blocking(self._wake_in, False)
        self._selector.register(self._wake_out, READ, self._called)

    def call(self, back: Callable[[], None]) -> None:
        """Have `back` called by the poller soon; for other threads and signal handlers."""
        self._calls.append(back)
        # Who falls asleep says so before a last look at the calls: one of both sees the other.
        if self._sleeping:
            with contextlib.suppress(OSError):  # full, so it wakes up anyway; or closed, at the end
                os.write(self._wake_in, b"!")

    def listen(self, listener: Any, ready: Callable[[], object]) -> None:
        """Call `ready` whenever somebody knocks at `listener`."""
        self._selector.register(listener, READ, ready)

    def deafen(self, listener: Any) -> None:
        """Not any more."""
        self._selector.unregister(listener)

    def watch(
        self, connection: Connection, event: int, ready: Callable[[], None], due: float
    ) -> None:
        """Call `ready` whenever `event` is possible; `overdue` gives it from `due` on."""
        if connection.number in self._watched:
            self._selector.modify(connection.client, event, ready)
        else:
            self._selector.register(connection.client, event, ready)
        self.postpone(connection, due)

    def postpone(self, connection: Connection, due: float) -> None:
        """Another time from which it is overdue."""
        self._watched[connection.number] = (connection, due)
        self._note(connection.number, due)

    def forget(self, connection: Connection) -> None:
        """Neither event nor time count for it any more."""
        if self._watched.pop(connection.number, None) is not None:
            self._selector.unregister(connection.client)

    def overdue(self, now: float) -> list[Connection]:
        """Those whose time is over; they are forgotten."""
        late = []
        while self._dues and self._dues[0][0] <= now:
            _, number = heapq.heappop(self._dues)
            self._soonest.pop(number, None)
            connection, due = self._watched.get(number, (None, 0.0))
            if connection is None:
                continue
            if due > now:
                self._note(number, due)
            else:
                self.forget(connection)
                late.append(connection)
        return late

    def _note(self, number: int, due: float) -> None:
        """Look at it at `due`, unless that will be done sooner anyway."""
        if due < self._soonest.get(number, float("inf")):
            self._soonest[number] = due
            heapq.heappush(self._dues, (due, number))

    def wait(self, until: float | None, now: float) -> None:
        """Wait for the next thing that can go on, and call back. `until` ends it sooner."""
        times = [now + _LONGEST, *([until] if until is not None else [])]
        if self._dues:
            times.append(self._dues[0][0])
        self._sleeping = True
        ready = self._selector.select(0.0 if self._calls else max(0.0, min(times) - now))
        self._sleeping = False
        for key, _ in ready:
            key.data()
        while self._calls:
            self._calls.popleft()()

    def close(self) -> None:
        """Let go of it."""
        self._selector.close()
        os.close(self._wake_in)
        os.close(self._wake_out)

    def _called(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(self._wake_out, 4096)
