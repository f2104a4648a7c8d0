"""Work that a request starts but need not finish: at most one of a name at a time
(singleflight)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from threading import Lock

import structlog

from connector.errors import ConnectorError
from connector.turns import FairPool, QueueFull

log = structlog.get_logger(__name__)


class Background:
    """A few threads of this process, dealt out fairly among those for whom something is done."""

    def __init__(self, threads: int = 8) -> None:
        self._pool = FairPool(threads, "background")
        self._running: dict[str, Future[None]] = {}
        self._lock = Lock()

    def run(
        self, whom: str, name: str, work: Callable[[], object], wait_seconds: float = 0.0
    ) -> bool:
        """Start `work` for `whom` (a key's or a paywall's name) unless work of this name runs
        already, and wait for that at most `wait_seconds`; whether it has ended. What it raises is
        logged. Work that finds a long queue is dropped: whatever comes next starts it again."""
        with self._lock:
            future = self._running.get(name)
            if future is None:
                try:
                    future = self._pool.submit(whom, lambda: self._guarded(name, work))
                except QueueFull:
                    return False
                self._running[name] = future
        if wait_seconds > 0:
            wait([future], wait_seconds)
        return future.done()

    def close(self) -> None:
        """Let what runs finish; start nothing more."""
        self._pool.close()

    def _guarded(self, name: str, work: Callable[[], object]) -> None:
        try:
            work()
        except ConnectorError as error:
            log.warning("background_failed", work=name.split(" ")[0], code=error.code)
        except Exception:
            log.exception("background_defect", work=name.split(" ")[0])
        finally:
            with self._lock:
                self._running.pop(name, None)
