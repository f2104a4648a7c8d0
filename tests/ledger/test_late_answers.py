"""Answers that come after their lease was lost, and waiters whose time is up.

`charge_client.attempt` puts a function of the test in place of the upstream call, so that the
test decides which of two tries ends first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event

import pytest
from sqlalchemy import event
from structlog.testing import capture_logs

from connector.catalog.actions import Values
from connector.errors import StillInFlight, StoredRefusal, UpstreamBroken, UpstreamTimeout
from connector.store.ledger_rows import DONE, IN_DOUBT
from tests.ledger.rows import Rows
from tests.support.charge_client import ChargeClient
from tests.support.processes import PATIENCE

CHARGED = {"success": True, "outcome": "charged", "message": "The user was charged."}
REFUSED = {"success": False, "outcome": "declined", "message": "No."}


def charged(upstream_key: str) -> Values:
    return dict(CHARGED)


def refused(upstream_key: str) -> Values:
    return dict(REFUSED)


def broken(upstream_key: str) -> Values:
    raise UpstreamBroken("The connection broke.")


def never(upstream_key: str) -> Values:
    pytest.fail("this must not be sent")


class Old:
    """A try that is under way, lost its lease, and ends when `answer` is called."""

    def __init__(self, charge_client: ChargeClient, rows: Rows, pool: ThreadPoolExecutor) -> None:
        self._sent, self._answer = Event(), Event()
        self._perform: Callable[[str], Values] = never
        self._call: Future[Values] = pool.submit(charge_client.attempt, self._wait)
        assert self._sent.wait(PATIENCE)
        rows.end_leases()

    def _wait(self, upstream_key: str) -> Values:
        self.upstream_key = upstream_key
        self._sent.set()
        assert self._answer.wait(PATIENCE)
        return self._perform(upstream_key)

    def answer(self, perform: Callable[[str], Values]) -> Values:
        """What its caller is told when upstream now answers as `perform` does."""
        self._perform = perform
        self._answer.set()
        return self._call.result()

    def give_up(self) -> None:
        """End it, if the test did not."""
        self._perform = refused
        self._answer.set()


@pytest.fixture
def pool(charge_client: ChargeClient) -> Iterator[ThreadPoolExecutor]:
    charge_client.prove()
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def old(charge_client: ChargeClient, rows: Rows, pool: ThreadPoolExecutor) -> Iterator[Old]:
    old = Old(charge_client, rows, pool)
    yield old
    old.give_up()


def test_whoever_takes_over_sends_the_same_upstream_key(
    charge_client: ChargeClient, old: Old
) -> None:
    keys: list[str] = []
    charge_client.attempt(lambda key: keys.append(key) or charged(key))  # type: ignore[func-returns-value]
    assert keys == [old.upstream_key]


def test_a_late_charged_wins_over_a_doubtful_end(
    charge_client: ChargeClient, old: Old, rows: Rows
) -> None:
    with pytest.raises(UpstreamBroken):
        charge_client.attempt(broken)
    assert rows.one().state == IN_DOUBT
    assert old.answer(charged)["outcome"] == "charged"
    assert rows.one().state == DONE
    assert charge_client.attempt(never)["duplicate"] is True


def test_a_late_charged_wins_over_a_refusal(
    charge_client: ChargeClient, old: Old, rows: Rows
) -> None:
    assert charge_client.attempt(refused)["success"] is False
    assert old.answer(charged)["duplicate"] is False
    assert rows.one().state == DONE
    assert charge_client.attempt(never) == CHARGED | answered(duplicate=True)


def test_a_late_charged_wins_over_unknown(
    charge_client: ChargeClient, old: Old, rows: Rows
) -> None:
    rows.pass_hours(24)
    assert charge_client.attempt(never)["outcome"] == "unknown"
    assert old.answer(charged)["outcome"] == "charged"
    assert charge_client.attempt(never)["outcome"] == "charged"


def test_a_late_charged_wins_while_the_next_try_is_under_way(
    charge_client: ChargeClient, old: Old, rows: Rows
) -> None:
    """The next try's caller is told that it is charged, whatever its own answer was."""

    def perform(upstream_key: str) -> Values:
        assert old.answer(charged)["duplicate"] is False
        return refused(upstream_key)

    assert charge_client.attempt(perform) == CHARGED | answered(duplicate=True)
    assert rows.one().state == DONE


def test_two_tries_that_both_charged_are_told_as_one_charge(
    charge_client: ChargeClient, old: Old
) -> None:
    """Upstream answered the same key twice: the second caller gets a duplicate."""
    assert charge_client.attempt(charged)["duplicate"] is False
    assert old.answer(charged)["duplicate"] is True


