"""Whether the database can be written to: what a full disk and a standby have in common."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock
from time import monotonic

from connector.store import Store, secret_rows

GOOD_SECONDS = 1.0


class WriteProbe:
    """Writes and commits something that changes nothing; a success holds for a second, so that
    anybody may ask as often as they like."""

    def __init__(self, store: Store, clock: Callable[[], float] = monotonic) -> None:
        self._store, self._clock = store, clock
        self._good_until = float("-inf")
        self._lock = Lock()

    def check(self) -> None:
        """Raises Unavailable while nothing can be written."""
        with self._lock:
            if self._clock() < self._good_until:
                return
            self._store.write(secret_rows.rewrite)
            self._good_until = self._clock() + GOOD_SECONDS
