"""Test runs: everything is checked, and nothing is moved, counted or kept."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.builder import Builder, check_problem
from tests.api.test_features import put, usage
from tests.api.test_refunds import balance

MOVES = ("charge", "deposit")


def rehearse(who: Builder, action: str, **values: Any) -> Any:
    """Try it; the answer's JSON."""
    sent = {"user": "ann", "reference": "o-1", "test": True} | values
    return who.post(action, **{k: v for k, v in sent.items() if v is not None}).get_json()


@pytest.fixture
def rich(builder: Builder) -> Builder:
    """A builder whose user has 50."""
    builder.user("ann", balance="50")
    return builder


class TestNothingMoves:
    @pytest.mark.parametrize("yes", [True, "true", "yes", "1", "on", 1])
    def test_a_charge(self, rich: Builder, yes: object) -> None:
        told = rehearse(rich, "charge", amount="0.50", test=yes)
        assert (told["success"], told["outcome"]) == (False, "would_charge")
        assert told["message"] == "Test run: 0.5 would be charged. No money was moved."
        assert (told["user"], told["amount"], told["reference"]) == ("ann", "0.5", "o-1")
        assert told["duplicate"] is False
        assert "charge" not in rich.operations()
        assert rich.get("transactions").get_json() == []
        real = rich.post("charge", user="ann", amount="0.50", reference="o-1").get_json()
        assert (real["outcome"], real["duplicate"]) == ("charged", False)

    @pytest.mark.parametrize("no", [False, "false", "no", "0", ""])
    def test_who_says_no_means_it(self, rich: Builder, no: object) -> None:
        assert rehearse(rich, "charge", amount="0.50", test=no)["outcome"] == "charged"

    def test_a_deposit(self, rich: Builder) -> None:
        told = rehearse(rich, "deposit", amount="5")
        assert (told["success"], told["outcome"]) == (False, "would_deposit")
        assert balance(rich) == "50"

    def test_a_use(self, rich: Builder) -> None:
        put(rich, price="0.25", free_per_day=1, cap_per_user_day="0.5")
        free = rehearse(rich, "use", feature="pdf-parse")
        assert (free["outcome"], free["amount"], free["free_left"]) == ("would_use", "0", 1)
        assert free["message"] == "Test run: this one would be free."
        paid = rehearse(rich, "use", feature="pdf-parse", quantity=3)
        assert (paid["outcome"], paid["amount"], paid["free_left"]) == ("would_use", "0.5", 1)
        over = rehearse(rich, "use", feature="pdf-parse", quantity=4)
        assert (over["success"], over["outcome"]) == (False, "cap_reached")
        assert (usage(rich)["free_left"], usage(rich)["spent_today"]) == (1, "0")
        assert rich.get("transactions").get_json() == []

    def test_a_refund(self, rich: Builder) -> None:
        rich.post("charge", user="ann", amount="5", reference="o-1")
        told = rehearse(rich, "refund", user=None)
        assert (told["success"], told["outcome"]) == (False, "would_refund")
        assert (told["user"], told["amount"], told["refunded_total"]) == ("ann", "5", "0")
        assert balance(rich) == "45"
        part = {"amount": "6", "refund_reference": "r-1"}
        told = rehearse(rich, "refund", user=None, **part)
        assert (told["code"], told["field"]) == ("invalid_field", "amount")

    def test_what_was_counted_before_is_told(self, rich: Builder) -> None:
        rich.post("charge", user="ann", amount="5", reference="o-1")
        told = rehearse(rich, "charge", amount="5")
        assert (told["outcome"], told["duplicate"]) == ("would_charge", True)
        assert told["message"].startswith("Test run: this reference was counted before")
        rich.post("refund", reference="o-1")
        told = rehearse(rich, "charge", amount="5")
        assert (told["success"], told["outcome"]) == (False, "refunded")

    def test_what_is_in_doubt_stays_so(self, rich: Builder) -> None:
        rich.fault("charge", "drop_after_commit")
        values = {"user": "ann", "amount": "5", "reference": "o-1"}
        assert rich.post("charge", **values).status_code >= 500
        told = rehearse(rich, "charge", amount="5")
        assert told["outcome"] == "would_charge"
        assert "is not decided yet" in told["message"]
        assert rich.post("charge", **values).get_json()["outcome"] == "charged"
        assert balance(rich) == "45"


class TestEverythingIsChecked:
    def test_a_user_who_cannot_pay(self, builder: Builder, shared_builder: Builder) -> None:
        told = rehearse(builder, "charge", amount="5")
        assert (told["success"], told["outcome"]) == (False, "topup_required")
        assert told["action_url"].startswith("http")
        told = rehearse(shared_builder, "charge", amount="5")
        assert (told["success"], told["outcome"]) == (False, "authorization_required")
        assert told["action_url"].startswith("http")

    @pytest.mark.parametrize("action", MOVES)
    def test_the_key(self, builder: Builder, action: str) -> None:
        stranger = Builder(builder.facade, "sk-paywalls-sandbox-x~r9")
        told = rehearse(stranger, action, amount="5")
        assert told["status"] == 401

    @pytest.mark.parametrize("action", MOVES)
    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"amount": "0"}, "amount"),
            ({"amount": "1", "user": "undefined"}, "user"),
            ({"amount": "1", "reference": "order-undefined"}, "reference"),
            ({"amount": "1", "test": "perhaps"}, "test"),
            ({"amount": "1", "test": ["true"]}, "test"),
        ],
    )
    def test_the_values(
        self, rich: Builder, action: str, values: dict[str, Any], field: str
    ) -> None:
        told = rehearse(rich, action, **values)
        assert (told["code"], told["field"]) == ("invalid_field", field)

    def test_a_reference_of_something_else(self, rich: Builder) -> None:
        rich.post("charge", user="ann", amount="5", reference="o-1")
        told = rehearse(rich, "charge", amount="6")
        assert told["code"] == "reference_reused"

    def test_an_unknown_feature(self, rich: Builder) -> None:
        told = rehearse(rich, "use", feature="pdf")
        assert (told["code"], told["field"]) == ("invalid_field", "feature")

    def test_the_limits_of_a_token(self, rich: Builder) -> None:
        made = rich.post("tokens", label="b", max_amount="2", max_per_day="3").get_json()
        bot = Builder(rich.facade, made["token"])
        assert rehearse(bot, "charge", amount="2.5")["code"] == "not_allowed_by_token"
        for _ in range(3):
            assert rehearse(bot, "charge", amount="2")["outcome"] == "would_charge"
        assert rehearse(bot, "deposit", amount="1")["code"] == "not_allowed_by_token"

    def test_an_action_that_moves_nothing_has_no_test_run(self, rich: Builder) -> None:
        answer = rich.post("balance", user="ann", test=True)
        check_problem(answer, 422, "invalid_field", "test")
