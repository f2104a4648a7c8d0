"""How many groups are committed at a time."""

from __future__ import annotations

import pytest

from connector.store.lanes import Lanes


@pytest.mark.parametrize(
    ("took", "most", "lanes"),
    [
        ([0.000_15] * 16, 8, 1),
        ([0.000_5] * 16, 8, 2),
        ([0.001] * 15 + [0.5], 8, 4),
        ([0.02] * 16, 8, 8),
        ([0.02] * 16, 1, 1),
        ([0.02] * 16, 98, 8),
        ([0.02] * 15, 8, 1),
        ([0.02] * 16 + [0.000_15], 8, 1),
        ([0.000_15] + [0.02] * 255, 8, 1),
        ([0.000_15] + [0.02] * 256, 8, 8),
    ],
    ids=[
        "near",
        "a little away",
        "one waited",
        "far",
        "few",
        "a large pool",
        "new",
        "nearer now",
        "it was near",
        "farther now",
    ],
)
def test_there_are_more_lanes_the_farther_the_database(
    took: list[float], most: int, lanes: int
) -> None:
    told = Lanes(most)
    for seconds in took:
        told.began(seconds)
    assert told.count == lanes
    assert {told.of(str(number)) for number in range(500)} == set(range(lanes))
