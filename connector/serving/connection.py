"""One client's connection: what has come on it, what is still to be sent, and until when it may."""

from __future__ import annotations

import contextlib
import select
import socket
import struct
from collections.abc import Callable
from itertools import count
from time import monotonic
from typing import Any

from connector.serving.bodies import Room
from connector.serving.incoming import Incoming
from connector.serving.limits import Limits

_PIECE = 65_536
_numbers = count(1)
_GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection:
    """Belongs to the poller, or to the thread that answers its request; never to both.

    `incoming` is the request that is being collected or answered. `trouble` is why it cannot be,
    `left` what is still to be sent, and `closing` tells that nothing more is read as a request.
    """

    def __init__(
        self,
        client: socket.socket,
        peer: Any,
        local: Any,
        begin: Callable[[Any], Incoming],
        room: Room,
        limits: Limits,
    ) -> None:
        client.setblocking(False)
        self.number = next(_numbers)
        self.client, self.peer, self.local = client, peer, local
        self._begin, self._room, self.limits = begin, room, limits
        self._counted: tuple[bytes, int] = (b"", 0)
        self.incoming = begin(peer)
        self.trouble: Exception | None = None
        self.left = bytearray()
        self.closing = False
        self.hung_up = False
        self.sender = b""
        self._since = monotonic()

    def receive(self) -> None:
        """Take what has come; afterwards the request may be whole, or `trouble` be set."""
        try:
            data = self.client.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            self.hung_up = True
            return
        if not data:
            self.hung_up = True
            return
        self._feed(data)

    def readable(self, milliseconds: int) -> bool:
        """Whether something comes within that time."""
        poll = select.poll()
        poll.register(self.client, select.POLLIN)
        return bool(poll.poll(milliseconds))

    def next_request(self) -> None:
        """Begin with the request behind the one that was answered; it may have come already."""
        rest = self.incoming.rest
        self.incoming.close()
        self.incoming = self._begin(self.peer)
        self._since = monotonic()
        if rest:
            self._feed(rest)

    def send(self) -> None:
        """Send of what is left as much as the client takes."""
        try:
            sent = self.client.send(self.left)
            del self.left[:sent]
        except BlockingIOError:
            return
        except OSError:
            self.left.clear()
            self.closing = self.hung_up = True

    def count_left(self) -> None:
        """Count what is left among all that is held. Raises NoRoom."""
        self._room.give_back(*self._counted)
        self._counted = (b"", 0)
        if self.left:
            self._room.take(self.sender, len(self.left))
            self._counted = (self.sender, len(self.left))

    def skim(self) -> None:
        """Throw away what comes."""
        try:
            self.hung_up = not self.client.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            self.hung_up = True

    def deadline(self) -> float:
        """Until when the request must have come on, on the monotonic clock."""
        limits = self.limits
        if not self.incoming.begun:
            return self._since + limits.idle_seconds
        if self.incoming.request is None:
            return self._since + limits.head_seconds
        return self._since + limits.body_seconds + self.incoming.size / limits.body_rate

    def sending_deadline(self) -> float:
        """Until when what is left must have been read, if sending it begins now."""
        limits = self.limits
        return monotonic() + limits.send_seconds + len(self.left) / limits.body_rate

    def close(self) -> None:
        """Let go of it."""
        self.incoming.close()
        self.left.clear()
        self.count_left()
        with contextlib.suppress(OSError):
            self.client.close()

    def abort(self) -> None:
        """Have `close` throw away what the client has not read: the system would keep it else."""
        with contextlib.suppress(OSError):
            self.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def end_sending(self) -> None:
        """Tell the client that nothing more comes."""
        with contextlib.suppress(OSError):
            self.client.shutdown(socket.SHUT_WR)

    def _feed(self, data: bytes) -> None:
        had_begun, had_head = self.incoming.begun, self.incoming.request is not None
        try:
            self.incoming.feed(data)
        except Exception as trouble:  # what stops a request is told to its sender, whatever it is
            self.trouble = trouble
            return
        if not had_begun or (not had_head and self.incoming.request is not None):
            self._since = monotonic()
        if self.incoming.asks_to_go_on:
            with contextlib.suppress(OSError):
                self.client.send(_GO_ON)
        if self.incoming.request is not None:
            self.sender = self.incoming.rules.sender
            self.incoming.request._expected_100_continue = False
