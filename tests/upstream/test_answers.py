"""What upstream answers decides about the error, and whether it is asked again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from connector.errors import (
    ConnectorError,
    KeyRefused,
    UpstreamBroken,
    UpstreamBusy,
    UpstreamError,
    UpstreamRejected,
)
from connector.upstream.client import ATTEMPTS
from tests.upstream.calls import CALLS, Ask, balance, charge, chat, failure
from tests.upstream.faulty_upstream import (
    Talk,
    answering,
    http,
    in_turn,
    leaving,
    running_faulty_upstream,
    saying,
    upstream_at,
)


@pytest.mark.parametrize("ask", CALLS)
@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, UpstreamRejected, False),
        (401, KeyRefused, False),
        (403, UpstreamRejected, False),
        (404, UpstreamRejected, False),
        (408, UpstreamBroken, None),
        (409, UpstreamBroken, None),
        (422, UpstreamRejected, False),
        (425, UpstreamBroken, None),
        (429, UpstreamBusy, True),
        (451, UpstreamRejected, False),
        (500, UpstreamBroken, None),
        (502, UpstreamBroken, None),
        (503, UpstreamBroken, None),
        (599, UpstreamBroken, None),
    ],
)
def test_every_status_has_its_error(
    ask: Ask, status: int, kind: type[UpstreamError], retryable: bool | None
) -> None:
    with running_faulty_upstream(answering({"error": {"message": "Not today"}}, status)) as faulty:
        error = failure(faulty.url, ask)
        assert type(error) is kind
        assert error.retryable is (ask is not chat if retryable is None else retryable)
        assert error.nothing_happened is (kind is not UpstreamBroken)
        assert len(faulty.asked) == 1


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"error": {"message": "No such user"}}', "It said: No such user."),
        (b'{"error": "No such user."}', "It said: No such user."),
        (b'{"message": "No such user!"}', "It said: No such user!"),
        (b'{"detail": "No\\nsuch\\u0007 user"}', "It said: No such user."),
        (b'{"errors": []}', "Check the values and try again."),
        (b"<html>", "Check the values and try again."),
        (b"[]", "Check the values and try again."),
        (b'{"message": "' + b"long " * 500 + b'"}', "long"),
    ],
)
def test_what_upstream_says_about_a_refusal_is_told(body: bytes, said: str) -> None:
    with running_faulty_upstream(saying(http(422, body))) as faulty:
        error = failure(faulty.url, charge)
        assert said in error.message


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("Retry-After: 30", 30),
        ("Retry-After: 99999999", 3600),
        ("Retry-After: soon", 5),
        ("Retry-After: Wed, 21 Oct 2026 07:28:00 GMT", 5),
        ("Retry-After: -1", 5),
        ("X-Nothing: 1", 5),
    ],
)
def test_upstreams_wait_is_passed_on(header: str, seconds: int) -> None:
    with running_faulty_upstream(answering({}, 429, header)) as faulty:
        error = failure(faulty.url, balance)
        assert error.retry_after == seconds


GOOD = answering(
    {
        "success": True,
        "message": "",
        "balance": "1",
        "balanceFormatted": "$1",
        "choices": [{"message": {"content": "hi"}}],
    }
)
BUSY = answering({}, 429, "Retry-After: 0")
FAILED = answering({}, 500)


@pytest.mark.parametrize(
    ("ask", "first", "requests"),
    [
        (balance, FAILED, 2),
        (balance, leaving(), 2),
        (balance, saying(http(200, b"garbage")), 2),
        (balance, BUSY, 2),
        (charge, BUSY, 2),
        (chat, BUSY, 2),
        (charge, FAILED, 1),
        (charge, leaving(), 1),
        (charge, saying(http(200, b"garbage")), 1),
        (chat, FAILED, 1),
        (chat, leaving(), 1),
        (balance, answering({}, 404), 1),
        (balance, answering({}, 401), 1),
    ],
)
def test_only_what_cannot_happen_twice_is_tried_again(ask: Ask, first: Talk, requests: int) -> None:
    with (
        running_faulty_upstream(in_turn(first, GOOD)) as faulty,
        upstream_at(faulty.url) as upstream,
    ):
        if requests == 1:
            with pytest.raises(ConnectorError):
                ask(upstream)
        else:
            ask(upstream)
        assert len(faulty.asked) == requests


@pytest.mark.parametrize("ask", CALLS)
def test_it_is_tried_a_few_times_and_not_for_ever(ask: Ask) -> None:
    with running_faulty_upstream(BUSY) as faulty:
        error = failure(faulty.url, ask, seconds=5)
        assert isinstance(error, UpstreamBusy)
        assert len(faulty.asked) == ATTEMPTS


def test_a_long_wait_is_left_to_the_caller() -> None:
    with running_faulty_upstream(answering({}, 429, "Retry-After: 60")) as faulty:
        failure(faulty.url, balance, seconds=20)
        assert len(faulty.asked) == 1


@pytest.mark.parametrize("ask", CALLS)
def test_a_connection_is_kept_and_an_ended_one_is_replaced(ask: Ask) -> None:
    with running_faulty_upstream(GOOD) as faulty, upstream_at(faulty.url) as upstream:
        for _ in range(3):
            ask(upstream)
        assert faulty.connections == 1
    good = http(200, b'{"success": true, "balance": "1", "choices": [{}]}')
    with running_faulty_upstream(leaving(good)) as faulty, upstream_at(faulty.url) as upstream:
        for _ in range(3):
            ask(upstream)
            assert faulty.gone.acquire(timeout=5)
        assert len(faulty.asked) == faulty.connections == 3


def test_the_request_is_what_upstream_documents() -> None:
    with (
        running_faulty_upstream(GOOD) as faulty,
        upstream_at(faulty.url, key="sk-paywalls-planted") as upstream,
    ):
        upstream.charge("ann", Decimal("0.50"), {"reference": "r"}, "pwc-1")
        upstream.balance("a b&c=/?#ü")
        charged, asked = faulty.asked
    head, _, body = charged.partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"post /v1/user/charge http/1.1"
    assert b"authorization: bearer sk-paywalls-planted" in lines
    assert b"idempotency-key: pwc-1" in lines
    assert b"content-type: application/json" in lines
    assert body == b'{"user":"ann","amount":"0.5","metadata":{"reference":"r"}}'
    assert asked.startswith(b"GET /v1/user/balance?user=a%20b%26c%3D%2F%3F%23%C3%BC HTTP/1.1")
