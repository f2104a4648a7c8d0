"""httpx requests over one connection, which belongs to a thread: as little as possible between a
request and its answer.

A request is sent once, whatever happens. An idle connection is looked at before it is used again:
if anything can be read from it, it has ended, or what came would be taken for the next answer.
"""

from __future__ import annotations

import contextlib
import re
import select
import socket
import ssl
from collections.abc import Callable, Iterator
from time import monotonic

import httpx

from connector.upstream.answers import Head, body, parse_head, refused
from connector.upstream.connecting import KEEPALIVE_SECONDS, Clock, first_reachable

_PIECE = 65_536  # more than a TLS record has, so that none of one is left behind in OpenSSL
_PORTS = {"http": 80, "https": 443}
_TARGET = re.compile(rb"[\x21-\x7e]+")
_LINE = re.compile(rb"[-!#$%&'*+.^_`|~0-9a-zA-Z]+: ([^\x00\s]+([ \t]+[^\x00\s]+)*)?")


class _Connection:
    """`spoiled`: the request was not sent whole, so there is none behind it."""

    def __init__(self, url: httpx.URL, clock: Clock, tls: ssl.SSLContext) -> None:
        """Raises httpx.UnsupportedProtocol, ConnectError or ConnectTimeout."""
        self.origin = _origin(url)
        self.spoiled = False
        self._clock = clock
        self._socket = _connected(url, clock, tls)
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)
        self._until = 0.0

    def rest(self) -> None:
        """It was used, and can be again for a while."""
        self._until = monotonic() + KEEPALIVE_SECONDS

    def usable(self, url: httpx.URL) -> bool:
        """Whether a request to `url` may be sent on it."""
        return (
            monotonic() <= self._until
            and self.origin == _origin(url)
            and not self._readable.poll(0)
        )

    def send(self, data: bytes) -> None:
        """If the other side does not take it any more, it may have answered before."""
        left = memoryview(data)
        try:
            while left:
                self._socket.settimeout(self._clock.limit())
                left = left[self._socket.send(left) :]
        except TimeoutError:
            raise httpx.WriteTimeout("the request was not taken in time") from None
        except OSError:
            self.spoiled = True

    def receive(self) -> bytes:
        """What has come, or comes in time; nothing when the connection has ended."""
        self._socket.settimeout(self._clock.limit())
        try:
            return self._socket.recv(_PIECE)
        except TimeoutError:
            raise httpx.ReadTimeout("nothing came in time") from None
        except OSError:
            raise httpx.ReadError("the connection broke") from None

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()


class _Body(httpx.SyncByteStream):
    """A body that comes in as it is read; closed before its end, it closes the connection."""

    def __init__(
        self, connection: _Connection, head: Head, keep: Callable[[_Connection], None]
    ) -> None:
        self._connection: _Connection | None = connection
        self._pieces = body(head, connection.receive)
        self._keep = keep
        self._stays = head.stays and not connection.spoiled

    def __iter__(self) -> Iterator[bytes]:
        try:
            surplus = yield from self._pieces
        except BaseException:
            self.close()
            raise
        if self._connection is not None and self._stays and not surplus:
            self._keep(self._connection)
            self._connection = None
        self.close()

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Transport(httpx.BaseTransport):
    """Requests of one thread, whose clock it is; between two of them it keeps the connection.

    Fails as httpx's own transport does.
    """

    def __init__(self, clock: Clock, tls: ssl.SSLContext) -> None:
        self._clock, self._tls = clock, tls
        self._idle: _Connection | None = None

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and give the answer once its head has come."""
        data = _as_bytes(request)
        connection = self._connection(request.url)
        try:
            connection.send(data)
            head = _head(connection, request.method)
        except BaseException:
            connection.close()
            raise
        stream = _Body(connection, head, self._keep)
        return httpx.Response(head.status, headers=head.headers, stream=stream)

    def close(self) -> None:
        """Close the connection that is kept; one that is being read closes with its answer."""
        connection, self._idle = self._idle, None
        if connection is not None:
            connection.close()

    def _connection(self, url: httpx.URL) -> _Connection:
        connection, self._idle = self._idle, None
        if connection is not None:
            if connection.usable(url):
                return connection
            connection.close()
        return _Connection(url, self._clock, self._tls)

    def _keep(self, connection: _Connection) -> None:
        self.close()
        connection.rest()
        self._idle = connection


def _origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    return url.scheme, url.raw_host, url.port


def _connected(url: httpx.URL, clock: Clock, tls: ssl.SSLContext) -> socket.socket:
    if url.scheme not in _PORTS:
        raise httpx.UnsupportedProtocol("only http and https")
    host = url.raw_host.decode("ascii")
    port = url.port or _PORTS[url.scheme]
    plain = first_reachable(
        host,
        port,
        clock,
        lambda address, seconds: socket.create_connection((address, port), seconds),
    )
    try:
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if url.scheme == "http":
            return plain
        plain.settimeout(clock.connect_limit())
        return tls.wrap_socket(plain, server_hostname=host)
    except TimeoutError:
        plain.close()
        raise httpx.ConnectTimeout("TLS took too long") from None
    except OSError:
        plain.close()
        raise httpx.ConnectError("there is no TLS with this host") from None
    except BaseException:
        plain.close()
        raise


def _as_bytes(request: httpx.Request) -> bytes:
    """Raises httpx.LocalProtocolError for what would be understood as something else."""
    content = request.read()
    method, target = request.method.encode("ascii"), request.url.raw_path
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    hosts, length = 0, b"0"
    plain = method.isalpha() and _TARGET.fullmatch(target)
    for name, value in request.headers.raw:
        line = b"%b: %b" % (name, value)
        lower = name.lower()
        if lower == b"host":
            hosts += 1
        elif lower == b"content-length":
            length = value
        elif lower == b"transfer-encoding":
            plain = None
        plain = plain and _LINE.fullmatch(line)
        lines.append(line)
    if not plain or hosts != 1 or length != b"%d" % len(content):
        raise httpx.LocalProtocolError("this cannot be sent as a request")
    lines += (b"", content)
    return b"\r\n".join(lines)


def _head(connection: _Connection, method: str) -> Head:
    """The answer's head; what comes before the answer itself (1xx) is passed over."""
    data, looked = b"", 0
    while True:
        head = parse_head(data, looked, method) if data else None
        if head is not None and head.status >= 200:
            return head
        if head is not None:
            data, looked = head.rest, 0
            continue
        looked = len(data)
        more = connection.receive()
        if not more:
            raise refused("the connection ended without an answer")
        data += more
