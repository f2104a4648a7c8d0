"""The retry policy of pushes: what follows from an answer, and the backoff until the next try."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from connector.store.outbox_rows import FAILED, PENDING, SENT
from connector.triggers.push_client import PushAnswer

JITTER = 0.2
RETRY_AFTER_MAX = 3600
"""A target can ask us to stay away for an hour, not for a year."""
_GONE = 410
_ASKS_FOR_TIME = (429, 503)
_spread = random.Random()  # noqa: S311 -- its own: others may depend on the module's state


@dataclass(frozen=True)
class Decision:
    """The delivery's next state and after how many seconds it is due; `problem` is "" when it was
    taken, `gone` says that the hook is not wanted any more, `pause` for how many seconds nothing
    else is sent to this target."""

    state: str
    delay: int = 0
    problem: str = ""
    gone: bool = False
    pause: int = 0


def judge(answer: PushAnswer, tries: int, schedule: Sequence[int]) -> Decision:
    """The decision on the answer to a push that was tried `tries` times before."""
    status = answer.status
    if status is not None and 200 <= status < 300:
        return Decision(SENT)
    problem = answer.problem or _told(status)
    if status == _GONE:
        return Decision(FAILED, problem=problem, gone=True)
    asked = _seconds(answer.retry_after) if status in _ASKS_FOR_TIME else 0
    delay = delay_after(tries, schedule)
    if delay is None:
        return Decision(FAILED, problem=problem, pause=asked)
    return Decision(PENDING, max(delay, asked), problem, pause=asked)


def delay_after(tries: int, schedule: Sequence[int]) -> int | None:
    """Seconds until the next try after `tries` earlier ones, or None after the last one. Up to a
    fifth shorter or longer, so that not everything comes back at the same moment."""
    if tries >= len(schedule):
        return None
    return max(1, round(schedule[tries] * _spread.uniform(1 - JITTER, 1 + JITTER)))


def _told(status: int | None) -> str:
    if status == _GONE:
        return "The address answered 410: it does not want any more events."
    if status is not None and 300 <= status < 400:
        return (
            f"The address answered with a redirect ({status}), which is not followed. Subscribe "
            "with the address that it leads to."
        )
    return f"The address answered {status}."


def _seconds(retry_after: str) -> int:
    """The header Retry-After, seconds or a date, bounded; 0 if it cannot be read."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), RETRY_AFTER_MAX)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the latter for a year of twenty digits
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0, round((moment - datetime.now(UTC)).total_seconds())), RETRY_AFTER_MAX)
