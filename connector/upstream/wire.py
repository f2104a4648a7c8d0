"""The wire to the billing API: one connection per thread, one total deadline per call.

A pool shared by all threads rescans all its connections on every request; one connection per
thread, all with one SSL context, does not.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable

import httpx

from connector.upstream.connecting import Clock
from connector.upstream.fallback import FallbackTransport

try:
    from connector.upstream.transport import Transport
except ImportError:  # the C parser (extra `fast`) is not installed
    network: Callable[[Clock, ssl.SSLContext], httpx.BaseTransport] = FallbackTransport
else:
    network = Transport

IDLE_SECONDS = 300.0


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
        self._tls = httpx.create_ssl_context()
        self._tls.set_alpn_protocols(["http/1.1"])
        self._local = threading.local()

    def here(self) -> tuple[httpx.BaseTransport, Clock]:
        """This thread's transport and clock."""
        local = self._local
        if not hasattr(local, "transport"):
            local.clock = Clock(self._idle)
            local.transport = self._injected or network(local.clock, self._tls)
        return local.transport, local.clock
