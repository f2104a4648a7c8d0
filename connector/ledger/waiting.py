"""Waiting for the try that holds a reference's lease.

However many wait for one reference in this process, one of them looks; the others sleep until it
has seen something. Nobody holds a database connection meanwhile.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Event, Lock

from connector.deadline import Deadline
from connector.store import Store, ledger_rows
from connector.store.ledger_rows import PENDING, Entry

_FIRST_LOOK, _LAST_LOOK = 0.02, 0.25
_MARGIN = 0.05


@dataclass
class _Watch:
    """What those who wait for one row share: `ended` once its watcher has stopped looking, with
    the row as it was `seen`, or with None when its own time was up."""

    ended: Event = field(default_factory=Event)
    seen: Entry | None = None


class Waiting:
    """Who waits for which row, in one process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._watches: dict[str, _Watch] = {}

    def until_settled(self, store: Store, entry: Entry, deadline: Deadline) -> Entry | None:
        """The row once nobody works on it any more: settled, or pending without a lease; None when
        the time is up first."""
        while deadline.left() > _MARGIN:
            with self._lock:
                watch = self._watches.get(entry.id)
                mine = watch is None
                if watch is None:
                    watch = self._watches[entry.id] = _Watch()
            if mine:
                try:
                    watch.seen = _look(store, entry, deadline)
                finally:
                    with self._lock:
                        del self._watches[entry.id]
                    watch.ended.set()
                return watch.seen
            if watch.ended.wait(max(0.0, deadline.left() - _MARGIN)) and watch.seen is not None:
                return watch.seen
        return None


def _look(store: Store, entry: Entry, deadline: Deadline) -> Entry | None:
    pause = _FIRST_LOOK
    while deadline.left() > pause + _MARGIN:
        time.sleep(pause)
        pause = min(pause * 1.5, _LAST_LOOK)
        seen = store.read(lambda connection: ledger_rows.get(connection, entry.id))
        if seen is None:
            return entry
        if seen.state != PENDING or not seen.leased:
            return seen
    return None
