"""Whether the address to listen on can be had: gunicorn would try for five seconds, and tell it in
lines that nobody but its authors understands."""

from __future__ import annotations

import errno
import socket


class CannotListen(Exception):
    """The address cannot be had; the text says what to do."""


def refuse_taken(listen: str) -> None:
    """Raises CannotListen when nobody can listen at `listen` (host:port) now."""
    host, _, port = listen.rpartition(":")
    name = host.strip("[]")
    try:
        found = socket.getaddrinfo(
            name, int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError:
        raise CannotListen(
            f"This machine has no address called “{name}”. Set CONNECTOR_LISTEN to 127.0.0.1:{port}"
            f" for this machine only, or to 0.0.0.0:{port} for all its addresses."
        ) from None
    family, kind, *_, address = found[0]
    with socket.socket(family, kind) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind(address)
            tried.listen()
        except OSError as error:
            raise CannotListen(_sentence(listen, port, error.errno)) from None


def _sentence(listen: str, port: str, number: int | None) -> str:
    if number == errno.EADDRINUSE:
        return (
            f"Another program listens at {listen} already. Stop it, or set CONNECTOR_LISTEN to "
            "another port."
        )
    if number == errno.EACCES:
        return (
            f"This user may not listen on port {port}: ports below 1024 are for root. Set "
            "CONNECTOR_LISTEN to a higher port, and let a proxy stand in front."
        )
    return (
        f"This machine does not have the address {listen}. Set CONNECTOR_LISTEN to one that it "
        f"has, such as 127.0.0.1:{port} or 0.0.0.0:{port}."
    )
