"""How many groups are committed at a time, by how far away the database is."""

from __future__ import annotations

import zlib
from collections import deque

_NEAR_SECONDS = 0.00025
"""For each of these that a transaction takes to begin, one journey to the database, there is a
lane."""
_FEWEST, _LAST = 16, 256
"""So many beginnings are looked at before there is more than one lane, and so many at most."""
_MOST = 8
"""So many were measured; each may wait for the sums that the others write."""


class Lanes:
    """One group at a time costs least where the database is near. Each piece of a group makes its
    journeys after the one before, so where a journey takes long several groups go side by side:
    at most `most` and eight, which each have a connection."""

    def __init__(self, most: int) -> None:
        self.most = min(most, _MOST)
        self._took: deque[float] = deque(maxlen=_LAST)
        self.count = 1

    def began(self, seconds: float) -> None:
        """A transaction has taken so long to begin. The quickest of some counts: of the others
        nobody knows what else they have waited for."""
        self._took.append(seconds)
        if len(self._took) >= _FEWEST:
            self.count = max(1, min(self.most, int(min(self._took) / _NEAR_SECONDS)))

    def of(self, order: str) -> int:
        """The number of the lane in which a piece with this order goes, from 0."""
        return zlib.crc32(order.encode()) % self.count
