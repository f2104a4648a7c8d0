"""Runs the sandbox as a real HTTP server: one process, because its state is in memory."""

import ipaddress
import select
import socket
import sys
from typing import Any

from flask import Flask
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

from connector.brands import PAYWALLS, Brand
from connector.sandbox.app import create_sandbox

THREADS = 1024
STAY_MILLISECONDS = 200

REFUSED = (
    "The sandbox accepts anyone who knows its public keys, so it listens on this machine only. "
    "Use a loopback address such as 127.0.0.1, or force it."
)


class NotLoopbackError(ValueError):
    """The sandbox was told to listen where others can reach it, and not forced to."""


def serve(
    host: str = "127.0.0.1",
    port: int = 8001,
    retry_base: float = 30.0,
    force: bool = False,
    brand: Brand = PAYWALLS,
) -> None:
    """Run the sandbox until a signal ends it; port 0 takes a free one.

    `brand` is the name of the vendor under which it plays. Writes one line with the address once
    it listens. Raises NotLoopbackError for any other than a
    loopback host, unless `force` is true.
    """
    if not force and not _is_loopback(host):
        raise NotLoopbackError(REFUSED)
    _Server(f"[{host}]:{port}" if ":" in host else f"{host}:{port}", retry_base, brand).run()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class _StayingWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's thread worker, except that a thread stays with a busy connection.

    Handing the connection back to the main thread after each answer costs about twice as much
    CPU as answering; a thread leaves only when no further request comes for a moment.
    """

    def handle(self, conn: TConn) -> object:
        kept = super().handle(conn)
        while kept is True and self.alive and _readable(conn.sock):
            kept = super().handle(conn)
        return kept


def _readable(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(STAY_MILLISECONDS))


class _Server(BaseApplication):  # type: ignore[misc]
    """gunicorn with threads; the application is made in its only worker."""

    def __init__(self, bind: str, retry_base: float, brand: Brand) -> None:
        self._bind = bind
        self._retry_base = retry_base
        self._brand = brand
        super().__init__()

    def load_config(self) -> None:
        settings = {
            "bind": self._bind,
            "workers": 1,
            "worker_class": _StayingWorker,
            "worker_connections": 2 * THREADS,
            "threads": THREADS,
            "http_parser": "fast",
            "keepalive": 75,
            "timeout": 0,
            "graceful_timeout": 1,
            "loglevel": "error",
            "control_socket_disable": True,
            "when_ready": self._announce,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return create_sandbox(retry_base=self._retry_base, brand=self._brand)

    def _announce(self, arbiter: Any) -> None:
        for listener in arbiter.LISTENERS:
            sys.stdout.write(f"Sandbox of the {self._brand.title} API: {listener}/v1\n")
        sys.stdout.flush()
