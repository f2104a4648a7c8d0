"""Streams through the connector, from an upstream that says and holds what the test wants."""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.api.test_openai import client_at
from tests.support.processes import Server, running_connector, until
from tests.upstream.faulty_upstream import FaultyUpstream, running_faulty_upstream, silent

HELLO: list[ChatCompletionMessageParam] = [{"role": "user", "content": "a canary prompt"}]

EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"%d"}}],"odd":{"kept":[1.50]}}\n\n'


class StreamSource:
    """Upstream's side of a stream: sends a chunk when told to, and notes when it was left."""

    def __init__(self) -> None:
        self.cues: queue.Queue[bytes | None] = queue.Queue()
        self.sent_at: list[float] = []
        self.left = threading.Event()

    def play(self, connection: socket.socket, over: threading.Event) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
            b"X-Odd: kept\r\nX-Request-Id: upstreams-own\r\nX-Content-Type-Options: sniff\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        try:
            while (data := self.cues.get(timeout=60)) is not None:
                self.sent_at.append(time.monotonic())
                connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
            connection.sendall(b"0\r\n\r\n")
        except OSError:
            self.left.set()
            raise


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with running_faulty_upstream(silent) as rude:
        yield rude


@pytest.fixture(scope="module")
def before_source(
    upstream: FaultyUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("source")
    database = f"sqlite:///{folder}/connector.sqlite3"
    with running_connector(database, upstream.url.removesuffix("/v1"), folder) as server:
        yield server


@pytest.fixture
def source(upstream: FaultyUpstream) -> Iterator[StreamSource]:
    source = StreamSource()
    upstream.talk = source.play
    upstream.asked.clear()
    yield source
    source.cues.put(None)


def test_the_first_token_comes_while_upstream_still_holds_the_stream(
    before_source: Server, source: StreamSource
) -> None:
    delays = []
    with client_at(before_source.address, "sk-paywalls-any") as client:
        source.cues.put(EVENT % 0)
        stream = client.chat.completions.create(
            model="any", messages=HELLO, user="ann", stream=True
        )
        chunks = iter(stream)
        assert next(chunks).choices[0].delta.content == "0"
        for number in range(1, 21):
            source.cues.put(EVENT % number)
            assert next(chunks).choices[0].delta.content == str(number)
            delays.append(time.monotonic() - source.sent_at[-1])
        source.cues.put(b"data: [DONE]\n\n")
        source.cues.put(None)
        assert list(chunks) == []
    assert sorted(delays)[len(delays) // 2] < 0.05, delays


def test_bytes_and_headers_are_untouched(
    before_source: Server, source: StreamSource, upstream: FaultyUpstream
) -> None:
    body = b'{"model": "m",  "odd": {"kept": 1.50}, "messages": [], "stream": true, "user": "ann"}'
    said = [EVENT % 1, b": comment\n\n", b"data: \xff\xfe not even text\n\n"]
    for data in said:
        source.cues.put(data)
    source.cues.put(None)
    answer = httpx.post(
        f"{before_source.address}/openai/v1/chat/completions",
        content=body,
        headers={"Authorization": "Bearer sk-paywalls-any", "Content-Type": "application/json"},
        trust_env=False,
    )
    assert answer.content == b"".join(said)
    assert answer.headers["content-type"] == "text/event-stream"
    assert answer.headers["x-odd"] == "kept"
    (number,) = answer.headers.get_list("x-request-id")  # ours, by which an operator finds it
    assert number.startswith("req_")
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert len(upstream.asked) == 1
    head, _, sent = upstream.asked[0].partition(b"\r\n\r\n")
    assert sent == body
    assert head.startswith(b"POST /v1/chat/completions HTTP/1.1")
    assert b"authorization: bearer sk-paywalls-any" in head.lower()


def test_a_client_that_leaves_ends_the_stream_upstream(
    before_source: Server, source: StreamSource
) -> None:
    with client_at(before_source.address, "sk-paywalls-any") as client:
        source.cues.put(EVENT % 0)
        stream = client.chat.completions.create(
            model="any", messages=HELLO, user="ann", stream=True
        )
        next(iter(stream))
        stream.close()

    def noticed() -> bool:
        source.cues.put(EVENT % 1)
        return source.left.is_set()

    assert until(noticed)


def test_a_stream_that_breaks_upstream_breaks_for_the_client(
    before_source: Server, source: StreamSource, upstream: FaultyUpstream
) -> None:
    with client_at(before_source.address, "sk-paywalls-any") as client:
        source.cues.put(EVENT % 0)
        source.cues.put(b"")  # an empty chunk ends the body too early for an event stream
        stream = client.chat.completions.create(
            model="any", messages=HELLO, user="ann", stream=True
        )
        assert [chunk.choices[0].delta.content for chunk in stream] == ["0"]
    assert len(upstream.asked) == 1
