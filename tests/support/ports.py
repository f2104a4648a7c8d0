"""A port for a server that must have the same one after a restart."""

from __future__ import annotations

import random
import socket

_OUTSIDE = range(20_000, 30_000)
"""Not among those that the system gives to outgoing connections."""


def free_port() -> int:
    """A port of this machine on which nobody listens, and which nobody is given by chance."""
    for port in random.sample(_OUTSIDE, 100):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no port is free")
