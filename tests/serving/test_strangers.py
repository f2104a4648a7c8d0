"""Nobody holds a thread without having sent a whole request, or by reading slowly.

What is sent here was seen to stop the server for everybody: some hundred connections that trickle
a head or a body, that say nothing, or whose answers nobody reads. The server has four threads.
"""

from __future__ import annotations

import select
import socket
from collections.abc import Callable

import pytest

from tests.serving.toy import Server, everything

CROWD = 400
FOUR = {"THREADS": "4"}
BEGUN = {
    "nothing": b"",
    "a-letter": b"G",
    "half-a-line": b"GET / HT",
    "half-the-headers": b"GET / HTTP/1.1\r\nHost: x\r\nX-A",
    "headers-only": b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n",
    "half-a-body": b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
    "half-a-chunk": b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\na",
    "waits-to-go-on": b"POST /echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    b"Content-Length: 10\r\n\r\n",
}
HELD = b"GET /hold HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n"


@pytest.mark.parametrize("sent", BEGUN.values(), ids=list(BEGUN))
def test_a_crowd_that_never_sends_a_whole_request_costs_others_nothing(
    serve: Callable[..., Server], sent: bytes
) -> None:
    toy = serve(**FOUR)
    for _ in range(CROWD):
        toy.socket(sent)
    assert toy.get("/healthz")[0] == 200
    assert toy.get("/", "good")[0] == 200


@pytest.mark.parametrize(
    "sent", [sent for name, sent in BEGUN.items() if name != "nothing"], ids=list(BEGUN)[1:]
)
def test_sending_byte_by_byte_does_not_put_the_deadline_off(
    serve: Callable[..., Server], sent: bytes
) -> None:
    toy = serve({"head_seconds": 0.3, "body_seconds": 0.3}, **FOUR)
    client = toy.socket(sent.replace(b"Length: 10", b"Length: 1000000"))
    for _ in range(1000):
        if select.select([client], [], [], 0.02)[0]:
            break
        client.send(b"A" if b"chunked" not in sent else b"0")
    answer = everything(client).removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert answer[:13] in (b"HTTP/1.1 408 ", b"HTTP/1.1 400 ")


def test_one_who_says_nothing_is_let_go_without_a_word(serve: Callable[..., Server]) -> None:
    toy = serve({"idle_seconds": 0.2}, **FOUR)
    assert everything(toy.socket()) == b""
    kept = toy.connect()
    kept.request("GET", "/")
    assert kept.getresponse().read()
    assert isinstance(kept.sock, socket.socket)
    assert everything(kept.sock) == b""


def test_answers_that_nobody_reads_hold_no_thread(serve: Callable[..., Server]) -> None:
    toy = serve(**FOUR)
    for _ in range(40):
        toy.socket(b"GET /large HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer good\r\n\r\n")
    assert toy.get("/", "good-too")[0] == 200


def test_a_slow_reader_gets_the_whole_answer(lasting: Server) -> None:
    client = lasting.socket(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = everything(client)
    assert len(answer.partition(b"\r\n\r\n")[2]) == 20_000_000


def test_an_answer_that_is_never_read_is_given_up(serve: Callable[..., Server]) -> None:
    toy = serve({"send_seconds": 0.2, "body_rate": 1_000_000_000}, **FOUR)
    client = toy.socket(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert toy.get("/", "good")[0] == 200
    poll = select.poll()
    poll.register(client, 0)  # tells only when the other side has let go
    assert poll.poll(10_000)
    assert toy.get("/", "good")[0] == 200


def test_a_stream_that_nobody_reads_ends(serve: Callable[..., Server]) -> None:
    toy = serve({"stall_seconds": 0.2}, **FOUR)
    toy.socket(b"POST /openai/v1/x HTTP/1.1\r\nHost: x\r\nX-API-Key: good\r\n\r\n")
    assert [toy.line(), toy.line()] == ["stream began", "stream ended"]


def test_streams_of_one_key_take_a_quarter_of_the_threads(serve: Callable[..., Server]) -> None:
    toy = serve({"turn_seconds": 0.3}, **FOUR)
    stream = b"POST /openai/v1/x HTTP/1.1\r\nHost: x\r\nX-API-Key: good\r\n\r\n"
    toy.socket(stream)
    assert toy.line() == "stream began"
    assert toy.socket(stream).recv(100).startswith(b"HTTP/1.1 429 ")
    toy.socket(stream.replace(b"good", b"good-too"))
    assert toy.line() == "stream began"
    assert toy.get("/", "good")[0] == 200


def test_a_crowd_of_one_key_leaves_the_last_quarter_to_others(serve: Callable[..., Server]) -> None:
    toy = serve(THREADS="8")
    crowd = [toy.socket(HELD % b"good-crowd") for _ in range(20)]
    assert [toy.line() for _ in range(6)] == ["holding"] * 6
    assert toy.get("/", "good-other")[0] == 200
    assert toy.get("/", "good-third")[0] == 200
    toy.go_on(20)
    assert {client.recv(12) for client in crowd} == {b"HTTP/1.1 200"}


def test_a_key_that_is_alone_gets_everything_but_the_last_quarter(
    serve: Callable[..., Server],
) -> None:
    toy = serve(THREADS="8")
    one = toy.socket(HELD % b"good-one")
    assert toy.line() == "holding"
    crowd = [toy.socket(HELD % b"good-crowd") for _ in range(8)]
    assert [toy.line() for _ in range(5)] == ["holding"] * 5
    toy.go_on(9)
    assert {client.recv(12) for client in [one, *crowd]} == {b"HTTP/1.1 200"}


def test_invented_keys_share_the_turns_of_their_address(serve: Callable[..., Server]) -> None:
    toy = serve(THREADS="8")
    crowd = [toy.socket(HELD % f"invented-{number}".encode()) for number in range(20)]
    assert [toy.line() for _ in range(6)] == ["holding"] * 6
    assert toy.get("/", "good")[0] == 200
    toy.go_on(20)
    assert {client.recv(12) for client in crowd} == {b"HTTP/1.1 200"}


def test_who_waits_too_long_is_told_to_come_again(serve: Callable[..., Server]) -> None:
    toy = serve({"turn_seconds": 0.2}, THREADS="1")
    held = toy.socket(HELD % b"good")
    assert toy.line() == "holding"
    assert toy.get("/", "good-too")[0] == 429
    assert toy.get("/healthz")[0] == 200
    toy.go_on()
    assert held.recv(12) == b"HTTP/1.1 200"
    assert toy.get("/", "good-too")[0] == 200


def test_a_new_client_is_let_in_when_all_connections_are_idle(serve: Callable[..., Server]) -> None:
    toy = serve({"connections": 20}, **FOUR)
    idle = [toy.socket() for _ in range(60)]
    assert toy.get("/")[0] == 200
    assert everything(idle[0]) == b""


@pytest.mark.parametrize("limit", [100_000, 200_000])
def test_bodies_are_bounded_for_one_sender_and_for_all(
    serve: Callable[..., Server], limit: int
) -> None:
    toy = serve({"held_bytes": limit * 4}, **FOUR)
    half = b"POST /echo HTTP/1.1\r\nHost: x\r\nX-API-Key: %s\r\nContent-Length: 90000\r\n\r\n"
    crowd = [toy.socket(half % b"invented" + b"a" * 60_000) for _ in range(limit // 60_000 + 1)]
    assert crowd[-1].recv(12) == b"HTTP/1.1 503"
    client = toy.connect()
    client.request("POST", "/echo", b"a" * 90_000, {"X-API-Key": "good"})
    assert client.getresponse().read() == b"a" * 90_000
