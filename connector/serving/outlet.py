"""Sending an answer without keeping a thread for whoever reads slowly.

What the app writes is sent as far as the client takes it. The end of a whole answer is left to the
poller; a stream waits for its reader, but not for long, and is not read ahead of it meanwhile.
"""

from __future__ import annotations

import select
import socket

from connector.serving.limits import Limits


class ReaderGone(OSError):
    """The client does not read any more, or has hung up."""


class Outlet:
    """Stands in for the socket in gunicorn's Response: what is sent goes out as it can.

    `left` is what could not be sent yet.
    """

    def __init__(self, client: socket.socket, limits: Limits) -> None:
        """`client` does not block."""
        self._client, self._limits = client, limits
        self.left = bytearray()
        self._streaming = False

    def sendall(self, data: bytes) -> None:
        """Take `data`. Raises ReaderGone, for a stream also when more than `memory_bytes` wait and
        nothing could be sent for `stall_seconds`."""
        self.left += data
        if self._streaming or len(self.left) > self._limits.memory_bytes:
            self.flush()
        while self._streaming and len(self.left) > self._limits.memory_bytes:
            self._wait()
            self.flush()

    send = sendall

    def stream(self) -> None:
        """From now on every piece goes out at once, and what is not read is waited for."""
        self._streaming = True

    def flush(self) -> None:
        """Send what the client takes now. Raises ReaderGone."""
        try:
            while self.left:
                sent = self._client.send(self.left)
                del self.left[:sent]
        except BlockingIOError:
            pass
        except OSError as gone:
            raise ReaderGone(gone.errno, "the client has hung up") from None

    def _wait(self) -> None:
        poll = select.poll()
        poll.register(self._client, select.POLLOUT)
        if not poll.poll(self._limits.stall_seconds * 1000):
            raise ReaderGone(None, "the client does not read")
