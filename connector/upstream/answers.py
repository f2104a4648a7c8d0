"""HTTP/1.1 answers from bytes: the C parser reads the head, what it leaves open is decided here.

As strict as h11, which reads the answers where there is no C parser; where the C parser takes more,
it is refused here. Source: RFC 9112. Whatever is no answer raises httpx.RemoteProtocolError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import NamedTuple

import httpx
from gunicorn_h1c import IncompleteError, ParseError, parse_response

HEAD_MAX = 100 * 1024
"""Bytes that a head, a chunk's first line or trailers may have before they end."""

Headers = list[tuple[bytes, bytes]]
Pieces = Generator[bytes, None, bytes]
"""A body's bytes; returned is what stands behind it."""

_LENGTH = b"content-length"
_BEGIN = b"HTTP/1."
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,20})(?:;.*)?[ \t]*")


class Head(NamedTuple):
    """What comes before the body. `length`: bytes of the body, None where only its end tells.

    `stays`: whether the connection can be used again; `rest`: what has come behind the head.
    """

    status: int
    headers: Headers
    length: int | None
    chunked: bool
    stays: bool
    rest: bytes


class _Framing(NamedTuple):
    headers: Headers
    length: int | None
    chunked: bool
    closes: bool


def parse_head(data: bytes, looked: int, method: str) -> Head | None:
    """The head at the beginning of `data`, of which `looked` bytes were no whole one before; None
    if it still is none."""
    try:
        answer = parse_response(data, looked)
    except IncompleteError:
        if len(data) > HEAD_MAX or not _BEGIN.startswith(data[: len(_BEGIN)]):
            raise refused("this is no HTTP") from None
        return None
    except ParseError:
        raise refused("this is no HTTP") from None
    status = answer["status"]
    if data[9] == ord(" ") or status < 100 or status == 101:
        raise refused("an impossible status")
    framing = _framing(answer["headers"])
    length, chunked = framing.length, framing.chunked
    if status in (204, 304) or method == "HEAD":
        length, chunked = 0, False
    stays = answer["minor_version"] > 0 and not framing.closes and (chunked or length is not None)
    return Head(status, framing.headers, length, chunked, stays, data[answer["consumed"] :])


def body(head: Head, receive: Callable[[], bytes]) -> Pieces:
    """The body behind `head`; `receive` gives more bytes, none when the connection has ended."""
    if head.chunked:
        return _chunks(bytearray(head.rest), receive)
    if head.length is None:
        return _until_end(head.rest, receive)
    return _counted(head.length, head.rest, receive)


def refused(why: str) -> httpx.RemoteProtocolError:
    """The error for what is no answer; it quotes nothing."""
    return httpx.RemoteProtocolError(why)


def _framing(headers: Headers) -> _Framing:
    """What the headers say about the body and the connection."""
    if b"" in dict(headers):
        headers = _unfolded(headers)
    length: bytes | None = None
    chunked = closes = unusual = False
    for name, value in headers:
        lower = name.lower()
        if lower == _LENGTH:
            numbers = {number.strip() for number in value.split(b",")}
            unusual = unusual or length is not None or not value.isdigit()
            if length is not None:
                numbers.add(length)
            length = numbers.pop()
            if numbers or not length.isdigit() or len(length) > 20:
                raise refused("an impossible length")
        elif lower == b"transfer-encoding":
            if chunked or value.lower() != b"chunked":
                raise refused("an unknown transfer coding")
            chunked = True
        elif lower == b"connection":
            closes = closes or b"close" in (one.strip() for one in value.lower().split(b","))
    if length is None:
        return _Framing(headers, None, chunked, closes)
    if unusual:
        headers = [header for header in headers if header[0].lower() != _LENGTH]
        headers.append((_LENGTH, length))
    return _Framing(headers, int(length), chunked, closes)


def _unfolded(headers: Headers) -> Headers:
    """Each continuation line, which the parser gives without a name, joined with its header."""
    joined: Headers = []
    for name, value in headers:
        if name:
            joined.append((name, value))
        else:
            before, begin = joined[-1]
            joined[-1] = before, (begin + b" " + value.strip(b" \t")).strip(b" \t")
    return joined


def _counted(length: int, data: bytes, receive: Callable[[], bytes]) -> Pieces:
    while len(data) < length:
        if data:
            yield data
            length -= len(data)
        data = _more(receive)
    if length:
        yield data[:length]
    return data[length:]


def _until_end(data: bytes, receive: Callable[[], bytes]) -> Pieces:
    data = data or receive()
    while data:
        yield data
        data = receive()
    return b""


def _chunks(data: bytearray, receive: Callable[[], bytes]) -> Pieces:
    while size := _chunk_size(data, receive):
        while size:
            if not data:
                data += _more(receive)
            piece = bytes(data[:size])
            del data[:size]
            size -= len(piece)
            yield piece
        while len(data) < 2 and b"\r\n".startswith(data):
            data += _more(receive)
        if not data.startswith(b"\r\n"):
            raise refused("a chunk that does not end")
        del data[:2]
    return _behind_trailers(bytes(data), receive)


def _chunk_size(data: bytearray, receive: Callable[[], bytes]) -> int:
    """Take a chunk's first line away; 0 for the last one."""
    looked = 0
    while (end := data.find(b"\r\n", looked)) < 0:
        if len(data) > HEAD_MAX:
            raise refused("a chunk without a size")
        looked = max(0, len(data) - 1)
        data += _more(receive)
    line = _CHUNK.fullmatch(data, 0, end)
    if line is None:
        raise refused("a chunk without a size")
    size = int(line[1], 16)
    del data[: end + 2]
    return size


def _behind_trailers(data: bytes, receive: Callable[[], bytes]) -> bytes:
    """Trailers are read as the headers of an answer are, and thrown away."""
    data = b"HTTP/1.1 200\r\n" + data
    looked = 0
    while (head := parse_head(data, looked, "GET")) is None:
        looked = len(data)
        data += _more(receive)
    return head.rest


def _more(receive: Callable[[], bytes]) -> bytes:
    data = receive()
    if not data:
        raise refused("the connection ended before the answer did")
    return data
