"""When the connector cannot be asked, or nobody knows what it did: nothing runs, and it says so."""

from __future__ import annotations

import asyncio
import logging
import socket
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from tests.paid import faulty_connector
from tests.paid.conftest import PRICE, Seller, fresh_copy
from tests.paid.faulty_connector import Answer, FaultyConnector, problem
from tests.support.processes import until

TOKEN = "pwc_the-servers-own-token"
IN_DOUBT = problem(504, "upstream_timeout", "It is not known yet.", retryable=True)
BUSY = problem(503, "unavailable", "The database is busy. Try again.", retryable=True)
NONSENSE: list[Answer] = [
    (200, b"", {}),
    (200, b"<html>Welcome to the hotel</html>", {}),
    (200, b"{}", {}),
    (200, b"[]", {}),
    (200, b'"charged"', {}),
    (200, b'{"success": true, "outcome": "charged", "reference": "of-another"}', {}),
    (200, b"\xff\xfe{}", {}),
    (200, b'{"a": "' + b"x" * 1_000_001 + b'"}', {}),
    (302, b"", {"Location": "http://127.0.0.1:9/v1/use"}),
    (500, b"Internal Server Error", {}),
    (502, b'{"error": "bad gateway"}', {}),
]
ORDERS = pytest.mark.parametrize("order", ["before", "after"])


class Caller:
    """A tool with a price at a faulty connector, and how often it ran."""

    def __init__(self, faulty: FaultyConnector) -> None:
        self.faulty, self.module, self.runs = faulty, fresh_copy(), 0

    def __call__(self, fails: bool = False, **options: Any) -> str:
        def tool() -> str:
            self.runs += 1
            if fails:
                raise RuntimeError
            return "result"

        given = {"url": self.faulty.address, "token": TOKEN, "user": lambda: "ann", "timeout": 1.0}
        result: str = self.module.paid("pdf-parse", **(given | options))(tool)()
        return result

    def told(self, **options: Any) -> str:
        """What is told instead of a result."""
        with pytest.raises(self.module.PaidError) as told:
            self(**options)
        return str(told.value)


@pytest.fixture
def faulty() -> Iterator[FaultyConnector]:
    with faulty_connector.running() as running:
        yield running


@pytest.fixture
def caller(faulty: FaultyConnector) -> Caller:
    return Caller(faulty)


