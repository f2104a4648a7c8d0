"""Work that a request starts but need not finish: at most one of a name at a time
(singleflight)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from threading import Lock

import structlog

from connector.errors import ConnectorError

log = structlog.get_logger(__name__)
_WAITING_MAX = 1_000


class Background:
    """A few threads of this process; they start with the first work, after any fork."""

    def __init__(self, threads: int = 4) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="background")
        self._running: dict[str, Future[None]] = {}
        self._lock = Lock()

    def run(self, name: str, work: Callable[[], object], wait_seconds: float = 0.0) -> bool:
        """Start `work` unless work of this name runs already, and wait for that at most
        `wait_seconds`; whether it has ended. What it raises is logged. Work that finds a long
        queue is dropped: whatever comes next starts it again."""
        with self._lock:
            future = self._running.get(name)
            if future is None:
                if len(self._running) >= _WAITING_MAX:
                    return False
                future = self._running[name] = self._pool.submit(self._guarded, name, work)
        if wait_seconds > 0:
            wait([future], wait_seconds)
        return future.done()

    def close(self) -> None:
        """Let what runs finish; start nothing more."""
        self._pool.shutdown(wait=True, cancel_futures=True)

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
