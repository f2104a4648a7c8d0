"""Waiting for the answer to a question that somebody asks, here or in another process.

Who waits for a question of this process is woken; for another one's, one of those who wait looks at
the row, with growing pauses. Nobody holds a database connection meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from threading import Event, Lock

from connector.deadline import Deadline
from connector.errors import Unavailable
from connector.store import Store, chat_rows
from connector.store.chat_rows import ASKING, Chat

_FIRST_LOOK, _LAST_LOOK = 0.02, 2.0
_LONGER = 1.3
_SLICE_SECONDS = 1.0
"""How soon those who sleep notice that this process is being stopped."""


@dataclass
class _Watch:
    """What those who wait for one chat share: `ended` once nobody need wait any more, with the row
    as it was `seen`, or with None where they must look for themselves."""

    ended: Event = field(default_factory=Event)
    seen: Chat | None = None


class Waiting:
    """Who waits for which chat, in one process."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._watches: dict[str, _Watch] = {}
        self._until = float("inf")

    def begin(self, chat_id: str) -> Callable[[Chat | None], None]:
        """This process asks: nobody need look at the row. What is returned must be called with the
        row as it was written; it wakes all who wait."""
        with self._lock:
            watch = self._watches[chat_id] = _Watch()
        return partial(self._end, chat_id, watch)

    def wind_down(self, seconds: float) -> None:
        """Nobody waits longer than this from now on."""
        self._until = time.monotonic() + seconds

    def until_settled(self, chat_id: str, deadline: Deadline) -> Chat | None:
        """The row once nobody asks any more, or once whoever asked has gone; None when the time is
        up first."""
        while (left := self._left(deadline)) > 0:
            with self._lock:
                watch = self._watches.get(chat_id)
                mine = watch is None
                if watch is None:
                    watch = self._watches[chat_id] = _Watch()
            if mine:
                seen = None
                try:
                    seen = self._look(chat_id, deadline)
                finally:
                    self._end(chat_id, watch, seen)
                return seen
            if watch.ended.wait(min(left, _SLICE_SECONDS)) and watch.seen is not None:
                return watch.seen
        return None

    def _end(self, chat_id: str, watch: _Watch, seen: Chat | None) -> None:
        with self._lock:
            if self._watches.get(chat_id) is watch:
                del self._watches[chat_id]
        watch.seen = seen
        watch.ended.set()

    def _look(self, chat_id: str, deadline: Deadline) -> Chat | None:
        pause = 0.0
        while True:
            seen = self._seen(chat_id)
            if seen is not None and (seen.state != ASKING or seen.abandoned):
                return seen
            pause = max(_FIRST_LOOK, min(pause * _LONGER, _LAST_LOOK))
            left = self._left(deadline)
            if left <= 0:
                return None
            time.sleep(min(pause, left))

    def _seen(self, chat_id: str) -> Chat | None:
        try:
            return self._store.read(lambda connection: chat_rows.get(connection, chat_id))
        except Unavailable:
            return None  # the database may be back before the time is up

    def _left(self, deadline: Deadline) -> float:
        return min(deadline.left(), self._until - time.monotonic())
