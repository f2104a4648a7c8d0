"""The SSRF guard, in the connection of one push: pinned to the address that was checked, checked
again once it stands, and ended in time.

requests-hardened resolves a name once, refuses what is not public and connects to that very
address. On top of it: the operator's allow-list, https only outside of it, and one deadline for the
whole push, however slowly an answer drips.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests_hardened.ip_filter import InvalidIPAddress  # type: ignore[import-untyped]
from requests_hardened.ip_filter_adapter import (  # type: ignore[import-untyped]
    IPFilterAdapter,
)
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from connector.errors import InvalidField
from connector.triggers.ip_ranges import Network, forbidden, is_allowed, parsed

BODY_SECONDS = 2.0
BODY_MAX = 1024

# It warns of every address that it refuses, by name; the log of deliveries tells it to the owner.
logging.getLogger("requests_hardened").setLevel(logging.ERROR)


class TargetRefused(InvalidField):
    """Nothing may be sent to this address; the message says why."""

    def __init__(self, message: str) -> None:
        super().__init__(message, field="target_url")


def refuse_any(texts: Iterable[str], allowed: Sequence[Network], *, secure: bool) -> None:
    """Raises TargetRefused unless every address is public and `secure`, or allowed."""
    for text in texts:
        address = parsed(text)
        if is_allowed(address, allowed):
            continue
        if kind := forbidden(address):
            raise TargetRefused(
                f"This address leads to {kind}, and events are only sent to public addresses. If "
                "it is meant, ask the connector's operator to allow its network in "
                "CONNECTOR_ALLOWED_TARGETS."
            )
        if not secure:
            raise TargetRefused(
                "The address must begin with https://, so that nobody else can read what is sent. "
                "Only in networks that the connector's operator allows in "
                "CONNECTOR_ALLOWED_TARGETS, http:// is enough."
            )


class Watch:
    """One push: what it is connected to, and the end of its time."""

    def __init__(self, allowed: Sequence[Network], seconds: float) -> None:
        self.allowed, self._seconds = allowed, seconds
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._expired = False
        self._timer = threading.Timer(seconds, self._expire)
        self._timer.daemon = True

    def __enter__(self) -> Watch:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def check_peer(self, connected: socket.socket, *, secure: bool) -> None:
        """Raises TargetRefused, having closed it, for a socket that leads where it must not."""
        try:
            refuse_any([connected.getpeername()[0]], self.allowed, secure=secure)
        except (TargetRefused, OSError):
            connected.close()
            raise

    def hold(self, connected: socket.socket) -> None:
        """End this connection when the time is over."""
        with self._lock:
            self._socket = connected
            if self._expired:
                raise TimeoutError

    def first_bytes(self, response: requests.Response) -> bytes:
        """The beginning of the body, as much of it as comes soon."""
        if self._socket is not None:
            self._socket.settimeout(BODY_SECONDS)
        until = time.monotonic() + BODY_SECONDS
        body = b""
        with contextlib.suppress(OSError, ValueError, HTTPError):
            while len(body) < BODY_MAX and time.monotonic() < until:
                part = response.raw.read1(BODY_MAX - len(body), decode_content=False)
                if not part:
                    break
                body += part
        return body[:BODY_MAX]

    def expired_sentence(self) -> str:
        """What to tell when the time was over, else ""."""
        return f"No answer came within {self._seconds:g} seconds." if self._expired else ""

    def _expire(self) -> None:
        with self._lock:
            self._expired = True
            if self._socket is not None:
                with contextlib.suppress(OSError):  # not SSLSocket's, which another thread reads
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


class Guarded(IPFilterAdapter):  # type: ignore[misc]
    """requests-hardened's adapter, with an allow-list, and https only outside of it."""

    def __init__(self, watch: Watch, tls: ssl.SSLContext, *, secure: bool) -> None:
        self._watch, self._tls, self._secure = watch, tls, secure
        super().__init__(is_https_proto=secure)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, ssl_context=self._tls)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Certificates are always checked, by the context that was loaded once."""
        conn.cert_reqs = "CERT_REQUIRED"

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        try:
            host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        except InvalidIPAddress as refused:
            address = parsed(str(refused.args[0]))
            refuse_any([str(address)], self._watch.allowed, secure=self._secure)
            host, pool = self._pinned(request, str(address))
        refuse_any([host["host"].strip("[]")], self._watch.allowed, secure=self._secure)
        return host, pool

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> Any:
        pool = super().get_connection_with_tls_context(*args, **kwargs)
        pool.ConnectionCls = partial(_Tls if self._secure else _Plain, self._watch)
        return pool

    def _pinned(self, request: requests.PreparedRequest, address: str) -> tuple[Any, Any]:
        """As the parent does it, for an address that the operator allows."""
        host: dict[str, Any]
        pool: dict[str, Any]
        host, pool = HTTPAdapter.build_connection_pool_key_attributes(self, request, True)  # type: ignore[assignment]
        name = host["host"]
        request.headers = CaseInsensitiveDict(request.headers)
        request.headers["Host"] = urlsplit(request.url or "").netloc
        if self._secure:
            pool |= {"assert_hostname": name, "server_hostname": name}
        host["host"] = f"[{address}]" if ":" in address else address
        return host, pool


class _Plain(HTTPConnection):
    """A connection that is checked when it stands, and ends in time."""

    _secure = False

    def __init__(self, watch: Watch, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._watch = watch

    def _new_conn(self) -> socket.socket:
        connected = super()._new_conn()
        self._watch.check_peer(connected, secure=self._secure)
        return connected

    def connect(self) -> None:
        super().connect()
        self._watch.hold(self.sock)


class _Tls(_Plain, HTTPSConnection):
    """The same over TLS."""

    _secure = True
