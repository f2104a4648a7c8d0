"""The limiter by itself: whose calls count together, and what it does without its storage."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest
from structlog.testing import CapturingLogger

from connector.api import rate_limits
from connector.api.rate_limits import RateLimits
from connector.errors import TooManyRequests
from tests.support.ports import free_port

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


@pytest.fixture
def silent_redis() -> Iterator[tuple[str, list[socket.socket]]]:
    """The address of a Redis that accepts and never answers, and who has connected."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    taken.append(listener.accept()[0])

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0", taken
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for one in taken:
            one.close()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> CapturingLogger:
    """What the limiter logs."""
    logger = CapturingLogger()
    monkeypatch.setattr(rate_limits, "log", logger)
    return logger


def test_a_redis_that_never_answers_is_asked_once_and_told_once(
    silent_redis: tuple[str, list[socket.socket]], told: CapturingLogger
) -> None:
    address, taken = silent_redis
    limits = RateLimits("2/minute;100/hour;1000/day", address)
    limits.proven("any")
    for _ in range(2):
        limits.count("any", PEER)
    with pytest.raises(TooManyRequests):
        limits.count("any", PEER)
    assert [call.args for call in told.calls] == [("rate_limit_storage_away",)]
    assert len(taken) <= 2  # redis-py connects once more when the first try fails


def test_a_redis_that_is_back_counts_again(
    silent_redis: tuple[str, list[socket.socket]],
    monkeypatch: pytest.MonkeyPatch,
    told: CapturingLogger,
) -> None:
    limits = RateLimits("100/minute", silent_redis[0])
    limits.proven("any")
    limits.count("any", PEER)
    monkeypatch.setattr(limits, "_shared", limits._local)
    monkeypatch.setattr(limits._redis, "_next_probe", 0.0)
    limits.count("any", PEER)
    limits.count("any", PEER)
    assert [call.args for call in told.calls[1:]] == [("rate_limit_storage_back",)]
