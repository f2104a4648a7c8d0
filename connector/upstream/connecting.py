"""The way to a host: its addresses in turn, and how long each operation on a socket may take."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable
from typing import TypeVar

import httpcore
import httpx

from connector.deadline import Deadline

CONNECT_SECONDS = 5.0
KEEPALIVE_SECONDS = 20.0
"""A connection that was idle for longer is not used again."""

_Connected = TypeVar("_Connected")


class Clock:
    """A thread's current deadline; None lets a stream run on, with `idle` seconds per read."""

    def __init__(self, idle: float) -> None:
        self.deadline: Deadline | None = None
        self._idle = idle

    def limit(self, passed: type[httpx.TimeoutException] = httpx.ReadTimeout) -> float:
        """The seconds that one socket operation may take. Raises `passed` when there are none."""
        if self.deadline is None:
            return self._idle
        left = self.deadline.left()
        if left <= 0:
            raise passed("the deadline has passed")
        return left

    def connect_limit(self) -> float:
        """The seconds that connecting may take, or TLS. Raises httpx.ConnectTimeout."""
        return min(CONNECT_SECONDS, self.limit(httpx.ConnectTimeout))


def first_reachable(
    host: str, port: int, clock: Clock, connect: Callable[[str, float], _Connected]
) -> _Connected:
    """What `connect` gives for the first address of the host that takes the connection; it is told
    the address and its share of the seconds for all of them together.

    Raises httpx.ConnectError, or httpx.ConnectTimeout when the deadline has passed.
    """
    within = Deadline(clock.connect_limit())
    addresses = _addresses(host, port)
    for position, address in enumerate(addresses):
        seconds = within.left() / (len(addresses) - position)
        with contextlib.suppress(OSError, httpcore.ConnectError, httpcore.ConnectTimeout):
            return connect(address, seconds)
    raise httpx.ConnectError("none of the addresses answers")


def _addresses(host: str, port: int) -> list[str]:
    try:
        resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpx.ConnectError("the name is not known") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in resolved))
