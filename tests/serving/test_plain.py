"""What is plain means the same to us and to gunicorn, and what is special is never plain."""

from __future__ import annotations

from typing import Any

import pytest
from gunicorn.http import wsgi  # type: ignore[import-untyped]
from gunicorn.http.errors import (  # type: ignore[import-untyped]
    InvalidHeader,
    InvalidHeaderName,
)
from gunicorn.http.parser import RequestParser  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.serving import plain
from connector.serving.plain import PlainRequest
from connector.serving.response import PlainResponse
from tests.serving.odd_requests import ODD
from tests.serving.understanding import PEER, config

LOCAL = ("203.0.113.9", 8000)
NOT_COMPARED = ("gunicorn.socket", "wsgi.early_hints", "wsgi.errors", "wsgi.input")
CFG = config("fast")
READ = plain.reader(CFG)


def request(headers: bytes = b"", line: bytes = b"GET /v1/balance?user=a HTTP/1.1") -> bytes:
    return line + b"\r\nHost: connector.example\r\n" + headers + b"\r\n"


class Line:
    """Takes what is sent."""

    def __init__(self) -> None:
        self.sent = b""

    def sendall(self, data: bytes) -> None:
        self.sent += data

    send = sendall


def read(raw: bytes, peer: Any = PEER) -> PlainRequest | None:
    assert READ is not None
    got = READ(raw, peer)
    return None if got is None else got[0]


def environs(raw: bytes) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """By us and by gunicorn; None if the request is not plain."""
    ours = read(raw)
    if ours is None:
        return None
    theirs = next(RequestParser(CFG, iter([raw]), PEER))
    assert (ours.should_close(), ours.version) == (theirs.should_close(), theirs.version)
    assert ours.length == theirs.body.reader.length
    _, environ = wsgi.create(theirs, Line(), PEER, LOCAL, CFG)
    made = plain.environ(ours, LOCAL, plain.environ_base(CFG))
    return ({k: v for k, v in one.items() if k not in NOT_COMPARED} for one in (made, environ))  # type: ignore[return-value]


@pytest.mark.parametrize(
    "raw",
    [
        request(),
        request(line=b"GET / HTTP/1.1"),
        request(line=b"DELETE /v1/hooks/%C3%A9%2F..//x;a=b?q=%20&q=1?2 HTTP/1.1"),
        request(line=b"GET /a:b@c?http://x/y HTTP/1.1"),
        request(b"Content-Length: 0003\r\nContent-Type: application/json\r\n") + b"abc",
        request(b"Accept: a\r\naccept: b\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-For: 5\r\n"),
        request(b"Connection: close\r\n"),
        request(b"Connection: Keep-Alive\r\n"),
        request(b"Authorization: Bearer caf\xe9\r\nX-Empty:\r\nX-Wide: \t a  b \t\r\n"),
        request(b"X-Forwarded-Proto: https\r\nForwarded: proto=https\r\nCookie: a=b; c=d\r\n"),
        request(b"Content-Length: 2\r\n", b"POST /v1/charge HTTP/1.1") + b"{}GET / HTTP/1.1\r\n",
    ],
)
def test_the_app_is_told_the_same(raw: bytes) -> None:
    both = environs(raw)
    assert both is not None
    ours, gunicorns = both
    assert ours == gunicorns


@pytest.mark.parametrize(
    "raw",
    [
        request(line=b"GET / HTTP/1.0"),
        request(line=b"BREW / HTTP/1.1"),
        request(line=b"get / HTTP/1.1"),
        request(line=b"GET //x/y HTTP/1.1"),
        request(line=b"GET http://x/y HTTP/1.1"),
        request(line=b"GET /a#b HTTP/1.1"),
        request(line=b"GET /caf\xe9 HTTP/1.1"),
        request(line=b"OPTIONS * HTTP/1.1"),
        request(b"Transfer-Encoding: chunked\r\n"),
        request(b"transfer-encoding: identity\r\n"),
        request(b"Expect: 100-continue\r\n"),
        request(b"Upgrade: h2c\r\n"),
        request(b"Connection: upgrade\r\n"),
        request(b"Connection: close, te\r\n"),
        request(b"Connection: close\r\nConnection: keep-alive\r\n"),
        request(b"Host: another\r\n"),
        request(b"Content-Type: a/b\r\nContent-Type: c/d\r\n"),
        request(b"Content-Length: 1\r\nContent-Length: 1\r\n"),
        request(b"Content-Length: +1\r\n"),
        request(b"Content-Length: 1, 1\r\n"),
        request(b"Content-Length: \xb2\r\n"),
        request(b"Content-Length: 1000000000000000\r\n"),
        request(b"Content-Length:\r\n"),
        request(b"X_API_KEY: a\r\n"),
        request(b"Script_Name: /a\r\n"),
        request(b"X-Fold: a\r\n b\r\n"),
        request(b"X-Nul: a\x00b\r\n"),
        request(b": nameless\r\n"),
        request(b"A: b\r\n" * 101),
        request(b"A: " + b"b" * 9_000 + b"\r\n"),
        request(line=b"GET /" + b"a" * 9_000 + b" HTTP/1.1"),
        b"GET / HTTP/1.1\r\nHost: x\r\n",
    ],
)
def test_what_is_special_or_wrong_is_read_by_gunicorn(raw: bytes) -> None:
    assert read(raw) is None


