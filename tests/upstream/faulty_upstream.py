"""A server on a real socket that misbehaves as a test says, and counts what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from connector.deadline import Deadline
from connector.upstream import Client, Upstream

Talk = Callable[[socket.socket, threading.Event], None]
"""What to do with a connection once a request was read; the event is set when the test ends."""


@dataclass
class FaultyUpstream:
    """`asked` holds every request that came, `connections` counts who came, `gone` who left.

    `takes_body`: whether a request's body is read before the talk, or left to it.
    """

    talk: Talk
    host: str
    port: int
    takes_body: bool = True
    asked: list[bytes] = field(default_factory=list)
    connections: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    gone: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}/v1"

    def serve(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._meet, args=(connection,), daemon=True).start()

    def _meet(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            while head := _head(connection):
                body = taken(connection, _length(head)) if self.takes_body else b""
                self.asked.append(head + body)
                self.talk(connection, self.over)
        self.gone.release()


def _head(connection: socket.socket) -> bytes:
    """A request's head, and no byte of its body; empty when the other side has left."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        more = connection.recv(1)
        if not more:
            return b""
        head += more
    return head


def _length(head: bytes) -> int:
    lines = [line.lower() for line in head.split(b"\r\n")]
    return sum(int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:"))


def taken(connection: socket.socket, length: int) -> bytes:
    """So many bytes of what comes. Raises ConnectionError when the other side leaves before."""
    data = bytearray()
    while len(data) < length:
        more = connection.recv(min(65_536, length - len(data)))
        if not more:
            raise ConnectionError
        data += more
    return bytes(data)


@contextlib.contextmanager
def running_faulty_upstream(
    talk: Talk, *, takes_body: bool = True, ipv6: bool = False
) -> Iterator[FaultyUpstream]:
    """A faulty server on a free port of this machine."""
    family, host = (socket.AF_INET6, "::1") if ipv6 else (socket.AF_INET, "127.0.0.1")
    with socket.create_server((host, 0), family=family, backlog=128) as listener:
        port = listener.getsockname()[1]
        faulty = FaultyUpstream(talk, f"[{host}]" if ipv6 else host, port, takes_body)
        thread = threading.Thread(target=faulty.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield faulty
        finally:
            faulty.over.set()
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextlib.contextmanager
def upstream_at(url: str, seconds: float = 5.0, key: str = "k") -> Iterator[Upstream]:
    """A conversation with the server at `url`, over a connection that is closed afterwards."""
    client = Client(url)
    try:
        yield Upstream(client, key, Deadline(seconds))
    finally:
        hang_up(client)


def hang_up(client: Client) -> None:
    """Close this thread's connection, which otherwise lives as long as its thread."""
    client._wire.here()[0].close()


def http(status: int, body: bytes = b"{}", *headers: str) -> bytes:
    """A whole HTTP answer."""
    head = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def saying(data: bytes) -> Talk:
    """Sends these bytes and waits for the next request."""
    return lambda connection, _: connection.sendall(data)


def answering(value: object, status: int = 200, *headers: str) -> Talk:
    """Answers JSON."""
    return saying(http(status, json.dumps(value).encode(), *headers))


def leaving(data: bytes = b"") -> Talk:
    """Sends these bytes and closes the connection."""

    def talk(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_RDWR)

    return talk


def silent(_: socket.socket, over: threading.Event) -> None:
    """Never says anything."""
    over.wait(60)


def dripping(start: bytes, seconds: float = 0.05) -> Talk:
    """Sends the start, then a byte every now and then, for ever."""

    def talk(connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(start)
        while not over.wait(seconds):
            connection.sendall(b"x")

    return talk


def in_turn(*talks: Talk) -> Talk:
    """The first request meets the first talk, and so on; the last one stays."""
    waiting = list(talks)

    def talk(connection: socket.socket, over: threading.Event) -> None:
        (waiting.pop(0) if len(waiting) > 1 else waiting[0])(connection, over)

    return talk


def endless(connection: socket.socket, over: threading.Event) -> None:
    """Answers with a body that has no end."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
    while not over.is_set():
        connection.sendall(b" " * 65_536)
