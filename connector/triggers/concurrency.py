"""Who may be sent to right now, so that no target waits because of another.

A push that waits for its answer costs a place and hardly anything else; one that has just begun
costs time of the processor as well. Both are limited. All of it is there for targets that answer
quickly, three quarters for those of which nothing is known yet, and one half for those that answer
late or not at all, which shows while their answer is waited for.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from enum import IntEnum

from connector.store.outbox_rows import PER_TARGET

QUICK_SECONDS = 2.0
_REMEMBERED = 20_000


class Pace(IntEnum):
    """How a target answered last; the worse, the higher."""

    QUICK = 0
    UNKNOWN = 1
    SLOW = 2


_SHARE = {Pace.QUICK: 1.0, Pace.UNKNOWN: 0.75, Pace.SLOW: 0.5}
_MOST = {Pace.QUICK: PER_TARGET, Pace.UNKNOWN: 1, Pace.SLOW: 1}


@dataclass
class _Target:
    """A target; `young` are those of its pushes that began just now."""

    pace: Pace = Pace.UNKNOWN
    under_way: int = 0
    young: int = 0
    paused_until: float = 0.0


@dataclass
class _Limit:
    """How many pushes there may be at a time, and how many there are, by pace."""

    most: int
    taken: dict[Pace, int] = field(default_factory=lambda: dict.fromkeys(Pace, 0))

    def free(self, pace: Pace = Pace.QUICK) -> int:
        worse = sum(count for other, count in self.taken.items() if other >= pace)
        whole = self.most - sum(self.taken.values())
        return min(whole, int(self.most * _SHARE[pace]) - worse)


class PushSlots:
    """The places of one process, `places` in all, `young` for pushes of the last two seconds. Used
    by one thread."""

    def __init__(self, places: int, young: int) -> None:
        self._all, self._young = _Limit(places), _Limit(young)
        self._slots: dict[str, _Target] = {}
        self._pushes: dict[str, str] = {}
        self._begun: dict[str, float] = {}

    @property
    def under_way(self) -> int:
        """How many pushes are under way."""
        return len(self._pushes)

    @property
    def free(self) -> int:
        """How many may begin at most, whatever their targets."""
        return max(0, min(self._all.free(), self._young.free()))

    def holds(self, push_id: str) -> bool:
        """Whether a push is under way."""
        return push_id in self._pushes

    def age(self) -> None:
        """Let pushes grow old; a target that has not answered by then counts as slow."""
        late = time.monotonic() - QUICK_SECONDS
        for push_id, begun in list(self._begun.items()):
            if begun > late:
                return
            slot = self._slots[self._pushes[push_id]]
            self._grow_old(push_id, slot)
            self._set(slot, Pace.SLOW)

    def room(self, target: str, failing: bool) -> int:
        """How many pushes to `target` may begin now; `failing`: its hook's last push failed."""
        slot = self._slots.get(target) or _Target()
        if slot.paused_until > time.monotonic():
            return 0
        pace = Pace.SLOW if failing and slot.pace is Pace.UNKNOWN else slot.pace
        own = _MOST[pace] - slot.under_way
        return max(0, min(own, self._all.free(pace), self._young.free(pace)))

    def begin(self, push_id: str, target: str, failing: bool) -> None:
        """Take a place for a push to `target`, unless it has one."""
        if push_id in self._pushes:
            return
        if len(self._slots) >= _REMEMBERED:
            self._slots = {name: slot for name, slot in self._slots.items() if slot.under_way}
        slot = self._slots.setdefault(target, _Target())
        if failing and slot.pace is Pace.UNKNOWN:
            self._set(slot, Pace.SLOW)
        self._pushes[push_id] = target
        self._begun[push_id] = time.monotonic()
        for limit in (self._all, self._young):
            limit.taken[slot.pace] += 1
        slot.under_way += 1
        slot.young += 1

    def leave(self, push_id: str) -> None:
        """Give the place of a push back, if it has one."""
        target = self._pushes.pop(push_id, None)
        if target is None:
            return
        slot = self._slots[target]
        if push_id in self._begun:
            self._grow_old(push_id, slot)
        slot.under_way -= 1
        self._all.taken[slot.pace] -= 1

    def learn(self, target: str, *, quick: bool, pause: int = 0) -> None:
        """Note how a push to `target` went, and for how many seconds it wants nothing."""
        slot = self._slots.setdefault(target, _Target())
        self._set(slot, Pace.QUICK if quick else Pace.SLOW)
        slot.paused_until = time.monotonic() + pause if pause else 0.0

    def _grow_old(self, push_id: str, slot: _Target) -> None:
        del self._begun[push_id]
        slot.young -= 1
        self._young.taken[slot.pace] -= 1

    def _set(self, slot: _Target, pace: Pace) -> None:
        for limit, count in ((self._all, slot.under_way), (self._young, slot.young)):
            limit.taken[slot.pace] -= count
            limit.taken[pace] += count
        slot.pace = pace
