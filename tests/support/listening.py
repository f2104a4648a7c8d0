"""Small servers of a test's own, which listen while a block runs."""

from __future__ import annotations

import contextlib
import socketserver
import threading
from collections.abc import Iterator
from typing import TypeVar

Server = TypeVar("Server", bound=socketserver.BaseServer)

_POLL_SECONDS = 0.01
"""How soon it notices that it shall end."""


@contextlib.contextmanager
def listening(server: Server) -> Iterator[Server]:
    """The server, which answers in a thread of its own until the block is left."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
