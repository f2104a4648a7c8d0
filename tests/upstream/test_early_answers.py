"""An answer that is there, whole, before the request's body was sent."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from connector.deadline import Deadline
from connector.errors import KeyRefused, UpstreamRejected
from connector.upstream import Client, Upstream
from tests.upstream.faulty_upstream import (
    FaultyUpstream,
    Talk,
    hang_up,
    http,
    running_faulty_upstream,
    taken,
)

LARGE = b"x" * 20_000_000
"""More than the kernels keep of what nobody reads."""
WORDS = b'{"error": "Not now."}'

Refusal = Callable[[int], Talk]


def leaves(status: int) -> Talk:
    """Reads nothing of the body, so that the connection is reset."""

    def talk(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(http(status, WORDS))
        connection.close()

    return talk


def leaves_in_the_middle(status: int) -> Talk:
    """Reads some of the body, and leaves then."""

    def talk(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(http(status, WORDS))
        taken(connection, len(LARGE) // 2)
        connection.close()

    return talk


def says_nothing_more(status: int) -> Talk:
    """Ends its own direction, and reads all the body all the same."""

    def talk(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(http(status, WORDS))
        connection.shutdown(socket.SHUT_WR)
        taken(connection, len(LARGE))

    return talk


def announces_the_end(status: int) -> Talk:
    """Says that it will close, and reads all the body all the same."""

    def talk(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(http(status, WORDS, "Connection: close"))
        taken(connection, len(LARGE))

    return talk


def reads_on(status: int) -> Talk:
    """Reads all the body, and waits for the next request."""

    def talk(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(http(status, WORDS))
        taken(connection, len(LARGE))

    return talk


ENDINGS = [leaves, leaves_in_the_middle, says_nothing_more, announces_the_end]


@pytest.fixture
def client_of() -> Iterator[Callable[[FaultyUpstream], Client]]:
    """A client whose connection is closed after the test."""
    clients: list[Client] = []

    def made(faulty: FaultyUpstream) -> Client:
        clients.append(Client(faulty.url, idle=5))
        return clients[-1]

    yield made
    for client in clients:
        hang_up(client)


def told(client: Client) -> tuple[int, bytes]:
    answer = client.stream("POST", "/chat/completions", key="k", content=LARGE, headers={})
    try:
        return answer.status, answer.whole()
    finally:
        answer.close()


@pytest.mark.parametrize("status", [401, 413])
@pytest.mark.parametrize("refusal", ENDINGS)
def test_it_is_told_once_and_the_connection_is_not_used_again(
    refusal: Refusal, status: int, client_of: Callable[[FaultyUpstream], Client]
) -> None:
    with running_faulty_upstream(refusal(status), takes_body=False) as faulty:
        client = client_of(faulty)
        for number in (1, 2):
            assert told(client) == (status, WORDS)
            assert (len(faulty.asked), faulty.connections) == (number, number)


def test_who_has_taken_the_whole_body_is_asked_again_on_the_same_connection(
    client_of: Callable[[FaultyUpstream], Client],
) -> None:
    with running_faulty_upstream(reads_on(413), takes_body=False) as faulty:
        client = client_of(faulty)
        for number in (1, 2):
            assert told(client) == (413, WORDS)
            assert (len(faulty.asked), faulty.connections) == (number, 1)


@pytest.mark.parametrize("refusal", [*ENDINGS, reads_on])
@pytest.mark.parametrize(("status", "error"), [(401, KeyRefused), (413, UpstreamRejected)])
def test_a_chat_that_is_refused_early_is_not_sent_again(
    refusal: Refusal,
    status: int,
    error: type[Exception],
    client_of: Callable[[FaultyUpstream], Client],
) -> None:
    with running_faulty_upstream(refusal(status), takes_body=False) as faulty:
        upstream = Upstream(client_of(faulty), "k", Deadline(5))
        with pytest.raises(error):
            upstream.chat({"model": "m", "messages": [LARGE.decode()], "user": "ann"})
        assert len(faulty.asked) == 1
