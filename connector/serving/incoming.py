"""One request as it comes in, piece by piece, until it is whole.

What is plain is read by the C parser alone (`plain`). Of all else gunicorn's own code says what the
headers mean, so that no request is understood differently than by it; only waiting for the bytes is
done here. The app is given the body as a file.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import IO, Any

from gunicorn.http.body import ChunkedReader  # type: ignore[import-untyped]
from gunicorn.http.errors import (  # type: ignore[import-untyped]
    LimitRequestHeaders,
    LimitRequestLine,
    NoMoreData,
)
from gunicorn.http.message import Request  # type: ignore[import-untyped]
from gunicorn.http.unreader import Unreader  # type: ignore[import-untyped]

from connector.serving.addresses import UNKNOWN, Rules
from connector.serving.bodies import Body, Room
from connector.serving.chunks import ChunkedBody
from connector.serving.limits import Limits
from connector.serving.plain import PlainRequest, Reader

_ENDS = (b"\n\r\n", b"\n\n")
"""What may end the headers; whether it does, the parser says."""


class _Given(Unreader):  # type: ignore[misc]
    """What has come so far, for gunicorn's parser; it never waits."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self._data = data

    def chunk(self) -> bytes:
        data, self._data = self._data, b""
        return data


class Incoming:
    """Collects one request. `request` is a PlainRequest or gunicorn's once the headers have come,
    with its `rules`; `plain` reads those that are plain, if anything does.

    `whole` tells that it can be answered; `rest` is what came behind it then. A body that is not
    wanted is not waited for: `skipped` is true then, and the connection must be closed after the
    answer, for what follows cannot be told apart from it.
    """

    def __init__(
        self,
        cfg: Any,
        peer: Any,
        rules_of: Callable[[Any], Rules],
        room: Room,
        limits: Limits,
        plain: Reader | None,
    ) -> None:
        self._cfg, self._peer, self._rules_of, self._plain = cfg, peer, rules_of, plain
        self._room, self._limits = room, limits
        self._head = bytearray()
        self._looked = 0
        self._body: Body | None = None
        self._chunks: ChunkedBody | None = None
        self._wanted = 0  # bytes of the body, where its length was announced
        self.request: Any = None
        self.rules = UNKNOWN
        self.whole = False
        self.skipped = False
        self.rest = b""

    @property
    def begun(self) -> bool:
        """Whether anything of it has come."""
        return self.request is not None or bool(self._head)

    @property
    def size(self) -> int:
        """Bytes of the body that have come."""
        return self._body.size if self._body else 0

    @property
    def asks_to_go_on(self) -> bool:
        """Whether the client waits for `100 Continue` before it sends the body."""
        return bool(self.request and self.request._expected_100_continue and not self.whole)

    def feed(self, data: bytes) -> None:
        """Take what has come.

        Raises gunicorn's ParseException and its like for what is no request, and NoRoom.
        """
        if self.request is None:
            self._head += data
            data = self._parse_head()
            if self.request is None:
                return
        self._collect(data)

    def environ(self) -> dict[str, Any]:
        """What the app must know beyond gunicorn's environ."""
        body: IO[bytes] = self._body.from_its_beginning() if self._body else BytesIO()
        more: dict[str, Any] = {"wsgi.input": body}
        if self._chunks is not None:
            over = self.rules.body_max + 1 if self.skipped else None
            more["CONTENT_LENGTH"] = str(over or self.size)
        return more

    def close(self) -> None:
        """Let go of its body."""
        if self._body is not None:
            self._body.close()

    def _parse_head(self) -> bytes:
        """Parse the headers if they may be whole; what stands behind them, of the body."""
        first = not self._looked
        begin = max(0, self._looked - 3)
        self._looked = len(self._head)
        ends = any(self._head.find(end, begin) >= 0 for end in _ENDS)
        too_long = len(self._head) > self._limits.head_bytes
        if not (first or ends or too_long):
            return b""  # looking at every byte of a slow sender would cost more than it sends
        head = bytes(self._head)
        read = self._plain(head, self._peer) if self._plain and ends else None
        if read is None:
            read = self._read_by_gunicorn(head)
        if read is None:
            if too_long:
                self._refuse_long_head()
            return b""
        self.request, behind = read
        self.rules = self._rules_of(self.request)
        self._head.clear()
        self._prepare_body()
        return behind

    def _read_by_gunicorn(self, head: bytes) -> tuple[Any, bytes] | None:
        given = _Given(head)
        try:
            request = Request(self._cfg, given, self._peer)
        except NoMoreData:
            return None
        return request, bytes(given.take_buffered()) + given.chunk()

    def _refuse_long_head(self) -> None:
        if b"\n" in self._head[: self._cfg.limit_request_line + 2]:
            raise LimitRequestHeaders("the headers are too large")
        raise LimitRequestLine(len(self._head), self._cfg.limit_request_line)

    def _prepare_body(self) -> None:
        if isinstance(self.request, PlainRequest):
            self._wanted = self.request.length
        elif isinstance(self.request.body.reader, ChunkedReader):
            self._chunks = ChunkedBody()
        else:
            self._wanted = self.request.body.reader.length
        has_body = self._chunks is not None or self._wanted > 0
        if has_body and (
            self._wanted > self.rules.body_max or (self.rules.key_needed and not self.rules.key)
        ):
            self._skip()

    def _skip(self) -> None:
        self.skipped = self.whole = True
        self.request.force_close()

    def _collect(self, data: bytes) -> None:
        if self.whole:
            return
        if self._chunks is not None:
            self._take(self._chunks.feed(data))
            if self._chunks.ended and not self.whole:
                if self._chunks.trailers:
                    self.request.parse_headers(self._chunks.trailers, from_trailer=True)
                self.rest, self.whole = self._chunks.rest, True
            return
        missing = self._wanted - self.size
        self._take(data[:missing])
        if len(data) >= missing and not self.whole:
            self.rest, self.whole = data[missing:], True

    def _take(self, data: bytes) -> None:
        if not data:
            return
        if self._body is None:
            self._body = Body(self._room, self.rules.sender, self._limits)
        if self._body.size + len(data) > self.rules.body_max:
            self._skip()
        else:
            self._body.write(data)
