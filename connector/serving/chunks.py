"""Reading a body that comes in chunks, piece by piece as it arrives.

Source: https://www.rfc-editor.org/rfc/rfc9112#section-7.1. gunicorn's own reader waits for what is
missing, and whoever waits holds a thread; this one takes what is there. It accepts and refuses
what gunicorn's does (tests/serving/test_chunks.py holds the two against each other), and more
strictly in one respect: the lines between the chunks are bounded.
"""

from __future__ import annotations

from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]

_LINE_MAX = 1024
_TRAILERS_MAX = 8190
_HEX = frozenset(b"0123456789abcdefABCDEF")


class BadChunk(ParseException):  # type: ignore[misc]
    """The chunks are not what the protocol says; where the next request begins is not known."""


class ChunkedBody:
    """A decoder that is fed bytes and gives back what of the body they hold.

    `ended` tells that the last chunk was read; `rest` is what came behind it.
    """

    def __init__(self) -> None:
        self.ended = False
        self.rest = b""
        self.trailers = b""
        self._buffer = bytearray()
        self._left = 0  # of the chunk that is being read, its closing line break not counted
        self._closing = False
        self._in_trailers = False

    def feed(self, data: bytes) -> bytes:
        """The part of the body in `data`. Raises BadChunk."""
        self._buffer += data
        out = bytearray()
        while not self.ended and self._step(out):
            pass
        return bytes(out)

    def _step(self, out: bytearray) -> bool:
        """Read one part; whether there may be another one in what has come."""
        if self._left:
            piece = self._buffer[: self._left]
            del self._buffer[: len(piece)]
            out += piece
            self._left -= len(piece)
            self._closing = True
            return not self._left
        if self._closing:
            return self._close_chunk()
        if self._in_trailers:
            return self._end()
        return self._begin_chunk()

    def _close_chunk(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer[:2] != b"\r\n":
            raise BadChunk("a chunk does not end where its length says")
        del self._buffer[:2]
        self._closing = False
        return True

    def _begin_chunk(self) -> bool:
        end = self._buffer.find(b"\r\n", 0, _LINE_MAX)
        if end < 0:
            if len(self._buffer) >= _LINE_MAX:
                raise BadChunk("the line with a chunk's length is too long")
            return False
        self._left = _size(bytes(self._buffer[:end]))
        del self._buffer[: end + 2]
        self._in_trailers = self._left == 0
        return True

    def _end(self) -> bool:
        if self._buffer[:2] == b"\r\n":
            end = 0
        else:
            end = self._buffer.find(b"\r\n\r\n", 0, _TRAILERS_MAX)
            if end < 0:
                if len(self._buffer) >= _TRAILERS_MAX:
                    raise BadChunk("the headers behind the body are too long")
                return False
            self.trailers = bytes(self._buffer[:end])
            end += 2
        self.rest = bytes(self._buffer[end + 2 :])
        self._buffer.clear()
        self.ended = True
        return False


def _size(line: bytes) -> int:
    """The length that a chunk's first line announces; what follows a semicolon has no meaning."""
    size, semicolon, extension = line.partition(b";")
    if semicolon:
        if b"\r" in extension:
            raise BadChunk("a chunk's extension holds a line break")
        size = size.rstrip(b" \t")
    if not size or not _HEX.issuperset(size):
        raise BadChunk("the length of a chunk is not a hexadecimal number")
    return int(size, 16)
