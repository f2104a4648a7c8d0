"""What comes behind what on one connection: pipelines, broken bodies, bodies that nobody wants."""

from __future__ import annotations

import http.client
import json

import pytest

from tests.serving.toy import Server, everything

GET = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def post(body: bytes, headers: bytes = b"") -> bytes:
    length = b"Content-Length: %d\r\n" % len(body)
    return b"POST /echo HTTP/1.1\r\nHost: x\r\n" + length + headers + b"\r\n" + body


def test_pipelined_requests_are_answered_in_their_order(lasting: Server) -> None:
    asked = post(b"one") + GET + post(b"two") + post(b"three") + LAST
    answers = everything(lasting.socket(asked))
    assert answers.count(b"HTTP/1.1 200 OK") == 5
    assert answers.index(b"\r\n\r\none") < answers.index(b"\r\n\r\ntwo")
    assert answers.index(b"\r\n\r\ntwo") < answers.index(b"\r\n\r\nthree")


def test_a_second_request_that_has_come_with_the_first_is_not_forgotten(lasting: Server) -> None:
    client = lasting.socket(post(b"one") + post(b"two")[:20])
    assert b"\r\n\r\none" in client.recv(65_536)
    client.sendall(post(b"two")[20:])
    assert b"\r\n\r\ntwo" in client.recv(65_536)


@pytest.mark.parametrize(
    "chunks", [b"zz\r\n", b"3\r\nabcd\r\n", b"-1\r\n", b"\r\n", b"0\r\nbroken\r\n\r\n"]
)
def test_a_badly_chunked_body_is_refused_and_nothing_behind_it_is_run(
    lasting: Server, chunks: bytes
) -> None:
    head = b"POST /hold HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    answers = everything(lasting.socket(head + chunks + LAST))
    assert answers.startswith(b"HTTP/1.1 400 ")
    assert b"Connection: close" in answers
    assert answers.count(b"HTTP/1.1") == 1


def test_a_body_that_ends_too_early_is_refused(lasting: Server) -> None:
    client = lasting.socket(post(b"abc")[:-1])
    client.shutdown(1)
    answer = everything(client)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"Send it again, whole" in answer


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 900_000])
@pytest.mark.parametrize("chunked", [False, True])
def test_bodies_arrive_as_they_were_sent(lasting: Server, size: int, chunked: bool) -> None:
    body = bytes(number % 251 for number in range(size))
    client = lasting.connect()
    pieces = (body[start : start + 10_000] for start in range(0, size, 10_000))
    client.request("POST", "/echo", pieces if chunked else body, encode_chunked=chunked)
    assert client.getresponse().read() == body


def test_the_app_learns_the_length_of_a_body_that_came_in_chunks(lasting: Server) -> None:
    client = lasting.connect()
    client.request("POST", "/length", iter([b"abc", b"de"]), encode_chunked=True)
    assert client.getresponse().read() == b"5"


@pytest.mark.parametrize("chunked", [False, True])
def test_a_client_that_still_sends_what_is_too_much_sees_the_answer(
    lasting: Server, chunked: bool
) -> None:
    client = lasting.connect()
    body = b"a" * 30_000_000
    client.request("POST", "/length", iter([body]) if chunked else body, encode_chunked=chunked)
    answer = client.getresponse()
    assert answer.getheader("Connection") == "close"
    assert int(answer.read()) > 1024 * 1024


def test_the_pass_through_does_not_read_a_body_without_a_key(lasting: Server) -> None:
    head = b"POST /openai/v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 9000\r\n\r\n"
    client = lasting.socket(head)
    assert client.recv(12) == b"HTTP/1.1 200"  # the toy's app was asked, without the body


def test_a_client_that_waits_for_a_go_ahead_gets_it(lasting: Server) -> None:
    client = lasting.socket(post(b"abc", b"Expect: 100-continue\r\n")[:-3])
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"abc")
    assert client.recv(65_536).endswith(b"\r\n\r\nabc")


def test_a_client_that_does_not_wait_for_it_gets_one_answer(lasting: Server) -> None:
    client = lasting.socket(post(b"abc", b"Expect: 100-continue\r\n"))
    answer = http.client.HTTPResponse(client)
    answer.begin()
    assert (answer.status, answer.read()) == (200, b"abc")


def test_no_go_ahead_for_what_is_too_much(lasting: Server) -> None:
    head = post(b"", b"Expect: 100-continue\r\n").replace(b"Length: 0", b"Length: 3000000")
    assert lasting.socket(head).recv(12) == b"HTTP/1.1 200"


def test_a_refusal_says_what_to_do_in_the_shape_of_every_error(lasting: Server) -> None:
    _, body = lasting.send_raw(post(b"", b"Transfer-Encoding: chunked\r\n"))
    assert json.dumps(body).startswith('{"type": "urn:paywalls-connector:malformed_request"')


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_every_piece_of_a_stream_leaves_at_once(lasting: Server, version: bytes) -> None:
    """Also to proxies that speak HTTP/1.0, as nginx does unless it is told otherwise."""
    client = lasting.socket(b"GET /drip HTTP/%s\r\nHost: x\r\nConnection: close\r\n\r\n" % version)
    come = b""
    while b"first" not in come:
        come += client.recv(65_536)
    assert b"last" not in come
    lasting.go_on()
    assert b"last" in everything(client)