def test_two_tries_that_charged_under_two_keys_are_written_down_as_possibly_double(
    charge_client: ChargeClient, old: Old, rows: Rows
) -> None:
    """The late answer of a try that was believed lost comes after the next key was charged."""
    with pytest.raises(UpstreamBroken):
        charge_client.attempt(broken)
    rows.pass_seconds(121)
    keys: list[str] = []

    def stored_then_charged(upstream_key: str) -> Values:
        keys.append(upstream_key)
        if len(keys) == 1:
            raise StoredRefusal("No.")
        return charged(upstream_key)

    assert charge_client.attempt(stored_then_charged)["duplicate"] is False
    with capture_logs() as logs:
        assert old.answer(charged)["duplicate"] is True
    (double,) = [line for line in logs if line["event"] == "possible_double_charge"]
    assert double["upstream_keys"] == list(reversed(keys))


@pytest.mark.parametrize("late", [refused, broken])
def test_a_late_no_changes_nothing_and_its_caller_is_told_what_counts(
    late: Callable[[str], Values], charge_client: ChargeClient, old: Old, rows: Rows
) -> None:
    charge_client.attempt(charged)
    assert old.answer(late) == CHARGED | answered(duplicate=True)
    assert rows.one().state == DONE


def test_a_late_no_does_not_free_what_another_try_works_on(
    charge_client: ChargeClient, old: Old, rows: Rows, pool: ThreadPoolExecutor
) -> None:
    sent, answer = Event(), Event()

    def perform(upstream_key: str) -> Values:
        sent.set()
        assert answer.wait(PATIENCE)
        return charged(upstream_key)

    new = pool.submit(charge_client.attempt, perform)
    assert sent.wait(PATIENCE)
    token = rows.one().token
    late = pool.submit(old.answer, refused)
    try:
        with pytest.raises(StillInFlight):
            charge_client.attempt(never, seconds=0.5)
        assert rows.one().leased
        assert rows.one().token == token
    finally:
        answer.set()
    assert new.result() == CHARGED | answered(duplicate=False)
    assert late.result() == CHARGED | answered(duplicate=True)


def test_only_one_of_several_waiters_takes_over(
    charge_client: ChargeClient, old: Old, rows: Rows, pool: ThreadPoolExecutor
) -> None:
    sent: list[str] = []

    def perform(upstream_key: str) -> Values:
        sent.append(upstream_key)
        return charged(upstream_key)

    waiters = [pool.submit(charge_client.attempt, perform) for _ in range(3)]
    results = [waiter.result() for waiter in waiters]
    assert sent == [old.upstream_key]
    assert sorted(result["duplicate"] for result in results) == [False, True, True]


def test_a_waiter_whose_time_is_up_is_told_to_come_back(
    charge_client: ChargeClient, rows: Rows, pool: ThreadPoolExecutor
) -> None:
    def perform(upstream_key: str) -> Values:
        with pytest.raises(StillInFlight) as told:
            pool.submit(charge_client.attempt, never, 0.5).result()
        assert told.value.retryable
        assert told.value.retry_after == 5
        assert told.value.reference == "order-1"
        return charged(upstream_key)

    assert charge_client.attempt(perform)["outcome"] == "charged"


def test_a_waiter_with_too_little_time_left_does_not_begin_a_try(
    charge_client: ChargeClient, old: Old
) -> None:
    with pytest.raises(StillInFlight) as told:
        charge_client.attempt(never, seconds=5)
    assert told.value.retry_after == 2


def test_waiters_are_told_the_failure_of_the_try_that_they_waited_for(
    charge_client: ChargeClient, rows: Rows, pool: ThreadPoolExecutor
) -> None:
    waiters: list[Future[Values]] = []
    looked = Event()

    @event.listens_for(charge_client.parts.store.engine, "before_cursor_execute")
    def _looks(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if "WHERE ledger.id" in statement and statement.startswith("SELECT"):
            looked.set()

    def perform(upstream_key: str) -> Values:
        waiters.append(pool.submit(charge_client.attempt, charged, 5))
        assert looked.wait(PATIENCE)
        raise UpstreamTimeout("Paywalls did not answer in time.")

    with pytest.raises(UpstreamTimeout):
        charge_client.attempt(perform)
    error = waiters[0].exception()
    assert isinstance(error, UpstreamTimeout)
    assert (error.retryable, error.reference) == (True, "order-1")
    assert rows.one().state == IN_DOUBT


def answered(*, duplicate: bool) -> Values:
    return {"user": "ann", "amount": "1.5", "reference": "order-1", "duplicate": duplicate}
