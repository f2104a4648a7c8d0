"""Client libraries that try again by themselves do not pay twice for an answer that was lost.

The official client with its own defaults, which are two more tries after 408, 409, 429, 5xx and
broken connections, unless the answer has `x-should-retry: false`.
Source: https://github.com/openai/openai-python, src/openai/_base_client.py (_should_retry).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.support.processes import SandboxPaywall, Server, running_connector
from tests.upstream.faulty_upstream import (
    FaultyUpstream,
    Talk,
    answering,
    http,
    leaving,
    running_faulty_upstream,
    saying,
    silent,
)

HELLO: Any = [{"role": "user", "content": "a canary prompt"}]
ANSWER = {"id": "x", "object": "chat.completion", "created": 1, "model": "any", "choices": []}
BROKEN_OFF = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module")
def upstream() -> Iterator[FaultyUpstream]:
    with running_faulty_upstream(silent) as faulty:
        yield faulty


@pytest.fixture(scope="module")
def impatient(
    upstream: FaultyUpstream, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A connector that gives an answer up after a second of silence."""
    folder = tmp_path_factory.mktemp("impatient")
    database = f"sqlite:///{folder}/connector.sqlite3"
    address = upstream.url.removesuffix("/v1")
    with running_connector(database, address, folder, openai_idle="1") as server:
        yield server


@pytest.fixture
def client(impatient: Server, upstream: FaultyUpstream) -> Iterator[openai.OpenAI]:
    upstream.asked.clear()
    base = f"{impatient.address}/openai/v1"
    with openai.OpenAI(base_url=base, api_key="sk-paywalls-any", timeout=30) as client:
        assert client.max_retries == 2
        yield client


@pytest.mark.parametrize(
    "talk",
    [
        pytest.param(silent, id="no answer"),
        pytest.param(leaving(), id="connection broken before the answer"),
        pytest.param(saying(BROKEN_OFF), id="silent in the middle of the head"),
        pytest.param(leaving(BROKEN_OFF + b'Content-Length: 900\r\n\r\n{"id"'), id="half a body"),
        pytest.param(saying(BROKEN_OFF + b'Content-Length: 900\r\n\r\n{"id"'), id="silent in it"),
        pytest.param(
            leaving(BROKEN_OFF + b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"id"\r\n'), id="a chunk"
        ),
        pytest.param(leaving(b"garbage\r\n\r\n"), id="no HTTP"),
        *(pytest.param(answering({}, status), id=str(status)) for status in (408, 409, 500, 503)),
    ],
)
def test_an_answer_that_may_have_been_paid_for_is_asked_for_once(
    client: openai.OpenAI, upstream: FaultyUpstream, talk: Talk
) -> None:
    upstream.talk = talk
    with pytest.raises(openai.APIStatusError) as lost:
        client.chat.completions.create(model="any", messages=HELLO, user="ann")
    assert lost.value.response.headers["x-should-retry"] == "false"
    assert len(upstream.asked) == 1


def test_what_upstream_did_not_begin_may_be_tried_again(
    client: openai.OpenAI, upstream: FaultyUpstream
) -> None:
    upstream.talk = saying(http(429, b"{}", "Retry-After: 0"))
    with pytest.raises(openai.RateLimitError):
        client.chat.completions.create(model="any", messages=HELLO, user="ann")
    assert len(upstream.asked) == 3


def test_a_whole_answer_comes_as_it_is(client: openai.OpenAI, upstream: FaultyUpstream) -> None:
    upstream.talk = answering(ANSWER | {"odd": 1})
    raw = client.chat.completions.with_raw_response.create(model="any", messages=HELLO, user="ann")
    assert raw.http_response.json() == ANSWER | {"odd": 1}


def test_an_answer_larger_than_what_is_read_ahead_comes_whole(
    client: openai.OpenAI, upstream: FaultyUpstream
) -> None:
    upstream.talk = answering(ANSWER | {"odd": "x" * 9_000_000})
    raw = client.chat.completions.with_raw_response.create(model="any", messages=HELLO, user="ann")
    assert len(raw.http_response.json()["odd"]) == 9_000_000


def test_a_lost_answer_is_paid_once(connector: Server, paywall: SandboxPaywall) -> None:
    paywall.user("ann", balance="10")
    paywall.arm("chat", "drop_after_commit")
    base = f"{connector.address}/openai/v1"
    with (
        openai.OpenAI(base_url=base, api_key=paywall.key) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.chat.completions.create(model="sandbox-echo", messages=HELLO, user="ann")
    assert len(paywall.booked("charge")) == 1
