"""The limiter by itself: whose calls count together, and what it does without its storage."""

from __future__ import annotations

import pytest

from connector.api import rate_limits
from connector.api.rate_limits import RateLimits
from connector.errors import TooManyRequests
from tests.inbound.subscriptions.ports import free_port

PEER = "192.0.2.1"


def test_a_key_that_was_accepted_counts_by_itself() -> None:
    limits = RateLimits("2/minute")
    limits.proven("accepted")
    for _ in range(2):
        limits.count("accepted", PEER)
    with pytest.raises(TooManyRequests):
        limits.count("accepted", PEER)
    limits.count("another", PEER)


def test_only_refused_keys_count_against_their_address() -> None:
    limits = RateLimits("2/minute")
    for number in range(10):
        limits.count(f"new {number}", PEER)
    for _ in range(2):
        limits.refused("guessed", PEER)
    end = limits.count("new", PEER)
    with pytest.raises(TooManyRequests) as refused:
        limits.count("guessed again", PEER)
    assert refused.value.retry_after == 1
    limits.count("guessed again", "192.0.2.2")
    end()
    limits.count("guessed again", PEER)


def test_behind_an_address_of_guessers_keys_in_use_go_on_and_new_ones_are_tried() -> None:
    limits = RateLimits("2/minute")
    limits.proven("in use")
    for _ in range(5):
        limits.refused("guessed", PEER)
    limits.count("in use", PEER)
    limits.count("new", PEER)()
    limits.proven("new")
    limits.count("new", PEER)


def test_a_key_that_upstream_refuses_is_not_one_in_use_any_more() -> None:
    limits = RateLimits("2/minute")
    limits.proven("revoked")
    limits.refused("revoked", PEER)
    assert not limits.is_proven("revoked")


def test_many_new_keys_do_not_make_a_key_in_use_unknown() -> None:
    limits = RateLimits("1000000/minute")
    limits.proven("in use")
    for number in range(rate_limits._PROVEN_MAX + 10):
        limits.count("in use", PEER) if number % 1000 == 0 else None
        limits.proven(f"new {number}")
    assert rate_limits._hashed("in use") in limits._proven
    assert len(limits._proven) == rate_limits._PROVEN_MAX


def test_while_the_storage_is_away_the_process_counts_on_its_own() -> None:
    limits = RateLimits("2/minute", f"redis://127.0.0.1:{free_port()}/0")
    limits.proven("any")
    for _ in range(2):
        limits.count("any", PEER)
    with pytest.raises(TooManyRequests) as refused:
        limits.count("any", PEER)
    assert refused.value.retry_after
