"""httpx's own transport under our deadlines, for machines without the C parser.

httpx times each read on its own; here every socket operation gets no more than what is left of the
thread's deadline.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Iterator
from typing import Any

import httpcore
import httpx

from connector.upstream.connecting import KEEPALIVE_SECONDS, Clock, first_reachable


class _Stream(httpcore.NetworkStream):
    def __init__(self, inner: httpcore.NetworkStream, clock: Clock) -> None:
        self._inner, self._clock = inner, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._clock.limit())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Not the inner one's, which grants its seconds anew to each part that is taken."""
        connected = self._inner.get_extra_info("socket")
        left = memoryview(buffer)
        try:
            while left:
                connected.settimeout(self._clock.limit())
                left = left[connected.send(left) :]
        except TimeoutError:
            raise httpcore.WriteTimeout("the request was not taken in time") from None
        except OSError:
            raise httpcore.WriteError("the connection broke") from None

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        seconds = self._clock.connect_limit()
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
        inner = first_reachable(
            host,
            port,
            self._clock,
            lambda address, seconds: self._inner.connect_tcp(
                address, port, seconds, local_address, socket_options
            ),
        )
        return _Stream(inner, self._clock)


class _Body(httpx.SyncByteStream):
    """An answer's body; when it is let go of, a connection with anything behind it is closed."""

    def __init__(self, inner: httpx.SyncByteStream, pool: httpcore.ConnectionPool) -> None:
        self._inner, self._pool = inner, pool

    def __iter__(self) -> Iterator[bytes]:
        yield from self._inner

    def close(self) -> None:
        self._inner.close()
        for connection in self._pool.connections:
            state = getattr(getattr(connection, "_connection", None), "_h11_state", None)
            if state is not None and state.trailing_data[0]:
                connection.close()


class FallbackTransport(httpx.HTTPTransport):
    """One connection; the clock is its thread's."""

    def __init__(self, clock: Clock, tls: ssl.SSLContext) -> None:
        super().__init__(verify=tls, trust_env=False)
        # httpx offers no parameter for the network backend of its pool; httpcore does.
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls,
            max_connections=1,
            max_keepalive_connections=1,
            keepalive_expiry=KEEPALIVE_SECONDS,
            network_backend=_Backend(clock),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _Body(response.stream, self._pool)
        return response
