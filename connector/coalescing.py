"""Request coalescing: what arrives for a key while work for it is under way shares the
next turn.

The thread that finds nobody at work for its key works at once; those that come meanwhile wait, and
the first of them then works for all. Nobody waits for a batch to fill up, and no thread is kept.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event, Lock
from typing import Generic, TypeVar

Key = TypeVar("Key")
Item = TypeVar("Item")
Result = TypeVar("Result")


_BEGUN_SECONDS = 10.0
"""So much longer who gives up waits for work on its item that has begun."""


class _Place(Generic[Item, Result]):
    """One item in a queue: its thread wakes up with a result, or to work for the next batch."""

    def __init__(self, item: Item) -> None:
        self.item, self.woken = item, Event()
        self.result: Result | None = None
        self.failure: BaseException | None = None
        self.leads = False


class Coalescer(Generic[Key, Item, Result]):
    """Runs `work` for each key in one thread at a time.

    `work` gets the key and `take`, which gives at most `most` items in order of arrival: it calls
    that once, when it can begin (who waits can give up until then), and returns one result each.
    """

    def __init__(
        self,
        work: Callable[[Key, Callable[[], list[Item]]], list[Result]],
        most: int = 64,
        patience: float = 15.0,
    ) -> None:
        self._work, self._most, self._patience = work, most, patience
        self._lock = Lock()
        self._waiting: dict[Key, list[_Place[Item, Result]]] = {}
        """The keys that somebody works for, and who waits behind that."""

    def run(self, key: Key, item: Item) -> Result:
        """The result of `item`. Raises what `work` raises, which everybody gets who shares the
        batch or waits behind it: they would only wait for the same. Raises TimeoutError after
        `patience` seconds of waiting for others; then the item is never worked for, unless that has
        begun and does not come to an end."""
        place: _Place[Item, Result] = _Place(item)
        with self._lock:
            if key in self._waiting:
                self._waiting[key].append(place)
            else:
                self._waiting[key] = []
                place.leads = True
        if not place.leads and not place.woken.wait(self._patience):
            self._give_up(key, place)
        if place.leads:
            self._lead(key, place)
        if place.failure is not None:
            raise place.failure
        return place.result  # type: ignore[return-value]

    def _give_up(self, key: Key, place: _Place[Item, Result]) -> None:
        """Leave the queue. Raises TimeoutError, unless it is this one's turn just now, or it is
        worked for: then its end is waited for, as nobody could tell what became of it."""
        with self._lock:
            if place.leads:
                return
            queue = self._waiting.get(key, [])
            queued = place in queue
            if queued:
                queue.remove(place)
        if queued or not place.woken.wait(_BEGUN_SECONDS):
            raise TimeoutError("what was begun before takes too long")

    def _lead(self, key: Key, first: _Place[Item, Result]) -> None:
        """Work for a batch, whose first place is the caller's, and hand on to who comes next."""
        batch = [first]

        def take() -> list[Item]:
            with self._lock:
                waiting = self._waiting[key]
                batch.extend(waiting[: self._most - 1])
                del waiting[: self._most - 1]
            return [place.item for place in batch]

        failure: BaseException | None = None
        try:
            results = self._work(key, take)
            for place, result in zip(batch, results, strict=True):
                place.result = result
        except BaseException as error:
            failure = error
        with self._lock:
            if failure is not None:
                batch += self._waiting[key]
                self._waiting[key] = []
            if self._waiting[key]:
                following = self._waiting[key].pop(0)
                following.leads = True
                following.woken.set()
            else:
                del self._waiting[key]
        for place in batch:
            place.failure = failure
            place.woken.set()