@ORDERS
def test_nothing_runs_while_the_connector_is_away(caller: Caller, order: str) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        said = caller.told(url=url, order=order)
    assert "cannot be reached, so nothing was charged" in said
    assert caller.runs == 0


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://x", "http://x:port"])
def test_an_address_that_is_none_is_told_to_the_operator_only(
    caller: Caller, caplog: pytest.LogCaptureFixture, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PAYWALLS_CONNECTOR_URL", raising=False)
    assert "Tell whoever runs this server" in caller.told(url=url)
    assert "the address or the token cannot be used" in caplog.text
    assert caller.runs == 0


@pytest.mark.parametrize("token", ["with\nline", "schlüssel"])
def test_a_token_that_cannot_be_sent_is_never_shown(
    caller: Caller, caplog: pytest.LogCaptureFixture, token: str
) -> None:
    assert "Tell whoever runs this server" in caller.told(token=token)
    assert token not in caplog.text
    assert caller.faulty.asked == []


@pytest.mark.parametrize("fault", ["drop", *NONSENSE])
def test_what_gives_no_clear_answer_is_asked_again_under_the_same_reference(
    caller: Caller, fault: Answer | str
) -> None:
    caller.faulty.plan["/v1/use"] = [fault, fault]
    assert caller(timeout=20.0) == "result"
    first, *others = caller.faulty.references("/v1/use")
    assert others == [first, first]
    assert caller.runs == 1


@pytest.mark.parametrize("fault", ["drop", NONSENSE[0], NONSENSE[-1], IN_DOUBT])
def test_nothing_runs_while_it_is_not_known_whether_it_was_charged(
    caller: Caller, fault: Answer | str
) -> None:
    caller.faulty.plan["/v1/use"] = [fault] * 10
    assert "It is not known yet" in caller.told()
    assert caller.runs == 0
    assert len(set(caller.faulty.references("/v1/use"))) == 1
    assert len(caller.faulty.asked) <= 5


def test_a_doubt_names_the_reference_to_ask_about(caller: Caller) -> None:
    caller.faulty.plan["/v1/use"] = ["drop"] * 10
    said = caller.told()
    assert caller.faulty.references("/v1/use")[0] in said


@pytest.mark.parametrize("fault", ["hang", "drip", "drip-headers"])
def test_an_answer_that_never_ends_is_not_waited_for(caller: Caller, fault: str) -> None:
    caller.faulty.plan["/v1/use"] = [fault] * 10
    begun = time.monotonic()
    assert "It is not known yet" in caller.told(timeout=1.0)
    assert time.monotonic() - begun < 10
    assert caller.runs == 0


def test_a_charge_that_was_given_up_is_given_back_when_it_went_through(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caller.module._Connector, "longest", 0.05)
    caller.faulty.plan["/v1/use"] = ["drip"]
    assert "It is not known yet" in caller.told(timeout=20.0)
    assert caller.runs == 0
    until(lambda: caller.faulty.asked[-1][0] == "/v1/refund")


def test_an_async_tool_leaves_the_loop_free_meanwhile(caller: Caller) -> None:
    caller.faulty.plan["/v1/use"] = ["hang"] * 10

    async def main() -> int:
        async def tool() -> None:
            raise AssertionError

        paid = caller.module.paid(
            "x", url=caller.faulty.address, token=TOKEN, user=lambda: "ann", timeout=1.0
        )
        call, turns = asyncio.create_task(paid(tool)()), 0
        while not call.done():
            await asyncio.sleep(0.01)
            turns += 1
        assert isinstance(call.exception(), caller.module.PaidError)
        return turns

    assert asyncio.run(main()) > 20


def test_a_connector_that_is_busy_is_waited_for_as_it_asks(caller: Caller) -> None:
    slow = problem(429, "too_many_requests", "Too many calls.", retryable=True, after="1")
    caller.faulty.plan["/v1/use"] = [slow]
    begun = time.monotonic()
    assert caller(timeout=5.0) == "result"
    assert time.monotonic() - begun >= 1


def test_one_that_asks_for_too_long_a_wait_is_told(caller: Caller) -> None:
    slow = problem(429, "too_many_requests", "Too many calls.", retryable=True, after="60")
    caller.faulty.plan["/v1/use"] = [slow]
    assert caller.told() == "Too many calls."
    assert (caller.runs, len(caller.faulty.asked)) == (0, 1)


def test_a_busy_one_that_stays_so_is_told_in_its_words(caller: Caller) -> None:
    caller.faulty.plan["/v1/use"] = [BUSY] * 10
    assert caller.told() == "The database is busy. Try again."
    assert caller.runs == 0


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "key_refused"), (403, "not_allowed_by_token"), (422, "invalid_field")],
)
def test_what_only_the_operator_can_mend_is_in_the_log(
    caller: Caller, caplog: pytest.LogCaptureFixture, status: int, code: str
) -> None:
    caller.faulty.plan["/v1/use"] = [problem(status, code, "Words for you.", retryable=False)]
    said = caller.told()
    assert "No payment is possible here now" in said
    assert f"{code}: Words for you." in caplog.text
    assert (caller.runs, len(caller.faulty.asked)) == (0, 1)


def test_a_doubt_is_not_ended_by_a_refusal_of_the_token(caller: Caller) -> None:
    refused = problem(401, "key_refused", "The key is refused.", retryable=False)
    caller.faulty.plan["/v1/use"] = ["drop", *[refused] * 10]
    assert "It is not known yet" in caller.told()


def test_after_withholds_the_result_while_the_charge_is_in_doubt(caller: Caller) -> None:
    caller.faulty.plan["/v1/use"] = ["", *["drop"] * 10]
    said = caller.told(order="after")
    assert "It is not known yet" in said
    assert "result" not in said
    assert caller.runs == 1


