"""Bodies that are collected: short ones in memory, long ones in a file, all of them counted."""

from __future__ import annotations

import tempfile
from collections import Counter
from io import BytesIO
from threading import Lock
from typing import IO

from connector.serving.limits import Limits

_SHARE = 4
"""One sender holds at most a quarter."""


class NoRoom(Exception):
    """More is held already than may be, for all or for this sender."""


class Room:
    """What all bodies of a worker hold together, and what each sender's do."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = 0
        self._by_sender: Counter[bytes] = Counter()
        self._lock = Lock()

    @property
    def held(self) -> int:
        """How many bytes are held now."""
        return self._held

    def take(self, sender: bytes, size: int) -> None:
        """Count `size` bytes of `sender`. Raises NoRoom, and counts nothing then."""
        with self._lock:
            mine = self._by_sender[sender] + size
            if self._held + size > self._limit or mine > self._limit // _SHARE:
                raise NoRoom
            self._held += size
            self._by_sender[sender] = mine

    def give_back(self, sender: bytes, size: int) -> None:
        """Stop counting them."""
        with self._lock:
            self._held -= size
            self._by_sender[sender] -= size
            if not self._by_sender[sender]:
                del self._by_sender[sender]


class Body:
    """One body: written piece by piece, then read from its beginning."""

    def __init__(self, room: Room, sender: bytes, limits: Limits) -> None:
        self._room, self._sender, self._limits = room, sender, limits
        self._file: IO[bytes] = BytesIO()
        self.size = 0

    def write(self, data: bytes) -> None:
        """Add `data`. Raises NoRoom."""
        self._room.take(self._sender, len(data))
        self.size += len(data)
        if self.size > self._limits.memory_bytes and isinstance(self._file, BytesIO):
            begun = self._file.getvalue()
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 -- `close` ends it
            self._file.write(begun)
        self._file.write(data)

    def from_its_beginning(self) -> IO[bytes]:
        """The body as a file that is read from its beginning."""
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Let go of it; a second time does nothing."""
        self._file.close()
        self._room.give_back(self._sender, self.size)
        self.size = 0