@pytest.mark.parametrize("peer", ["", b"", None])
def test_who_comes_by_a_unix_socket_is_read_by_gunicorn(peer: Any) -> None:
    assert read(request(), peer) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("http_parser", "python"),
        ("proxy_protocol", "auto"),
        ("forwarded_allow_ips", "*"),
        ("strip_header_spaces", True),
        ("permit_obsolete_folding", True),
        ("limit_request_line", 0),
        ("certfile", "cert.pem"),
    ],
)
def test_settings_under_which_headers_mean_more_leave_all_to_gunicorn(
    name: str, value: Any
) -> None:
    cfg = config("fast")
    cfg.set(name, value)
    assert plain.reader(cfg) is None


def test_without_the_c_parser_gunicorn_reads_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "parse_request", None)
    assert plain.reader(CFG) is None


def test_below_another_path_gunicorn_reads_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRIPT_NAME", "/below")
    assert plain.reader(CFG) is None


NAMES = ["Accept", "x-a", "X-A", "Cookie", "Content-Type", "Content-Length", "Connection", "Host"]
TEXTS = st.text("aZ09 ,;=:-_\t\"'()[]{}%é\x7f", max_size=12)


@settings(deadline=None, max_examples=400)
@given(
    path=st.text("abZ09/%:;@&=+$,.~!*'()_-?[]{}|^`\"", max_size=20),
    headers=st.lists(st.tuples(st.sampled_from(NAMES), TEXTS), max_size=5),
    method=st.sampled_from(["GET", "POST", "PATCH", "QUERY", "G3T"]),
)
def test_whatever_is_plain_is_told_the_same(
    path: str, headers: list[tuple[str, str]], method: str
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
    raw = f"{method} /{path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")
    both = environs(raw)
    if both is not None:
        ours, gunicorns = both
        assert ours == gunicorns


def test_most_odd_requests_are_not_plain() -> None:
    """But for those that are not odd by their headers."""
    assert sorted(name for name, raw in ODD.items() if read(raw) is not None) == [
        "bare-lf",
        "close",
        "incomplete-body",
        "latin-1-header",
        "length",
        "length-leading-zeros",
        "length-zero",
        "no-headers",
        "plain",
        "three",
        "two",
        "two-spaces",
    ]


ANSWERS: list[tuple[str, list[tuple[str, str]]]] = [
    ("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3"), ("X-A", " a\t")]),
    ("200 OK", [("content-length", "2")]),
    ("200 OK", [("Content-Type", "text/event-stream")]),
    ("204 No Content", [("Content-Length", "0")]),
    ("304 Not Modified", [("ETag", '"a"'), ("Content-Length", "3")]),
    ("101 Switching Protocols", [("Connection", "upgrade"), ("Upgrade", "websocket")]),
    ("500 Oh", [("Server", "x"), ("Date", "y"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")]),
]


@pytest.mark.parametrize("head", ANSWERS, ids=lambda head: head[0])
@pytest.mark.parametrize("method", [b"GET", b"HEAD"])
@pytest.mark.parametrize("closes", [b"", b"Connection: close\r\n"])
def test_an_answer_is_the_same_bytes(
    monkeypatch: pytest.MonkeyPatch,
    head: tuple[str, list[tuple[str, str]]],
    method: bytes,
    closes: bytes,
) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.5)
    raw = request(closes, method + b" / HTTP/1.1")
    asked = read(raw)
    theirs = next(RequestParser(CFG, iter([raw]), PEER))
    told = []
    for response in (PlainResponse(asked, Line(), CFG), wsgi.Response(theirs, Line(), CFG)):
        response.start_response(*head)
        for piece in (b"abc", b"", b"defgh"):
            response.write(piece)
        response.close()
        told.append((response.sock.sent, response.should_close()))
    assert told[0] == told[1]


@pytest.mark.parametrize(
    "header",
    [("X-A", "a\r\nX-B: b"), ("X A", "b"), ("X-A\r\n", "b"), ("X-A", 1), (1, "a"), ("X-A", "\0")],
)
def test_an_answer_cannot_be_split(header: tuple[Any, Any]) -> None:
    asked = read(request())
    for _ in range(2):  # what is remembered is refused again
        line = Line()
        with pytest.raises((InvalidHeader, InvalidHeaderName, TypeError)) as ours:
            PlainResponse(asked, line, CFG).start_response("200 OK", [header])
        with pytest.raises(type(ours.value)):
            wsgi.Response(asked, line, CFG).start_response("200 OK", [header])
        assert line.sent == b""
