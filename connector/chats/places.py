"""How many things may go on at a time, so that one paywall leaves room for others."""

from __future__ import annotations

from collections import Counter
from threading import Lock


class Places:
    """`most` places in all, a quarter of them for one paywall."""

    def __init__(self, most: int) -> None:
        self._most, self._quarter = most, max(1, most // 4)
        self._lock = Lock()
        self._by_paywall: Counter[str] = Counter()

    def take(self, paywall_id: str) -> bool:
        """Take a place, which `leave` gives back; False if there is none to be had."""
        with self._lock:
            mine = self._by_paywall[paywall_id]
            if mine >= self._quarter or self._by_paywall.total() >= self._most:
                return False
            self._by_paywall[paywall_id] += 1
            return True

    def leave(self, paywall_id: str) -> None:
        """Give a place back."""
        with self._lock:
            self._by_paywall[paywall_id] -= 1
            if not self._by_paywall[paywall_id]:
                del self._by_paywall[paywall_id]
