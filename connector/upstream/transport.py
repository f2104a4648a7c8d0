"""The wire to the billing API: one connection per thread, one total deadline per call.

httpx times each read on its own, so an answer that drips in could take for ever. Here every
socket operation gets no more than what is left of the thread's deadline. A pool shared by all
threads rescans all its connections on every request; one connection per thread, all with one SSL
context, does not.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterable
from typing import Any

import httpcore
import httpx

from connector.deadline import Deadline

CONNECT_SECONDS = 5.0
IDLE_SECONDS = 300.0
_KEEPALIVE_SECONDS = 20.0


class Clock:
    """A thread's current deadline; None lets a stream run on, with `idle` seconds per read."""

    def __init__(self, idle: float) -> None:
        self.deadline: Deadline | None = None
        self._idle = idle

    def limit(self, passed: type[Exception] = httpcore.ReadTimeout) -> float:
        """The seconds that one socket operation may take. Raises `passed` when there are none."""
        if self.deadline is None:
            return self._idle
        left = self.deadline.left()
        if left <= 0:
            raise passed("the deadline has passed")
        return left


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, clock: Clock) -> None:
        self._inner, self._clock = inner, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._clock.limit())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._inner.write(buffer, self._clock.limit())

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = min(CONNECT_SECONDS, self._clock.limit(httpcore.ConnectTimeout))
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, seconds), self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    def __init__(self, clock: Clock) -> None:
        self._inner, self._clock = httpcore.SyncBackend(), clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Try the host's addresses in turn, within CONNECT_SECONDS for all of them together."""
        within = Deadline(min(CONNECT_SECONDS, self._clock.limit(httpcore.ConnectTimeout)))
        addresses = _addresses(host, port)
        for position, address in enumerate(addresses):
            seconds = within.left() / (len(addresses) - position)
            with contextlib.suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                return _Stream(
                    self._inner.connect_tcp(address, port, seconds, local_address, socket_options),
                    self._clock,
                )
        raise httpcore.ConnectError("none of the addresses answers")


def _addresses(host: str, port: int) -> list[str]:
    try:
        resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError("the name is not known") from error
    return list(dict.fromkeys(str(address[0]) for *_, address in resolved))


class Wire:
    """Hands every thread its own transport and clock.

    A transport instead of a client: redirects, cookies, proxies and retries are not wanted here,
    and cost as much as the rest. `transport` replaces the network, for tests (such as
    `httpx.WSGITransport(app=sandbox)`). `idle`: seconds that a stream may be silent.
    """

    def __init__(
        self, transport: httpx.BaseTransport | None = None, idle: float = IDLE_SECONDS
    ) -> None:
        self._injected, self._idle = transport, idle
        self._ssl = httpx.create_ssl_context()
        self._local = threading.local()

    def here(self) -> tuple[httpx.BaseTransport, Clock]:
        """This thread's transport and clock."""
        local = self._local
        if not hasattr(local, "transport"):
            local.clock = Clock(self._idle)
            local.transport = self._injected or self._network(local.clock)
        return local.transport, local.clock

    def settle(self) -> None:
        """An answer was read: what stands behind it would be taken for the next call's answer, so
        a connection on which anything does is closed."""
        pool = getattr(getattr(self._local, "transport", None), "_pool", None)
        for connection in getattr(pool, "connections", ()):
            state = getattr(getattr(connection, "_connection", None), "_h11_state", None)
            if state is not None and state.trailing_data[0]:
                connection.close()

    def _network(self, clock: Clock) -> httpx.BaseTransport:
        transport = httpx.HTTPTransport(verify=self._ssl, trust_env=False)
        # httpx offers no parameter for the network backend of its pool; httpcore does.
        transport._pool = httpcore.ConnectionPool(
            ssl_context=self._ssl,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=_KEEPALIVE_SECONDS,
            network_backend=_Backend(clock),
        )
        return transport
