"""A hook's address on a real socket: it takes what is sent and answers as it is told to."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

PATIENCE = 60.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Push:
    """One push as it came."""

    headers: dict[str, str]
    raw: bytes
    at: float

    @property
    def item(self) -> dict[str, Any]:
        """Its body."""
        result: dict[str, Any] = json.loads(self.raw)
        return result


@dataclass
class Receiver:
    """What came so far; `answer` writes to the socket of each push."""

    port: int
    answer: Callable[[socket.socket, Push], None]
    pushes: list[Push] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    over: threading.Event = field(default_factory=threading.Event)
    busiest: int = 0
    _open: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/hook"

    def wait(self, count: int, patience: float = PATIENCE) -> list[Push]:
        """The pushes once there are at least `count`."""
        with self.changed:
            came = self.changed.wait_for(lambda: len(self.pushes) >= count, patience)
            assert came, f"{len(self.pushes)} of {count} pushes came"
            return list(self.pushes)

    def serve(self, connection: socket.socket) -> None:
        """Read one push and answer it."""
        with connection, contextlib.suppress(OSError):
            push = read_push(connection)
            if push is None:
                return
            with self.changed:
                self._open += 1
                self.busiest = max(self.busiest, self._open)
                self.pushes.append(push)
                self.changed.notify_all()
            try:
                self.answer(connection, push)
            finally:
                with self.changed:
                    self._open -= 1


def says(status: int, headers: str = "", body: bytes = b"") -> bytes:
    """An answer to be written to the socket."""
    head = f"HTTP/1.1 {status} Told\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@contextlib.contextmanager
def running_receiver(
    answer: bytes | Callable[[socket.socket, Push, threading.Event], None] = OK,
) -> Iterator[Receiver]:
    """A receiver on a free port. `answer` is what it always says, or a function of the socket, the
    push and an event that is set when the test is over."""

    def reply(connection: socket.socket, push: Push) -> None:
        if isinstance(answer, bytes):
            connection.sendall(answer)
        else:
            answer(connection, push, receiver.over)

    listening = socket.create_server(("127.0.0.1", 0), backlog=1024)
    receiver = Receiver(listening.getsockname()[1], reply)

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=receiver.serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.over.set()
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def read_push(connection: socket.socket) -> Push | None:
    """One push from a socket, or None if it was closed before."""
    at = time.monotonic()
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        if not part:
            return None
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")[1:]
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return Push(headers, body, at)
