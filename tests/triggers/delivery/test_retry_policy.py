"""What follows from an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connector.triggers.push_client import PushAnswer
from connector.triggers.retry_policy import RETRY_AFTER_MAX, delay_after, judge

SCHEDULE = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_taken(status: int) -> None:
    decision = judge(PushAnswer(status, 10), 0, SCHEDULE)
    assert (decision.state, decision.problem) == ("sent", "")


@pytest.mark.parametrize("status", [100, 301, 302, 307, 400, 401, 404, 422, 500, 503])
def test_anything_else_is_tried_again(status: int) -> None:
    decision = judge(PushAnswer(status, 10), 0, SCHEDULE)
    assert decision.state == "pending"
    assert str(status) in decision.problem


@pytest.mark.parametrize(("tries", "seconds"), list(enumerate(SCHEDULE)))
def test_waits_are_the_schedules_give_or_take_a_fifth(tries: int, seconds: int) -> None:
    items = {judge(PushAnswer(500, 10), tries, SCHEDULE).delay for _ in range(200)}
    assert min(items) >= seconds * 0.8 - 1
    assert max(items) <= seconds * 1.2 + 1
    assert len(items) > 1


def test_after_the_last_wait_it_is_given_up() -> None:
    assert judge(PushAnswer(500, 10), len(SCHEDULE), SCHEDULE).state == "failed"
    assert delay_after(len(SCHEDULE), SCHEDULE) is None


def test_410_ends_the_hook_at_once() -> None:
    decision = judge(PushAnswer(410, 10), 0, SCHEDULE)
    assert (decision.state, decision.gone) == ("failed", True)
    assert "410" in decision.problem


def test_no_answer_keeps_its_own_sentence() -> None:
    decision = judge(PushAnswer(None, 15000, problem="No answer came."), 0, SCHEDULE)
    assert (decision.state, decision.problem) == ("pending", "No answer came.")


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_in_seconds_is_honoured(status: int) -> None:
    decision = judge(PushAnswer(status, 10, retry_after="120"), 0, SCHEDULE)
    assert (decision.delay, decision.pause) == (120, 120)


def test_retry_after_as_a_date_is_honoured() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=600), usegmt=True)
    assert 590 <= judge(PushAnswer(429, 10, retry_after=moment), 0, SCHEDULE).delay <= 601


def test_retry_after_is_bounded() -> None:
    assert (
        judge(PushAnswer(429, 1, retry_after="99999999999"), 0, SCHEDULE).delay == RETRY_AFTER_MAX
    )


def test_retry_after_never_shortens_the_schedule() -> None:
    assert judge(PushAnswer(429, 1, retry_after="1"), 3, SCHEDULE).delay >= 7200 * 0.8


IN_NO_CALENDAR = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"


@pytest.mark.parametrize(
    "text", ["", "soon", "-5", "1.5", "١٢", "Wed, 99 Foo 2026", IN_NO_CALENDAR]
)
def test_an_unreadable_retry_after_counts_as_none(text: str) -> None:
    assert judge(PushAnswer(429, 1, retry_after=text), 0, SCHEDULE).pause == 0


def test_retry_after_counts_only_with_429_and_503() -> None:
    assert judge(PushAnswer(500, 1, retry_after="3000"), 0, SCHEDULE).delay <= 6


def test_a_redirect_says_what_to_do() -> None:
    assert "Subscribe with the address" in judge(PushAnswer(302, 1), 0, SCHEDULE).problem
