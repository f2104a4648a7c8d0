"""The ready-made workflows that sell by rules, and the one that gives back what failed."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Any

import httpx
import pytest

from tests.specs.n8n.conftest import PAYER, ConnectedApp
from tests.specs.n8n.test_workflows import published

Json = dict[str, Any]
pytestmark = pytest.mark.xdist_group("n8n")
WORKFLOWS = {
    "free-then-paid": "Three free a day, then 0.25",
    "cap-then-cheaper": "A cap per user and day, then a cheaper model",
    "tiered-tools": "Tools with different prices",
    "refund-if-failed": "Refund when the work failed",
}
RULES: dict[str, Json] = {
    "answer": {"free_per_day": 3, "price": "0.25"},
    "best-answer": {"price": "0.25", "cap_per_user_day": "2.50"},
    "small-answer": {"price": "0.02"},
    "tool-search": {"price": "0.02"},
    "tool-report": {"price": "0.50"},
}
"""What the notes in the workflows say to set."""
BEST_MODEL = Decimal("0.05")
"""What the sandbox takes at least for an answer of the better model; the other costs less."""


class Caller:
    """Somebody's app, which calls one workflow for one user."""

    def __init__(self, app: ConnectedApp, path: str, balance: str) -> None:
        self.app, self.path = app, path
        self.user = f"user-{secrets.token_hex(4)}"
        app.paywall.user(self.user, balance=balance, connected=True)

    def asks(self, number: int, **more: str) -> httpx.Response:
        """What the workflow answers to the message of this number."""
        message = {"user": self.user, "message": "What is rain?", "message_id": self.name(number)}
        return self.app.n8n.call(self.path, message | more)

    def name(self, number: int) -> str:
        """The id of a message, which no other user has."""
        return f"{self.user}-{number}"

    @property
    def balance(self) -> Decimal:
        """What the user has left."""
        return self.app.paywall.balance(self.user)


@pytest.fixture(params=["", "-http"], ids=["node", "http"])
def ending(request: pytest.FixtureRequest, connected_app: ConnectedApp) -> str:
    """One form of the workflows; the rules are set as their notes say."""
    for name, rule in RULES.items():
        connected_app.paywall.set_feature(connected_app.connector, name, **rule)
    return str(request.param)


def caller(app: ConnectedApp, key: str, ending: str, balance: str) -> Caller:
    """A user of a workflow that is switched on."""
    label = WORKFLOWS[key] + (" (HTTP Request)" if ending else "")
    published(app, label, key + ending)
    return Caller(app, key + ending, balance)


def test_three_answers_are_free_and_the_fourth_costs(
    ending: str, connected_app: ConnectedApp
) -> None:
    user = caller(connected_app, "free-then-paid", ending, "0.30")
    for number in (1, 2, 3, 3):
        assert user.asks(number).json()["answer"].startswith("You asked:")
    assert user.balance == Decimal("0.30")
    assert user.asks(4).json()["answer"].startswith("You asked:")
    assert user.balance == Decimal("0.05")
    refused = user.asks(5).json()
    assert refused["link"].startswith("http")
    assert "You asked:" not in refused["answer"]


def test_after_the_cap_the_cheaper_model_answers(ending: str, connected_app: ConnectedApp) -> None:
    user = caller(connected_app, "cap-then-cheaper", ending, "2.54")
    before = len(connected_app.booked(PAYER))
    for number in range(12):
        assert user.asks(number).json()["answer"].startswith("You asked:")
    answers = [Decimal(row["amount"]) for row in connected_app.booked(PAYER)[before:]]
    assert [amount > BEST_MODEL for amount in answers] == [True] * 10 + [False] * 2
    assert user.balance == 0
    refused = user.asks(12).json()
    assert refused["link"].startswith("http")
    assert "You asked:" not in refused["answer"]


def test_without_money_the_better_model_sends_the_link(
    ending: str, connected_app: ConnectedApp
) -> None:
    user = caller(connected_app, "cap-then-cheaper", ending, "0.10")
    assert user.asks(1).json()["link"].startswith("http")
    assert user.balance == Decimal("0.10")


def test_each_tool_has_its_price(ending: str, connected_app: ConnectedApp) -> None:
    user = caller(connected_app, "tiered-tools", ending, "0.60")
    for _ in range(2):
        assert user.asks(1, tool="search").json() == {"result": "Search for What is rain?"}
    assert user.balance == Decimal("0.58")
    assert user.asks(2, tool="report").json() == {"result": "Report for What is rain?"}
    assert user.balance == Decimal("0.08")
    assert user.asks(3, tool="report").json()["link"].startswith("http")
    assert user.asks(4, tool="search").json()["result"].startswith("Search")
    unknown = user.asks(5, tool="free").json()
    assert unknown == {"answer": "There is no such tool. Choose one of: search, report."}
    assert user.balance == Decimal("0.06")


def test_work_that_fails_is_given_back_once(ending: str, connected_app: ConnectedApp) -> None:
    user = caller(connected_app, "refund-if-failed", ending, "1.00")
    assert user.asks(1).json()["answer"].startswith("You asked:")
    assert user.balance == Decimal("0.75")
    connected_app.paywall.arm("chat", "http_500", times=5)
    try:
        sorry = user.asks(2).json()
    finally:
        connected_app.paywall.arm("chat", "http_500", times=0)
    assert sorry == {"answer": "That did not work. It has cost you nothing."}
    assert user.balance == Decimal("0.75")
    assert "You asked:" not in user.asks(2).json()["answer"]
    assert user.balance == Decimal("0.75")


def test_who_cannot_pay_gets_the_link_and_no_refund(
    ending: str, connected_app: ConnectedApp
) -> None:
    user = caller(connected_app, "refund-if-failed", ending, "0.10")
    assert user.asks(1).json()["link"].startswith("http")
    assert user.balance == Decimal("0.10")