def test_a_check_that_gets_no_answer_leaves_no_doubt(caller: Caller) -> None:
    caller.faulty.plan["/v1/use"] = ["drop"] * 10
    assert "cannot be reached" in caller.told(order="after")
    assert caller.runs == 0


def test_a_run_that_cannot_be_compared_does_not_run(caller: Caller) -> None:
    caller.faulty.plan["/v1/transactions"] = [BUSY] * 10
    assert caller.told(run_id=lambda: "run-1") == "The database is busy. Try again."
    assert [path for path, *_ in caller.faulty.asked if path == "/v1/use"] == []
    caller.faulty.plan.clear()
    assert caller(run_id=lambda: "run-1") == "result"


@pytest.mark.parametrize("fault", ["drop", "hang", NONSENSE[0], BUSY])
def test_a_refund_that_gets_no_answer_says_whom_to_ask(
    caller: Caller, caplog: pytest.LogCaptureFixture, fault: Answer | str
) -> None:
    caller.faulty.plan["/v1/refund"] = [fault] * 10
    said = caller.told(fails=True)
    (reference,) = caller.faulty.references("/v1/use")
    assert said == (
        "The tool failed. It is not known yet whether the price was given back. Ask whoever runs "
        f"this server, and name the reference {reference}."
    )
    assert f"it is not known whether {reference} was given back" in caplog.text


def test_a_refund_is_asked_for_again_until_there_is_an_answer(caller: Caller) -> None:
    caller.faulty.plan["/v1/refund"] = ["drop", BUSY]
    assert "The price was given back" in caller.told(fails=True)
    assert len(set(caller.faulty.references("/v1/refund"))) == 1


@pytest.mark.parametrize("fault", ["drop_after_commit", "drop_before_commit", "http_500"])
def test_a_charge_whose_answer_was_lost_upstream_counts_once(seller: Seller, fault: str) -> None:
    seller.paywall.arm("charge", fault)
    assert seller.paid()(lambda: "result")() == "result"
    assert seller.charged == [PRICE]


def test_a_refund_whose_answer_was_lost_upstream_counts_once(seller: Seller) -> None:
    seller.paywall.arm("deposit", "drop_after_commit")

    @seller.paid()
    def tool() -> None:
        raise RuntimeError

    with pytest.raises(seller.module.PaidError, match="The price was given back"):
        tool()
    assert seller.given_back == [PRICE]


@pytest.mark.parametrize("user", [None, "", "  ", 7])
def test_nothing_runs_for_nobody(caller: Caller, user: Any) -> None:
    said = caller.told(user=lambda: user)
    assert "Nobody is signed in" in said
    assert (caller.runs, caller.faulty.asked) == (0, [])


def test_nobody_is_who_the_arguments_name(caller: Caller) -> None:
    paid = caller.module.paid("x", url=caller.faulty.address, token=TOKEN)
    with pytest.raises(caller.module.PaidError, match="Nobody is signed in"):
        paid(lambda user: user)(user="ann")


def test_address_and_token_come_from_the_environment(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYWALLS_CONNECTOR_URL", f"{caller.faulty.address}/")
    monkeypatch.setenv("PAYWALLS_CONNECTOR_TOKEN", f" {TOKEN}\n")
    assert caller(url="", token="") == "result"
    ((path, _, authorization),) = caller.faulty.asked
    assert (path, authorization) == ("/v1/use", f"Bearer {TOKEN}")


def test_the_token_is_in_no_log_error_or_text_of_an_object(
    caller: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caller.faulty.plan["/v1/use"] = [(200, b"{}", {})]
    caller(run_id=lambda: "run-1")
    caller.faulty.plan["/v1/use"] = ["drop"] * 10
    said = caller.told()
    module: ModuleType = caller.module
    price = module._Price("x", True, None, None, module._Connector("http://x", TOKEN, 1.0))
    assert TOKEN not in caplog.text + said + repr(price) + repr(price.connector)
