"""A hook's address: takes pushes as fast as they come, and notes when each came."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

from bench.processes import BenchError

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_ID = b'"id":"'
_LOOK_SECONDS = 0.0005


@dataclass
class Receiver:
    """`came` counts the pushes by event id, `paths` by path; `last` is when the newest came, by
    `time.perf_counter`."""

    port: int = 0
    came: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    last: float = 0.0
    pushes: int = 0

    @property
    def url(self) -> str:
        """Where to push; any path below it is taken too."""
        return f"http://127.0.0.1:{self.port}/hook"

    def wait(self, pushes: int, seconds: float, what: str) -> None:
        """Returns once so many pushes came. Raises BenchError when they do not come in time."""
        tick, deadline = threading.Event(), perf_counter() + seconds
        while self.pushes < pushes:
            if perf_counter() > deadline:
                raise BenchError(f"{what}: {self.pushes} of {pushes} pushes came.")
            tick.wait(_LOOK_SECONDS)

    def forget(self) -> None:
        """Begin to count anew."""
        self.came.clear()
        self.paths.clear()
        self.pushes = 0


class _Conversation(asyncio.Protocol):
    def __init__(self, receiver: Receiver) -> None:
        self._receiver, self._buffer = receiver, b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        head, result, body = self._buffer.partition(b"\r\n\r\n")
        at = head.lower().find(b"content-length:")
        if not result or at < 0 or len(body) < int(head[at + 15 :].split(b"\r\n", 1)[0]):
            return
        self._receiver.last = perf_counter()
        event_id = body[body.find(_ID) + len(_ID) :].partition(b'"')[0].decode()
        self._receiver.came[event_id] += 1
        self._receiver.paths[head.split(b" ", 2)[1].decode()] += 1
        self._receiver.pushes += 1
        self._transport.write(_OK)
        self._transport.close()


@contextlib.contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver in a thread of this process, for as long as the block runs."""
    receiver, loop = Receiver(), asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(lambda: _Conversation(receiver), "127.0.0.1", 0, backlog=2048)
    )
    receiver.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, name="receiver")
    thread.start()
    try:
        yield receiver
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
