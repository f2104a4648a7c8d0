"""A circuit breaker: while the database is away one asks whether it is back, and all others are
turned away at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from threading import Lock

from connector.errors import Unavailable

PROBE_SECONDS = 1.0


class CircuitBreaker:
    """What one process knows of its database: away from the first Unavailable on, until a try
    goes well. A try is let through every second, one at a time."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._away = self._probing = False
        self._next_probe = 0.0

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Around a use of the database. Raises Unavailable at once while it is away."""
        probes = self._let_through()
        try:
            yield
        except Unavailable:
            self._saw(away=True, probes=probes)
            raise
        except BaseException:
            self._saw(away=False, probes=probes)
            raise
        self._saw(away=False, probes=probes)

    def _let_through(self) -> bool:
        """Whether this is the one that tries, while the database is away."""
        with self._lock:
            if not self._away:
                return False
            if self._probing or time.monotonic() < self._next_probe:
                raise Unavailable("The connector's database is away.", retry_after=5)
            self._probing = True
            return True

    def _saw(self, *, away: bool, probes: bool) -> None:
        with self._lock:
            self._away, self._next_probe = away, time.monotonic() + PROBE_SECONDS
            if probes:
                self._probing = False
