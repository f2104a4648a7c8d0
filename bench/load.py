"""The load generator: keep-alive connections that each send the next request after an answer."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from statistics import quantiles
from typing import cast

from bench.calls import Call

_GRACE_SECONDS = 30.0
_CONNECTS_AT_ONCE = 64


@dataclass
class Load:
    """What came out of one round. `latencies` are in seconds; `failure` is the first wrong answer,
    or "" if there was none."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failed: int = 0
    failure: str = ""

    @property
    def answered(self) -> int:
        return len(self.latencies)

    @property
    def rate(self) -> float:
        """Right answers per second."""
        return self.answered / self.seconds if self.seconds else 0.0

    def percentile(self, percent: int) -> float:
        """In seconds."""
        if self.answered < 2:
            return float("nan")
        return quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


def drive(port: int, call: Call, *, connections: int, seconds: float, spread: float = 0.0) -> Load:
    """Keep `connections` busy for `seconds`; their beginnings are spread over `spread` seconds.

    What is under way at the end is waited for, at most 30 s.
    """
    return asyncio.run(_drive(port, call, connections, seconds, spread))


class _Connection(asyncio.Protocol):
    def __init__(self, call: Call, load: Load, ended: asyncio.Future[None]) -> None:
        self._call, self._load, self.ended = call, load, ended
        self._buffer = b""
        self._until = self._sent = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def begin(self, until: float) -> None:
        self._until = until
        self._send()

    def _send(self) -> None:
        now = time.perf_counter()
        if now >= self._until or self._transport.is_closing():
            self._end()
            return
        self._sent = now
        self._transport.write(self._call.request())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not _complete(self._buffer):
            return
        answer, self._buffer = self._buffer, b""
        if _right(answer, self._call):
            self._load.latencies.append(time.perf_counter() - self._sent)
        else:
            self._fail(answer[:500].decode("latin-1"))
        self._send()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            self._fail("the server closed the connection")
            self._end()

    def _fail(self, why: str) -> None:
        self._load.failed += 1
        self._load.failure = self._load.failure or why

    def _end(self) -> None:
        if not self.ended.done():
            self.ended.set_result(None)
        self._transport.close()


def _complete(answer: bytes) -> bool:
    head, result, body = answer.partition(b"\r\n\r\n")
    if not result:
        return False
    lower = head.lower()
    at = lower.find(b"content-length:")
    if at < 0:
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(lower[at + 15 :].split(b"\r\n", 1)[0])


def _right(answer: bytes, call: Call) -> bool:
    good = answer.startswith(b"HTTP/1.1 200") and call.expect in answer
    return good and call.doubling not in answer


async def _drive(port: int, call: Call, connections: int, seconds: float, spread: float) -> Load:
    loop, load = asyncio.get_running_loop(), Load()
    opened: list[_Connection] = []

    async def connect() -> None:
        _, connection = await loop.create_connection(
            lambda: _Connection(call, load, loop.create_future()), "127.0.0.1", port
        )
        opened.append(connection)

    for first in range(0, connections, _CONNECTS_AT_ONCE):
        batch = range(first, min(first + _CONNECTS_AT_ONCE, connections))
        await asyncio.gather(*(connect() for _ in batch))
    began = time.perf_counter()
    for number, connection in enumerate(opened):
        loop.call_later(spread * number / connections, connection.begin, began + spread + seconds)
    ends = [connection.ended for connection in opened]
    _, late = await asyncio.wait(ends, timeout=seconds + spread + _GRACE_SECONDS)
    load.failed += len(late)
    load.seconds = time.perf_counter() - began
    for ended in late:
        ended.cancel()
    return load
