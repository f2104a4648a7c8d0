"""Who may be sent to right now."""

from __future__ import annotations

import itertools

import pytest

from connector.store.outbox_rows import PER_TARGET
from connector.triggers.concurrency import PushSlots

_ids = map(str, itertools.count())


def begin(lanes: PushSlots, target: str, *, failing: bool = False) -> str:
    """Begin a push; its id."""
    push_id = next(_ids)
    lanes.begin(push_id, target, failing)
    return push_id


def quick(lanes: PushSlots, target: str) -> None:
    """Let a target answer quickly once."""
    lanes.leave(begin(lanes, target))
    lanes.learn(target, quick=True)


def filled(lanes: PushSlots, prefix: str, *, failing: bool = False) -> int:
    """How many pushes, each to a target of its own, begin before there is no room left."""
    begun = 0
    while lanes.room(f"{prefix}{begun}", failing):
        begin(lanes, f"{prefix}{begun}", failing=failing)
        begun += 1
    return begun


def test_one_target_has_few_pushes_under_way() -> None:
    lanes = PushSlots(64, 64)
    quick(lanes, "a")
    for _ in range(PER_TARGET):
        assert lanes.room("a", failing=False)
        last = begin(lanes, "a")
    assert lanes.room("a", failing=False) == 0
    lanes.leave(last)
    assert lanes.room("a", failing=False) == 1


def test_an_unknown_target_and_one_that_failed_get_one_place() -> None:
    lanes = PushSlots(64, 64)
    assert lanes.room("new", failing=False) == 1
    assert lanes.room("failed", failing=True) == 1
    lanes.learn("late", quick=False)
    assert lanes.room("late", failing=False) == 1


@pytest.mark.parametrize(("places", "young"), [(64, 1000), (1000, 64)])
def test_targets_that_fail_share_half_of_the_places(places: int, young: int) -> None:
    lanes = PushSlots(places, young)
    assert filled(lanes, "dead", failing=True) == 32
    assert lanes.room("new", failing=False) == 1


@pytest.mark.parametrize(("places", "young"), [(64, 1000), (1000, 64)])
def test_unknown_targets_leave_a_quarter_for_quick_ones(places: int, young: int) -> None:
    lanes = PushSlots(places, young)
    quick(lanes, "known")
    assert filled(lanes, "new") == 48
    assert lanes.room("known", failing=False) == PER_TARGET


def test_pushes_that_wait_make_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    lanes = PushSlots(64, 8)
    assert filled(lanes, "new") == 6
    monkeypatch.setattr("connector.triggers.concurrency.QUICK_SECONDS", -1.0)
    lanes.age()
    assert filled(lanes, "newer") == 6
    assert lanes.under_way == 12


def test_a_target_that_recovers_is_quick_again() -> None:
    lanes = PushSlots(64, 64)
    lanes.learn("a", quick=False)
    lanes.learn("a", quick=True)
    assert lanes.room("a", failing=True) == PER_TARGET


def test_a_target_that_asks_for_time_is_left_alone() -> None:
    lanes = PushSlots(64, 64)
    lanes.learn("a", quick=True, pause=60)
    assert lanes.room("a", failing=False) == 0


def test_places_are_given_back_whatever_was_learned_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lanes = PushSlots(8, 8)
    quick(lanes, "a")
    pushes = [begin(lanes, "a"), begin(lanes, "a")]
    lanes.leave(pushes[0])
    lanes.learn("a", quick=False)
    monkeypatch.setattr("connector.triggers.concurrency.QUICK_SECONDS", -1.0)
    lanes.age()
    lanes.leave(pushes[1])
    assert lanes.under_way == 0
    assert filled(lanes, "dead", failing=True) == 4
    assert filled(lanes, "new") == 2


def test_a_push_that_begins_or_ends_twice_counts_once() -> None:
    lanes = PushSlots(8, 8)
    quick(lanes, "a")
    for _ in range(2):
        lanes.begin("twice", "a", failing=False)
    assert lanes.holds("twice")
    assert lanes.under_way == 1
    for _ in range(2):
        lanes.leave("twice")
    assert not lanes.holds("twice")
    lanes.learn("a", quick=False)
    assert lanes.room("a", failing=False) == 1
    assert filled(lanes, "new") == 6
