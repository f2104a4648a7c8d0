"""A circuit breaker: while something that is relied on is away, one asks now and then whether it is
back, and all others are turned away at once."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from threading import Lock


class CircuitOpen(Exception):
    """It is away, and it is not the turn of this one to try."""


class CircuitBreaker:
    """What one process knows of something: away from the first `failure` on, until a try goes well.
    A try is let through every `probe_seconds`, one at a time.

    `changed` is told the failure that opens the circuit, and None when it closes again.
    """

    def __init__(
        self,
        failure: type[Exception],
        probe_seconds: float,
        changed: Callable[[Exception | None], None] = lambda _: None,
    ) -> None:
        self._failure, self._probe_seconds, self._changed = failure, probe_seconds, changed
        self._lock = Lock()
        self._away = self._probing = False
        self._next_probe = 0.0

    @property
    def closed(self) -> bool:
        """Whether it is not known to be away."""
        return not self._away

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Around a use. Raises CircuitOpen at once while it is away."""
        probes = self._let_through()
        try:
            yield
        except self._failure as failure:
            self._saw(failure, probes=probes)
            raise
        except BaseException:
            self._saw(None, probes=probes)
            raise
        self._saw(None, probes=probes)

    def _let_through(self) -> bool:
        """Whether this is the one that tries, while it is away."""
        if not self._away:
            return False
        with self._lock:
            if not self._away:
                return False
            if self._probing or time.monotonic() < self._next_probe:
                raise CircuitOpen
            self._probing = True
            return True

    def _saw(self, failure: Exception | None, *, probes: bool) -> None:
        with self._lock:
            away = failure is not None
            news = away is not self._away
            self._away = away
            if away:
                self._next_probe = time.monotonic() + self._probe_seconds
            if probes:
                self._probing = False
        if news:
            self._changed(failure)
