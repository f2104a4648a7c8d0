"""One push over real sockets: what it may reach, and how long it may take."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from connector.triggers.push_client import PushAnswer, PushClient
from tests.triggers.delivery.receiver import Push, Receiver, running_receiver, says
from tests.triggers.delivery.resolver import PUBLIC, Resolver

LOOPBACK = [ip_network("127.0.0.0/8")]
SHORT = 0.5


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    """A resolver under the test's control."""
    return Resolver(monkeypatch)


@pytest.fixture
def inner() -> Iterator[Receiver]:
    """Something that only this machine may reach."""
    with running_receiver() as receiver:
        yield receiver


def push(push_client: PushClient, url: str, seconds: float = 15.0) -> PushAnswer:
    """One push with an empty object."""
    return push_client.post(url, b"{}", {"Content-Type": "application/json"}, seconds)


def test_the_body_and_headers_arrive_as_they_are(inner: Receiver) -> None:
    answer = PushClient(LOOPBACK).post(
        inner.url + "?a=1", '{"name":"Ann é"}'.encode(), {"webhook-id": "dlv_1"}
    )
    assert (answer.status, answer.text, answer.problem) == (200, "ok", "")
    (came,) = inner.wait(1)
    assert came.item == {"name": "Ann é"}
    assert came.headers["webhook-id"] == "dlv_1"
    assert came.headers["host"] == f"127.0.0.1:{inner.port}"
    assert came.headers["user-agent"].startswith("Paywalls-Connector/")


def test_nothing_inner_is_reached_at_an_attempt_either(inner: Receiver) -> None:
    answer = push(PushClient(), inner.url.replace("http:", "https:"))
    assert answer.status is None
    assert "this machine itself" in answer.problem
    assert inner.pushes == []


def test_http_to_a_public_address_is_not_attempted(resolver: Resolver) -> None:
    resolver.says("public.test", [PUBLIC])
    assert "https://" in push(PushClient(), "http://public.test/").problem


@pytest.mark.parametrize("turn", range(1, 4))
def test_a_name_that_leads_elsewhere_later_reaches_nothing(
    turn: int, inner: Receiver, resolver: Resolver
) -> None:
    """Whichever of the look-ups is the first to lead inside."""
    answers = [[PUBLIC]] * turn + [["127.0.0.1"]]
    name = resolver.says("rebinding.test", *answers)
    push_client = PushClient()
    url = push_client.check(f"https://{name}:{inner.port}/")
    for _ in range(turn):
        push(push_client, url, SHORT)
    assert resolver.asked[name] >= turn
    assert inner.pushes == []


def test_the_address_that_was_connected_to_is_checked_again(
    inner: Receiver, resolver: Resolver
) -> None:
    resolver.says("public.test", [PUBLIC])
    resolver.says(PUBLIC, ["127.0.0.1"])  # as if the last step went another way
    answer = push(PushClient(), f"https://public.test:{inner.port}/")
    assert "this machine itself" in answer.problem
    assert inner.pushes == []


def test_a_redirect_to_an_inner_address_is_not_followed(inner: Receiver) -> None:
    with running_receiver(says(302, f"Location: {inner.url}\r\n")) as outer:
        answer = push(PushClient(LOOPBACK), outer.url)
    assert answer.status == 302
    assert inner.pushes == []


def test_proxies_and_netrc_of_the_environment_are_ignored(
    inner: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert push(PushClient(LOOPBACK), inner.url).status == 200
    assert "authorization" not in inner.wait(1)[0].headers


def test_cookies_of_one_answer_are_not_sent_to_the_next() -> None:
    with running_receiver(says(200, "Set-Cookie: tenant=1\r\n")) as receiver:
        push_client = PushClient(LOOPBACK)
        push(push_client, receiver.url)
        push(push_client, receiver.url)
        assert "cookie" not in receiver.wait(2)[1].headers


def test_an_address_where_nobody_listens_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert "connection failed" in push(PushClient(LOOPBACK), f"http://127.0.0.1:{port}/").problem


def test_a_name_that_is_gone_is_told() -> None:
    assert "not found" in push(PushClient(), "https://nowhere.invalid/").problem


def hangs(connection: socket.socket, _: Push, over: threading.Event) -> None:
    """Never answers."""
    over.wait(60)


def drips_headers(connection: socket.socket, _: Push, over: threading.Event) -> None:
    """Sends one byte of its answer's head every few milliseconds, for ever."""
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while not over.wait(0.02):
        connection.sendall(b"x")


def continues(connection: socket.socket, _: Push, over: threading.Event) -> None:
    """Says that it will go on, for ever."""
    while not over.wait(0.02):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")


@pytest.mark.parametrize("answer", [hangs, drips_headers, continues])
def test_no_answer_takes_longer_than_the_deadline(answer: object) -> None:
    with running_receiver(answer) as receiver:  # type: ignore[arg-type]
        began = time.monotonic()
        got = push(PushClient(LOOPBACK), receiver.url, SHORT)
        took = time.monotonic() - began
    assert (got.status, got.problem) == (None, "No answer came within 0.5 seconds.")
    assert SHORT <= took < SHORT + 5


def test_a_body_that_drips_does_not_make_an_answer_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("connector.triggers.ssrf_guard.BODY_SECONDS", 0.3)

    def drips(connection: socket.socket, _: Push, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while not over.wait(0.02):
            connection.sendall(b"x")

    with running_receiver(drips) as receiver:
        began = time.monotonic()
        got = push(PushClient(LOOPBACK), receiver.url)
        took = time.monotonic() - began
    assert got.status == 200
    assert set(got.text) == {"x"}
    assert took < 5


def test_of_a_huge_answer_only_the_beginning_is_read() -> None:
    sent: list[int] = []

    def floods(connection: socket.socket, _: Push, over: threading.Event) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b"y" * 0x10000 + b"\r\n"
        while not over.is_set() and len(sent) < 10_000:
            connection.sendall(chunk)
            sent.append(1)

    with running_receiver(floods) as receiver:
        got = push(PushClient(LOOPBACK), receiver.url)
    assert (got.status, got.text) == (200, "y" * 1024)
    assert len(sent) < 1_000


def test_a_compressed_bomb_is_not_unpacked() -> None:
    packed = gzip.compress(b"0" * 10_000_000)
    with running_receiver(says(200, "Content-Encoding: gzip\r\n", packed)) as receiver:
        got = push(PushClient(LOOPBACK), receiver.url)
    assert got.status == 200
    assert len(got.text) <= 1024
    assert "\0" not in got.text


@pytest.mark.parametrize("answer", [b"", b"garbage\r\n\r\n", b"HTTP/1.1 20"], ids=repr)
def test_half_an_answer_is_no_answer(answer: bytes) -> None:
    with running_receiver(answer) as receiver:
        got = push(PushClient(LOOPBACK), receiver.url)
    assert got.status is None
    assert got.problem


def test_a_cut_body_still_counts_as_an_answer() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"
    with running_receiver(answer) as receiver:
        got = push(PushClient(LOOPBACK), receiver.url)
    assert (got.status, got.text) == (200, "half")
