"""Run ids: the same run is charged once and answered once, for one user and the same arguments."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import enum
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest

from tests.paid.conftest import PRICE, Seller
from tests.support.processes import until

PARALLEL = 20


class Counter:
    """A tool of one seller, with run ids of its own, that counts how often it runs."""

    def __init__(self, seller: Seller, **options: Any) -> None:
        self.runs = 0
        self.failures = 0
        self.run: str | None = None
        self.user = "ann"
        options = {"user": lambda: self.user, "run_id": lambda: self.run} | options
        self.tool = seller.paid(**options)(self.double)
        self.error = seller.module.PaidError

    def double(self, number: object) -> object:
        """The tool itself."""
        self.runs += 1
        if self.failures:
            self.failures -= 1
            raise RuntimeError
        return [number, number]

    def __call__(self, run: str | None, number: object, user: str = "ann") -> Any:
        self.run, self.user = run, user
        return self.tool(number)

    def told(self, run: str | None, number: object, user: str = "ann") -> str:
        """What is told instead of a result."""
        with pytest.raises(self.error) as told:
            self(run, number, user)
        return str(told.value)


def test_without_a_run_id_each_call_is_its_own(seller: Seller) -> None:
    call = Counter(seller)
    assert call(None, 1) == call(None, 1) == call("", 1)
    assert (call.runs, seller.charged) == (3, [PRICE] * 3)
    assert len(set(seller.references)) == 3


def test_the_same_run_gets_the_kept_result(seller: Seller) -> None:
    call = Counter(seller)
    first = call("run-1", 1)
    assert call("run-1", 1) is first
    assert (call.runs, seller.charged) == (1, [PRICE])


def test_a_reference_tells_neither_user_nor_run_id_nor_arguments(seller: Seller) -> None:
    Counter(seller)("run-1", "an argument")
    (reference,) = seller.references
    assert reference.startswith("paid-")
    for word in ("ann", "run-1", "argument"):
        assert word not in reference


def test_a_run_with_other_arguments_is_refused(seller: Seller) -> None:
    call = Counter(seller)
    call("run-1", 1)
    assert "used for another call" in call.told("run-1", 2)
    assert call("run-1", 1) == [1, 1]
    assert (call.runs, seller.charged) == (1, [PRICE])


def test_a_run_of_another_tool_is_refused(seller: Seller) -> None:
    call = Counter(seller)
    call("run-1", 1)

    @seller.paid(run_id=lambda: "run-1")
    def other(number: object) -> object:
        return number

    with pytest.raises(seller.module.PaidError, match="used for another call"):
        other(1)


def test_two_users_with_the_same_run_id_do_not_meet(seller: Seller) -> None:
    seller.paywall.user("ben", balance="1")
    call = Counter(seller)
    call("run-1", "of ann")
    assert call("run-1", "of ben", user="ben") == ["of ben", "of ben"]
    assert seller.paywall.balance("ann") == Decimal("4.75")
    assert seller.paywall.balance("ben") == Decimal("0.75")
    assert "checkout" in call.told("run-1", "of ann", user="poor")


@pytest.mark.parametrize("order", ["before", "after"])
def test_parallel_calls_of_a_run_are_charged_and_run_once(seller: Seller, order: str) -> None:
    call = Counter(seller, order=order)
    seller.paywall.arm("charge", "hold", seconds=30)
    with ThreadPoolExecutor(PARALLEL) as pool:
        calls = [pool.submit(call, "run-1", 1) for _ in range(PARALLEL)]
        until(seller.paywall.release)
        results = [one.result(60) for one in calls]
    assert all(result is results[0] for result in results)
    assert (call.runs, seller.charged) == (1, [PRICE])


def test_parallel_calls_of_an_async_tool_run_once_and_one_that_leaves_stops_no_other(
    seller: Seller,
) -> None:
    runs = 0

    async def main() -> list[Any]:
        go_on = asyncio.Event()

        @seller.paid(run_id=lambda: "run-1")
        async def tool(number: int) -> list[int]:
            nonlocal runs
            runs += 1
            await go_on.wait()
            return [number]

        calls = [asyncio.create_task(tool(1)) for _ in range(PARALLEL)]
        await asyncio.to_thread(until, lambda: runs)
        calls[-1].cancel()
        with pytest.raises(asyncio.CancelledError):
            await calls.pop()
        go_on.set()
        return await asyncio.gather(*calls)

    results = asyncio.run(main())
    assert all(result is results[0] for result in results)
    assert (runs, seller.charged) == (1, [PRICE])


def test_who_waits_for_a_call_that_fails_is_told_the_same(seller: Seller) -> None:
    call = Counter(seller)
    call.failures = 1
    seller.paywall.arm("charge", "hold", seconds=30)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(call.told, "run-1", 1)
        until(lambda: seller.paywall.asked("charge"))
        second = pool.submit(call.told, "run-1", 1)
        until(seller.paywall.release)
        assert first.result(60) == "The tool failed. The price was given back."
        assert second.result(60)


def test_who_waits_too_long_is_told_to_come_back(
    seller: Seller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seller.module, "WAIT_SECONDS", 0.05)
    call = Counter(seller)
    seller.paywall.arm("charge", "hold", seconds=30)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(call, "run-1", 1)
        until(lambda: seller.paywall.asked("charge"))
        assert "still being worked on" in call.told("run-1", 1)
        until(seller.paywall.release)
        assert first.result(60) == [1, 1]
    assert call("run-1", 1) == [1, 1]
    assert call.runs == 1


def test_a_run_that_failed_is_charged_anew_when_it_is_repeated(seller: Seller) -> None:
    call = Counter(seller)
    call.failures = 2
    assert "given back" in call.told("run-1", 1)
    assert "given back" in call.told("run-1", 1)
    assert call("run-1", 1) == call("run-1", 1) == [1, 1]
    first = seller.references[0]
    assert seller.references == [first, f"{first}-2", f"{first}-3"]
    assert (seller.charged, seller.given_back) == ([PRICE] * 3, [PRICE] * 2)


def test_a_run_that_failed_where_nothing_is_given_back_is_not_charged_again(
    shared_seller: Seller,
) -> None:
    call = Counter(shared_seller)
    call.failures = 1
    assert "The charge stands" in call.told("run-1", 1)
    assert call("run-1", 1) == [1, 1]
    assert (call.runs, shared_seller.charged) == (2, [PRICE])


def test_a_run_that_fails_again_and_again_comes_to_an_end(seller: Seller) -> None:
    call = Counter(seller)
    call.failures = 10
    for _ in range(10):
        assert "given back" in call.told("run-1", 1)
    assert "failed too often" in call.told("run-1", 1)
    assert call.runs == 10
    assert seller.paywall.balance("ann") == Decimal(5)


def test_a_refused_run_may_try_again_and_after_it_the_first_arguments_hold(seller: Seller) -> None:
    call = Counter(seller)
    assert "checkout" in call.told("run-1", 1, user="poor")
    seller.paywall.user("poor", balance="1")
    assert "used for another call" in call.told("run-1", 2, user="poor")
    assert call("run-1", 1, user="poor") == [1, 1]


def test_only_so_many_runs_are_kept(seller: Seller, monkeypatch: pytest.MonkeyPatch) -> None:
    assert seller.module.KEPT == 1_000
    monkeypatch.setattr(seller.module, "KEPT", 2)
    call = Counter(seller)
    for run in ("run-1", "run-2", "run-1", "run-3"):
        call(run, run)
    assert call.runs == 3
    call("run-1", "run-1")
    assert call.runs == 3  # used last, so kept
    call("run-2", "run-2")
    assert call.runs == 4  # forgotten, so run again
    assert seller.charged == [PRICE] * 3


class TestAfterARestart:
    def test_the_same_run_runs_again_and_is_not_charged_again(self, seller: Seller) -> None:
        Counter(seller)("run-1", 1)
        call = Counter(seller.restarted())
        assert call("run-1", 1) == [1, 1]
        assert (call.runs, seller.charged) == (1, [PRICE])

    def test_other_arguments_are_refused(self, seller: Seller) -> None:
        Counter(seller)("run-1", 1)
        call = Counter(seller.restarted())
        assert "used for another call" in call.told("run-1", 2)
        assert call("run-1", 1) == [1, 1]
        assert (call.runs, seller.charged) == (1, [PRICE])

    def test_a_run_that_failed_goes_on_where_it_was(self, seller: Seller) -> None:
        before = Counter(seller)
        before.failures = 1
        before.told("run-1", 1)
        assert Counter(seller.restarted())("run-1", 1) == [1, 1]
        first = seller.references[0]
        assert seller.references == [first, f"{first}-2"]

    def test_a_token_that_may_not_look_makes_other_arguments_a_run_of_their_own(
        self, seller: Seller
    ) -> None:
        seller = seller.with_rights("use,refund")
        Counter(seller)("run-1", 1)
        call = Counter(seller.restarted())
        assert call("run-1", 1) == [1, 1]
        assert seller.charged == [PRICE]
        assert "used for another call" in call.told("run-1", 2)
        assert Counter(seller.restarted())("run-1", 2) == [2, 2]
        assert seller.charged == [PRICE] * 2

    def test_a_token_that_was_replaced_charges_no_old_run_again(self, seller: Seller) -> None:
        Counter(seller)("run-1", 1)
        call = Counter(seller.with_rights("use,refund,transactions").restarted())
        assert "used for another call" in call.told("run-1", 1)
        assert seller.charged == [PRICE]


@pytest.mark.parametrize("run", ["x" * 201, "a\nb", 7, ["run"]])
def test_a_run_id_that_is_none_is_refused(seller: Seller, run: Any) -> None:
    call = Counter(seller)
    assert "must be text of at most 200 letters" in call.told(run, 1)
    assert (call.runs, seller.charged) == (0, [])


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclasses.dataclass
class Point:
    x: int
    y: set[str]


class Library:
    """What a library puts in."""

    request_context = None


@pytest.mark.parametrize(
    ("make", "other"),
    [
        (lambda: {"b": [1, None], "a": 2.5}, {"b": [1, None], "a": 2}),
        (lambda: {"b", "a"}, {"a"}),
        (lambda: Colour.RED, Colour.BLUE),
        (lambda: b"bytes", b"byte"),
        (lambda: datetime.date(2026, 1, 2), "2026-01-02"),
        (lambda: Decimal("1.0"), Decimal("1.00")),
        (lambda: Point(1, {"x"}), Point(2, {"x"})),
    ],
)
def test_arguments_are_the_same_by_what_they_hold(
    seller: Seller, make: Callable[[], object], other: object
) -> None:
    call = Counter(seller)
    first = call("run-1", make())
    assert call("run-1", make()) is first
    assert "used for another call" in call.told("run-1", other)


def test_arguments_that_cannot_be_compared_take_no_run_id(seller: Seller) -> None:
    call = Counter(seller)
    assert "takes no run id" in call.told("run-1", object())
    assert seller.charged == []
    call(None, object())
    assert seller.charged == [PRICE]


def test_what_a_library_puts_in_is_no_argument(seller: Seller) -> None:
    @seller.paid(run_id=lambda: "run-1")
    def tool(number: int, ctx: Library, times: int = 1) -> list[int]:
        return [number] * times

    first = tool(1, Library())
    assert tool(1, ctx=Library()) is first
    assert tool(number=1, ctx=Library(), times=1) is first
