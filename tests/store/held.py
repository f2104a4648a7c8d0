"""What waits while somebody writes: several pieces of work that make one group."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

from sqlalchemy import Connection

from connector.coalescing import Coalescer
from connector.store import secret_rows
from tests.support.processes import PATIENCE, until

Work = Callable[[Connection], object]


class Held:
    """Keeps a writer busy until `let_go`, so that what is written meanwhile makes one group. `run`
    is the writer's way to take work, `coalescer` where that waits."""

    def __init__(
        self,
        run: Callable[..., object],
        coalescer: Coalescer[Any, Any, Any],
        pool: ThreadPoolExecutor,
    ) -> None:
        self._run, self._coalescer, self._pool = run, coalescer, pool
        self._busy, self._go = Event(), Event()
        self._first = pool.submit(run, self._work)
        assert self._busy.wait(PATIENCE)

    def _work(self, connection: Connection) -> None:
        self._busy.set()
        assert self._go.wait(PATIENCE)

    def later(self, work: Work, *more: Any) -> Future[Any]:
        """Queue `work`; returns when it is queued."""
        (waiting,) = self._coalescer._waiting.values()
        before = len(waiting)
        call = self._pool.submit(self._run, work, *more)
        until(lambda: len(waiting) > before)
        return call

    def let_go(self) -> None:
        """Let the group be written."""
        self._go.set()
        self._first.result()


def remember(tag: str) -> Work:
    """Work that writes a row."""
    return lambda connection: secret_rows.remember(connection, [tag])
