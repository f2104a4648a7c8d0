"""What a call costs: before or after the tool runs, back if it fails, nothing if it is refused."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from tests.paid.conftest import PRICE, Seller
from tests.support.processes import until

ORDERS = pytest.mark.parametrize("order", ["before", "after"])


class Tool:
    """A tool that counts how often it runs, and fails as it is told."""

    def __init__(self, fails: Exception | None = None) -> None:
        self.runs = 0
        self.fails = fails

    def sync(self, seller: Seller, **options: Any) -> Any:
        """It with a price, as a sync function."""

        @seller.paid(**options)
        def double(number: int) -> int:
            return self._work(number)

        return double

    def awaited(self, seller: Seller, **options: Any) -> Any:
        """The same as an async function."""

        @seller.paid(**options)
        async def double(number: int) -> int:
            await asyncio.sleep(0)
            return self._work(number)

        return double

    def _work(self, number: int) -> int:
        self.runs += 1
        if self.fails is not None:
            raise self.fails
        return 2 * number


class ToolError(Exception):
    """As both MCP libraries call what a tool means to be read."""


class MCPError(Exception):
    """As they call an error of the protocol."""


@ORDERS
def test_a_sync_tool_costs_its_price(seller: Seller, order: str) -> None:
    assert Tool().sync(seller, order=order)(4) == 8
    assert seller.charged == [PRICE]
    assert seller.paywall.balance("ann") == Decimal("4.75")


@ORDERS
def test_an_async_tool_costs_its_price(seller: Seller, order: str) -> None:
    tool = Tool().awaited(seller, order=order)
    assert asyncio.run(tool(4)) == 8
    assert seller.charged == [PRICE]


def test_an_async_tool_works_in_more_than_one_event_loop(seller: Seller) -> None:
    tool = Tool().awaited(seller)
    assert [asyncio.run(tool(n)) for n in (1, 2)] == [2, 4]
    assert seller.charged == [PRICE, PRICE]


@ORDERS
def test_who_cannot_pay_reads_the_link_and_the_tool_does_not_run(
    seller: Seller, order: str
) -> None:
    tool = Tool()
    with pytest.raises(seller.module.PaidError, match=r"http://\S+/checkout/"):
        tool.sync(seller, order=order, user=lambda: "poor")(4)
    assert (tool.runs, seller.charged) == (0, [])


def test_a_refusal_is_told_in_the_words_of_the_paywall(seller: Seller) -> None:
    seller.paywall.settings(refusal_wording="No credit! See {link} now.")
    with pytest.raises(seller.module.PaidError) as refused:
        Tool().sync(seller, user=lambda: "poor")(4)
    assert str(refused.value).startswith("No credit! See http")
    assert str(refused.value).endswith(" now.")


@ORDERS
def test_who_has_not_allowed_it_reads_where_to(shared_seller: Seller, order: str) -> None:
    tool = Tool()
    with pytest.raises(shared_seller.module.PaidError, match=r"http://\S+/authorize/"):
        tool.sync(shared_seller, order=order, user=lambda: "new")(4)
    assert tool.runs == 0


@ORDERS
def test_a_cap_is_told_in_the_owners_words(seller: Seller, order: str) -> None:
    seller.paywall.set_feature(
        seller.connector, price="0.25", cap_per_user_day="0.25", limit_message="Come back later."
    )
    tool = Tool()
    call = tool.sync(seller, order=order)
    call(1)
    with pytest.raises(seller.module.PaidError, match=r"^Come back later\.\s*$"):
        call(2)
    assert (tool.runs, seller.charged) == (1, [PRICE])


@ORDERS
def test_free_uses_cost_nothing(seller: Seller, order: str) -> None:
    seller.paywall.set_feature(seller.connector, price="0.25", free_per_day=1)
    call = Tool().sync(seller, order=order)
    assert (call(1), call(2)) == (2, 4)
    assert seller.charged == [PRICE]


def test_a_tool_that_fails_gives_the_price_back(seller: Seller) -> None:
    with pytest.raises(seller.module.PaidError) as told:
        Tool(ToolError("No such page.")).sync(seller)(4)
    assert str(told.value) == "No such page. The price was given back."
    assert isinstance(told.value.__cause__, ToolError)
    assert (seller.charged, seller.given_back) == ([PRICE], [PRICE])


def test_an_async_tool_that_fails_gives_the_price_back(seller: Seller) -> None:
    with pytest.raises(seller.module.PaidError, match="The price was given back"):
        asyncio.run(Tool(ToolError("No such page.")).awaited(seller)(4))
    assert seller.paywall.balance("ann") == Decimal(5)


def test_a_crash_is_told_without_its_words_and_logged_with_them(
    seller: Seller, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(seller.module.PaidError) as told:
        Tool(RuntimeError("password=hunter2")).sync(seller)(4)
    assert str(told.value) == "The tool failed. The price was given back."
    assert "hunter2" in caplog.text


def test_an_error_of_the_protocol_passes_as_it_is(seller: Seller) -> None:
    raised = MCPError("-32042")
    with pytest.raises(MCPError) as passed:
        Tool(raised).sync(seller)(4)
    assert passed.value is raised
    assert seller.given_back == [PRICE]


def test_where_nothing_can_be_given_back_it_says_whom_to_ask(shared_seller: Seller) -> None:
    with pytest.raises(shared_seller.module.PaidError) as told:
        Tool(ToolError("No such page.")).sync(shared_seller)(4)
    (reference,) = shared_seller.references
    assert str(told.value) == (
        "No such page. The charge stands, because this paywall cannot give money back. Ask whoever "
        f"runs this server, and name the reference {reference}."
    )


def test_a_free_use_that_fails_has_nothing_to_give_back(seller: Seller) -> None:
    seller.paywall.set_feature(seller.connector, price="0.25", free_per_day=1)
    with pytest.raises(seller.module.PaidError, match="Nothing was charged"):
        Tool(ToolError("No.")).sync(seller)(4)
    assert seller.paywall.asked("deposit") == []


def test_after_a_tool_that_fails_costs_nothing(seller: Seller) -> None:
    with pytest.raises(seller.module.PaidError) as told:
        Tool(ToolError("No such page.")).sync(seller, order="after")(4)
    assert str(told.value) == "No such page. Nothing was charged."
    assert seller.paywall.asked("charge") == []


@ORDERS
def test_a_result_that_says_it_is_an_error_costs_nothing(seller: Seller, order: str) -> None:
    result = SimpleNamespace(is_error=True)

    @seller.paid(order=order)
    def tool() -> Any:
        return result

    assert tool() is result
    assert seller.paywall.balance("ann") == Decimal(5)


@ORDERS
def test_a_question_to_the_client_is_not_a_result_yet(seller: Seller, order: str) -> None:
    class InputRequiredResult:
        """As both libraries call it."""

    @seller.paid(order=order)
    def tool() -> Any:
        return InputRequiredResult()

    assert isinstance(tool(), InputRequiredResult)
    assert seller.paywall.balance("ann") == Decimal(5)


def test_after_withholds_the_result_from_who_cannot_pay_any_more(seller: Seller) -> None:
    @seller.paid(order="after")
    def tool() -> str:
        seller.paywall.user("ann", balance="0")
        return "the secret"

    with pytest.raises(seller.module.PaidError, match=r"http://\S+/checkout/") as told:
        tool()
    assert "the secret" not in str(told.value)


def test_after_runs_before_it_charges(seller: Seller) -> None:
    @seller.paid(order="after")
    def tool() -> int:
        return len(seller.charged)

    assert tool() == 0
    assert seller.charged == [PRICE]


def test_a_cancelled_tool_gives_the_price_back(seller: Seller) -> None:
    async def main() -> None:
        begun = asyncio.Event()

        @seller.paid()
        async def tool() -> None:
            begun.set()
            await asyncio.Event().wait()

        task = asyncio.create_task(tool())
        await begun.wait()
        assert seller.charged == [PRICE]
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    until(lambda: seller.given_back == [PRICE])


@ORDERS
def test_a_call_cancelled_while_it_is_charged_gives_the_price_back(
    seller: Seller, order: str
) -> None:
    seller.paywall.arm("charge", "hold", seconds=30)

    async def main() -> None:
        task = asyncio.create_task(Tool().awaited(seller, order=order)(4))
        await asyncio.to_thread(until, lambda: seller.paywall.asked("charge"))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    until(seller.paywall.release)
    until(lambda: seller.given_back == [PRICE])
    assert seller.charged == [PRICE]


def test_an_unknown_order_is_refused_when_it_is_written(seller: Seller) -> None:
    with pytest.raises(ValueError, match='"before" or "after"'):
        seller.paid(order="during")
