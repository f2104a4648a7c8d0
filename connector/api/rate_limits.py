"""Rate limits: per key once upstream has accepted it here; per address, the keys it refused.

Built on `limits`. Builders' tools share addresses with strangers: only refused keys count against
an address, and behind one that has sent too many of them new keys are still tried, one at a time.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from functools import partial
from threading import Lock
from typing import Literal, cast

import structlog
from cachetools import TTLCache
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from connector.circuit_breaker import CircuitBreaker, CircuitOpen
from connector.errors import TooManyRequests

_PROVEN_SECONDS = 600.0
_REDIS_SECONDS = 0.05
_REDIS_AGAIN_SECONDS = 10.0
"""A Redis that did not answer is asked again after so long, by one call."""
_PROVEN_MAX = 20_000

log = structlog.get_logger(__name__)


class RateLimits:
    """Counts calls in this process, or for all processes at `redis_url`.

    `rate` is in the notation of `limits` (`600/minute`), or None for no limit. While Redis is
    away the process counts on its own.
    """

    def __init__(self, rate: str | None, redis_url: str | None = None) -> None:
        self._items: list[RateLimitItem] = parse_many(rate) if rate else []
        self._local = FixedWindowRateLimiter(MemoryStorage())
        self._shared: FixedWindowRateLimiter | None = None
        if redis_url:
            storage = storage_from_string(
                redis_url,
                wrap_exceptions=True,
                socket_timeout=_REDIS_SECONDS,
                socket_connect_timeout=_REDIS_SECONDS,
            )
            self._shared = FixedWindowRateLimiter(cast(Storage, storage))
        self._proven: TTLCache[bytes, bool] = TTLCache(_PROVEN_MAX, _PROVEN_SECONDS)
        self._trying: set[str] = set()
        self._redis = CircuitBreaker(StorageError, _REDIS_AGAIN_SECONDS, _tell)
        self._lock = Lock()

    def count(self, key: str, peer: str) -> Callable[[], None]:
        """Count one call; what is returned must be called when it has ended.

        Raises TooManyRequests above the limit of a key that was accepted here, and for another
        key from an address with too many refused ones while such a key is being tried already.
        """
        if not self._items:
            return _nothing
        if self.is_proven(key):
            whom = _hashed(key).hex()
            for item in self._items:
                if not self._ask("hit", item, whom):
                    raise _too_many(self._seconds(item, whom))
            return _nothing
        if all(self._ask("test", item, _address(peer)) for item in self._items):
            return _nothing
        with self._lock:
            if peer in self._trying:
                raise _too_many(1)
            self._trying.add(peer)
        return partial(self._tried, peer)

    def check_guessing(self, key: str, peer: str) -> None:
        """For a door at which people type: raises TooManyRequests for a key that was not accepted
        here lately, from an address with too many refused ones."""
        if self.is_proven(key):
            return
        for item in self._items:
            if not self._ask("test", item, _address(peer)):
                raise _too_many(self._seconds(item, _address(peer)))

    def refused(self, key: str, peer: str) -> None:
        """Upstream does not know this key, which came from this address."""
        with self._lock:
            self._proven.pop(_hashed(key), None)
        for item in self._items:
            self._ask("hit", item, _address(peer))

    def proven(self, key: str) -> None:
        """Upstream has accepted this key: from now on it is counted by itself."""
        with self._lock:
            self._proven[_hashed(key)] = True

    def is_proven(self, key: str) -> bool:
        """Whether upstream has accepted this key here lately."""
        with self._lock:
            return self._proven.get(_hashed(key), False)

    def _tried(self, peer: str) -> None:
        with self._lock:
            self._trying.discard(peer)

    def _ask(self, question: Literal["hit", "test"], item: RateLimitItem, whom: str) -> bool:
        """Whether one more is within the limit; "hit" counts it as well."""
        if self._shared is not None:
            with contextlib.suppress(StorageError, CircuitOpen), self._redis.watched():
                return bool(getattr(self._shared, question)(item, whom))
        return bool(getattr(self._local, question)(item, whom))

    def _seconds(self, item: RateLimitItem, whom: str) -> int:
        limiter = self._shared if self._shared and self._redis.closed else self._local
        try:
            reset = limiter.get_window_stats(item, whom).reset_time
        except StorageError:
            return 5
        return max(1, round(reset - time.time()))


def _too_many(seconds: int) -> TooManyRequests:
    return TooManyRequests(
        f"Those were too many calls in a short time. Try again in {seconds} s.",
        retry_after=seconds,
    )


def _address(peer: str) -> str:
    return f"peer {peer}"


def _tell(failure: Exception | None) -> None:
    if isinstance(failure, StorageError):
        log.warning("rate_limit_storage_away", error=type(failure.storage_error).__name__)
    else:
        log.info("rate_limit_storage_back")


def _nothing() -> None:
    """Nothing need be done at the end of a call."""


def _hashed(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
