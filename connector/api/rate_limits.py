"""Rate limits: per key once upstream has accepted it here, per peer address until then.

Built on `limits`: a key may stand in the body, so it is known only after the request was read.
"""

from __future__ import annotations

import hashlib
import time
from threading import Lock
from typing import cast

import structlog
from cachetools import TTLCache
from limits import RateLimitItem, parse_many
from limits.errors import StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter

from connector.errors import TooManyRequests

_PROVEN_SECONDS = 600.0
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
                redis_url, wrap_exceptions=True, socket_timeout=1, socket_connect_timeout=1
            )
            self._shared = FixedWindowRateLimiter(cast(Storage, storage))
        self._proven: TTLCache[bytes, bool] = TTLCache(_PROVEN_MAX, _PROVEN_SECONDS)
        self._lock = Lock()

    def count(self, key: str, peer: str) -> None:
        """Count one call. Raises TooManyRequests above the limit."""
        if not self._items:
            return
        whom = _hashed(key).hex() if self.is_proven(key) else f"peer {peer}"
        for item in self._items:
            if not self._hit(item, whom):
                seconds = self._seconds(item, whom)
                raise TooManyRequests(
                    f"Those were too many calls in a short time. Try again in {seconds} s.",
                    retry_after=seconds,
                )

    def proven(self, key: str) -> None:
        """Upstream has accepted this key: from now on it is counted by itself."""
        with self._lock:
            self._proven[_hashed(key)] = True

    def is_proven(self, key: str) -> bool:
        """Whether upstream has accepted this key here lately."""
        with self._lock:
            return self._proven.get(_hashed(key), False)

    def _hit(self, item: RateLimitItem, whom: str) -> bool:
        if self._shared is not None:
            try:
                return self._shared.hit(item, whom)
            except StorageError as error:
                log.warning("rate_limit_storage_away", error=type(error.storage_error).__name__)
        return self._local.hit(item, whom)

    def _seconds(self, item: RateLimitItem, whom: str) -> int:
        limiter = self._shared or self._local
        try:
            reset = limiter.get_window_stats(item, whom).reset_time
        except StorageError:
            return 5
        return max(1, round(reset - time.time()))


def _hashed(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
