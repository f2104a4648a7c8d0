"""Requests that are odd, dangerous or broken, and what must become of them.

Sources: RFC 9112 (message syntax), RFC 9110 (semantics), and the published families of request
smuggling: CL.TE, TE.CL, TE.TE, obs-fold, bare CR and LF, doubled and signed lengths.
"""

from __future__ import annotations

HOST = b"Host: x\r\n"
NEXT = b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n"


def _with(headers: bytes, body: bytes = b"", line: bytes = b"POST /a HTTP/1.1") -> bytes:
    return line + b"\r\n" + HOST + headers + b"\r\n" + body


_CHUNKED = b"Transfer-Encoding: chunked\r\n"

ODD: dict[str, bytes] = {
    # Whole and fine.
    "plain": _with(b"", line=b"GET / HTTP/1.1"),
    "no-headers": b"GET / HTTP/1.1\r\n\r\n",
    "http-1.0": _with(b"", line=b"GET / HTTP/1.0"),
    "http-1.0-kept": _with(b"Connection: keep-alive\r\n", NEXT, line=b"GET / HTTP/1.0"),
    "close": _with(b"Connection: close\r\n", NEXT, line=b"GET / HTTP/1.1"),
    "two": _with(b"", NEXT, line=b"GET / HTTP/1.1"),
    "three": _with(b"", NEXT * 2, line=b"GET / HTTP/1.1"),
    "length": _with(b"Content-Length: 3\r\n", b"abc" + NEXT),
    "length-zero": _with(b"Content-Length: 0\r\n", NEXT),
    "length-leading-zeros": _with(b"Content-Length: 0003\r\n", b"abc" + NEXT),
    "chunks": _with(_CHUNKED, b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" + NEXT),
    "chunks-capital": _with(
        b"Transfer-Encoding: CHUNKED\r\n", b"A\r\n0123456789\r\n0\r\n\r\n" + NEXT
    ),
    "chunks-extension": _with(_CHUNKED, b"3;a=b\r\nabc\r\n0;c\r\n\r\n" + NEXT),
    "chunks-trailers": _with(_CHUNKED, b"1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n" + NEXT),
    "chunks-none": _with(_CHUNKED, b"0\r\n\r\n" + NEXT),
    "chunks-leading-zeros": _with(_CHUNKED, b"0003\r\nabc\r\n000\r\n\r\n" + NEXT),
    "absolute-form": _with(b"", line=b"GET http://x/a HTTP/1.1"),
    "asterisk": _with(b"", line=b"OPTIONS * HTTP/1.1"),
    "latin-1-header": _with(b"X-A: caf\xe9\r\n", line=b"GET / HTTP/1.1"),
    "identity-then-chunked": _with(
        b"Transfer-Encoding: identity, chunked\r\n", b"0\r\n\r\n" + NEXT
    ),
    "gzip-then-chunked": _with(b"Transfer-Encoding: gzip, chunked\r\n", b"0\r\n\r\n" + NEXT),
    "expect": _with(b"Expect: 100-continue\r\nContent-Length: 2\r\n", b"ab" + NEXT),
    # Two readers might see two different requests.
    "length-twice-same": _with(b"Content-Length: 3\r\nContent-Length: 3\r\n", b"abc" + NEXT),
    "length-twice": _with(b"Content-Length: 3\r\nContent-Length: 0\r\n", b"abc" + NEXT),
    "length-list": _with(b"Content-Length: 3, 3\r\n", b"abc"),
    "length-plus": _with(b"Content-Length: +3\r\n", b"abc"),
    "length-minus": _with(b"Content-Length: -3\r\n", b"abc"),
    "length-hex": _with(b"Content-Length: 0x3\r\n", b"abc"),
    "length-underscore": _with(b"Content-Length: 1_0\r\n", b"0123456789"),
    "length-superscript": _with("Content-Length: ²\r\n".encode("latin-1"), b"ab"),
    "length-empty": _with(b"Content-Length:\r\n", NEXT),
    "length-space-inside": _with(b"Content-Length: 3 3\r\n", b"abc"),
    "length-and-chunks": _with(b"Content-Length: 3\r\n" + _CHUNKED, b"0\r\n\r\n" + NEXT),
    "chunks-and-length": _with(_CHUNKED + b"Content-Length: 3\r\n", b"0\r\n\r\n" + NEXT),
    "chunked-twice": _with(_CHUNKED * 2, b"0\r\n\r\n"),
    "chunked-chunked": _with(b"Transfer-Encoding: chunked, chunked\r\n", b"0\r\n\r\n"),
    "chunked-not-last": _with(b"Transfer-Encoding: chunked, identity\r\n", b"0\r\n\r\n"),
    "chunked-unknown": _with(b"Transfer-Encoding: xchunked\r\n", b"0\r\n\r\n"),
    "chunked-quoted": _with(b'Transfer-Encoding: "chunked"\r\n', b"0\r\n\r\n"),
    "chunked-tab": _with(b"Transfer-Encoding:\tchunked\r\n", b"0\r\n\r\n" + NEXT),
    "chunked-vertical-tab": _with(b"Transfer-Encoding: \x0bchunked\r\n", b"0\r\n\r\n"),
    "chunked-space-before-colon": _with(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n"),
    "chunked-http-1.0": _with(_CHUNKED, b"0\r\n\r\n", line=b"POST /a HTTP/1.0"),
    "fold": _with(b"Transfer-Encoding:\r\n chunked\r\n", b"0\r\n\r\n"),
    "host-twice": _with(HOST),
    "type-twice": _with(b"Content-Type: a/b\r\nContent-Type: c/d\r\n"),
    # Chunks that lie.
    "chunk-too-short": _with(_CHUNKED, b"2\r\nabc\r\n0\r\n\r\n" + NEXT),
    "chunk-too-long": _with(_CHUNKED, b"5\r\nabc\r\n0\r\n\r\n" + NEXT),
    "chunk-not-a-number": _with(_CHUNKED, b"zz\r\nabc\r\n0\r\n\r\n" + NEXT),
    "chunk-minus": _with(_CHUNKED, b"-3\r\nabc\r\n0\r\n\r\n"),
    "chunk-0x": _with(_CHUNKED, b"0x3\r\nabc\r\n0\r\n\r\n"),
    "chunk-space": _with(_CHUNKED, b"3 \r\nabc\r\n0\r\n\r\n"),
    "chunk-space-extension": _with(_CHUNKED, b"3 ;a\r\nabc\r\n0\r\n\r\n" + NEXT),
    "chunk-empty-line": _with(_CHUNKED, b"\r\nabc\r\n0\r\n\r\n"),
    "chunk-bare-lf": _with(_CHUNKED, b"3\nabc\n0\n\n"),
    "chunk-cr-in-extension": _with(_CHUNKED, b"3;a\rb\r\nabc\r\n0\r\n\r\n"),
    "chunk-underscore": _with(_CHUNKED, b"1_0\r\n0123456789abcdef\r\n0\r\n\r\n"),
    "trailer-length": _with(_CHUNKED, b"0\r\nContent-Length: 3\r\n\r\n" + NEXT),
    "trailer-broken": _with(_CHUNKED, b"0\r\nno colon\r\n\r\n" + NEXT),
    # No requests.
    "garbage": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 60,
    "one-word": b"HELLO\r\n\r\n",
    "lower-case": _with(b"", line=b"get / HTTP/1.1"),
    "http-2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "http-0.9": b"GET /\r\n\r\n",
    "version-1.10": _with(b"", line=b"GET / HTTP/1.10"),
    "two-spaces": _with(b"", line=b"GET  / HTTP/1.1"),
    "authority-form": _with(b"", line=b"GET x:80 HTTP/1.1"),
    "asterisk-get": _with(b"", line=b"GET * HTTP/1.1"),
    "nul": _with(b"X-A: a\x00b\r\n", line=b"GET / HTTP/1.1"),
    "bare-cr": _with(b"X-A: a\rX-B: b\r\n", line=b"GET / HTTP/1.1"),
    "bare-lf": b"GET / HTTP/1.1\nHost: x\n\n",
    "no-name": _with(b": value\r\n", line=b"GET / HTTP/1.1"),
    "no-colon": _with(b"Header\r\n", line=b"GET / HTTP/1.1"),
    "space-first": b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    "underscore-name": _with(b"X_API_KEY: a\r\n", line=b"GET / HTTP/1.1"),
    "many-headers": _with(b"A: b\r\n" * 101, line=b"GET / HTTP/1.1"),
    "expect-other": _with(b"Expect: wonders\r\n", line=b"GET / HTTP/1.1"),
    "incomplete-line": b"GET / HT",
    "incomplete-headers": b"GET / HTTP/1.1\r\nHost: x\r\n",
    "incomplete-body": _with(b"Content-Length: 3\r\n", b"ab"),
    "incomplete-chunk": _with(_CHUNKED, b"3\r\nab"),
    "incomplete-trailers": _with(_CHUNKED, b"0\r\nX-A: b\r\n"),
}
