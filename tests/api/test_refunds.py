"""Refund Charge: never more than was taken, never twice, and counted back where it was counted."""

from __future__ import annotations

from typing import Any

import pytest

from connector.api.services import services
from connector.ledger import exactly_once
from connector.ledger.ends import OWNER
from tests.api.builder import Builder, check_problem
from tests.api.test_features import put, usage, use


def charge(who: Builder, reference: str = "o-1", amount: str = "5", user: str = "ann") -> Any:
    """Charge it; the answer's JSON."""
    return who.post("charge", user=user, amount=amount, reference=reference).get_json()


def refund(who: Builder, reference: str = "o-1", /, **values: Any) -> Any:
    """Refund it; the answer's JSON."""
    return who.post("refund", reference=reference, **values).get_json()


def balance(who: Builder, user: str = "ann") -> str:
    """What a user has."""
    return str(who.get("balance", user=user).get_json()["balance"])


@pytest.fixture
def paid(builder: Builder) -> Builder:
    """A builder whose user has 50 and paid 5 of them for o-1."""
    builder.user("ann", balance="50")
    assert charge(builder)["outcome"] == "charged"
    return builder


class TestWhole:
    def test_all_of_it_once(self, paid: Builder) -> None:
        told = refund(paid, reason="broken")
        assert (told["success"], told["outcome"], told["duplicate"]) == (True, "refunded", False)
        assert (told["user"], told["amount"], told["reference"]) == ("ann", "5", "o-1")
        assert told["refunded_total"] == "5"
        assert told["message"].startswith("5 was refunded. The new balance is ")
        again = refund(paid)
        assert (again["success"], again["outcome"], again["duplicate"]) == (True, "refunded", True)
        assert balance(paid) == "50"
        noted = [row for row in paid.seen("ledger") if row["type"] == "deposit"]
        assert [row["metadata"] for row in noted] == [
            {"reference": "o-1", "refund_of": "o-1", "reason": "broken"}
        ]

    def test_what_was_given_back_is_never_answered_as_charged(self, paid: Builder) -> None:
        refund(paid)
        told = charge(paid)
        assert (told["success"], told["outcome"], told["duplicate"]) == (False, "refunded", True)
        assert told["message"] == "This payment was refunded."
        assert balance(paid) == "50"
        (row,) = paid.get("transactions", reference="o-1", state="done", limit=1).get_json()
        assert row["action"] == "refund"
        rows = paid.get("transactions", reference="o-1").get_json()
        assert [(row["action"], row["result"]) for row in rows] == [
            ("refund", "refunded"),
            ("charge", "refunded"),
        ]

    def test_another_refund_of_what_was_given_back(self, paid: Builder) -> None:
        refund(paid)
        told = refund(paid, amount="1", refund_reference="r-1")
        assert (told["success"], told["outcome"]) == (False, "nothing_to_refund")
        assert (told["amount"], told["refunded_total"]) == ("0", "5")
        assert balance(paid) == "50"


class TestParts:
    def test_parts_up_to_the_whole(self, paid: Builder) -> None:
        first = refund(paid, amount="2", refund_reference="r-1")
        assert (first["amount"], first["refunded_total"]) == ("2", "2")
        assert charge(paid)["outcome"] == "charged"
        problem = paid.post("refund", reference="o-1", amount="3.5", refund_reference="r-2")
        told = check_problem(problem, 422, "invalid_field", "amount")
        assert told["message"].startswith("At most 3 can be given back of this.")
        assert refund(paid, amount="1", refund_reference="r-2")["refunded_total"] == "3"
        assert refund(paid, amount="1", refund_reference="r-2")["duplicate"] is True
        rest = refund(paid)
        assert (rest["amount"], rest["refunded_total"]) == ("2", "5")
        assert charge(paid)["outcome"] == "refunded"
        assert balance(paid) == "50"

    def test_the_header_names_a_refund(self, paid: Builder) -> None:
        headers = paid.bearer | {"Idempotency-Key": "r-9"}
        values = {"reference": "o-1", "amount": "1"}
        for duplicate in (False, True):
            told = paid.client.post("/v1/refund", json=values, headers=headers).get_json()
            assert (told["outcome"], told["duplicate"]) == ("refunded", duplicate)

    def test_a_part_needs_a_name_of_its_own(self, paid: Builder) -> None:
        answer = paid.post("refund", reference="o-1", amount="1")
        told = check_problem(answer, 422, "invalid_field", "refund_reference")
        assert "so that a retry never gives it back twice" in told["message"]

    def test_the_same_name_for_another_part(self, paid: Builder) -> None:
        charge(paid, "o-2")
        refund(paid, amount="1", refund_reference="r-1")
        for values in (
            {"reference": "o-1", "amount": "2"},
            {"reference": "o-2", "amount": "1"},
            {"reference": "o-1"},
        ):
            answer = paid.post("refund", refund_reference="r-1", **values)
            told = check_problem(answer, 422, "reference_reused", "refund_reference")
            assert "to give 1 back to user ann" in told["message"]
        assert balance(paid) == "41"

    def test_one_in_doubt_keeps_its_part(self, paid: Builder) -> None:
        paid.fault("deposit", "drop_after_commit")
        answer = paid.post("refund", reference="o-1", amount="3", refund_reference="r-1")
        assert answer.status_code >= 500
        for values in ({"amount": "3", "refund_reference": "r-2"}, {}):
            other = paid.post("refund", reference="o-1", **values)
            told = check_problem(other, 409, "still_in_doubt")
            assert "another refund of this" in told["message"]
        assert refund(paid, amount="2", refund_reference="r-3")["outcome"] == "refunded"
        assert refund(paid, amount="3", refund_reference="r-1")["refunded_total"] == "5"
        assert charge(paid)["outcome"] == "refunded"
        assert balance(paid) == "50"

    @pytest.mark.parametrize("happened", [True, False])
    def test_what_an_operator_decides_counts(self, paid: Builder, happened: bool) -> None:
        paid.fault("deposit", "drop_after_commit")
        assert paid.post("refund", reference="o-1").status_code >= 500
        (row,) = paid.get("transactions", state="in_doubt").get_json()
        with paid.facade.app.app_context():
            store = services().store
            assert store is not None
            exactly_once.resolve(store, row["id"], happened=happened, who=OWNER)
        assert charge(paid)["outcome"] == ("refunded" if happened else "charged")
        if happened:
            assert refund(paid)["duplicate"] is True


class TestUses:
    def test_the_counts_go_back_to_their_day(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        put(builder, price="2", free_per_day=1, cap_per_user_day="4")
        assert use(builder, reference="o-1", quantity=3)["amount"] == "4"
        refund(builder, amount="1", refund_reference="r-1")
        assert (usage(builder)["free_left"], usage(builder)["spent_today"]) == (0, "4")
        told = refund(builder, feature="pdf-parse")
        assert (told["amount"], told["refunded_total"]) == ("3", "4")
        left = usage(builder)
        assert (left["free_left"], left["spent_today"], left["cap_left"]) == (1, "0", "4")
        again = use(builder, reference="o-1", quantity=3)
        assert (again["outcome"], again["success"]) == ("refunded", False)
        assert usage(builder)["free_left"] == 1

    def test_a_charge_and_a_use_of_one_reference(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        put(builder, price="2")
        charge(builder)
        use(builder, reference="o-1")
        told = check_problem(
            builder.post("refund", reference="o-1"), 422, "invalid_field", "feature"
        )
        assert "fill in “Feature”" in told["message"]
        wrong = builder.post("refund", reference="o-1", feature="audio")
        check_problem(wrong, 422, "invalid_field", "feature")
        assert refund(builder, feature="pdf-parse")["amount"] == "2"
        assert charge(builder)["outcome"] == "charged"

    def test_a_free_one_has_nothing_to_give_back(self, builder: Builder) -> None:
        put(builder, free_per_day=1)
        use(builder, reference="o-1")
        assert refund(builder)["outcome"] == "nothing_to_refund"


class TestWhatCannotBeRefunded:
    def test_what_was_never_charged(self, paid: Builder) -> None:
        told = check_problem(
            paid.post("refund", reference="o-2"), 422, "invalid_field", "reference"
        )
        assert "There is no charge with the reference “o-2” here." in told["message"]
        assert "older than" in told["message"]

    def test_what_another_paywall_charged(self, paid: Builder, shared_builder: Builder) -> None:
        another = shared_builder
        check_problem(another.post("refund", reference="o-1"), 422, "invalid_field", "reference")
        assert balance(paid) == "45"

    def test_a_refused_charge(self, builder: Builder) -> None:
        assert charge(builder)["success"] is False
        told = refund(builder)
        assert (told["success"], told["outcome"]) == (False, "nothing_to_refund")
        assert (told["user"], told["reference"], told["amount"]) == ("ann", "o-1", "0")

    def test_a_charge_in_doubt(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        builder.fault("charge", "drop_after_commit")
        charge(builder)
        told = check_problem(builder.post("refund", reference="o-1"), 409, "still_in_doubt")
        assert "whether “o-1” was charged" in told["message"]
        assert charge(builder)["outcome"] == "charged"
        assert refund(builder)["outcome"] == "refunded"

    def test_a_deposit_is_no_charge(self, builder: Builder) -> None:
        builder.post("deposit", user="ann", amount="5", reference="o-1")
        check_problem(builder.post("refund", reference="o-1"), 422, "invalid_field", "reference")

    def test_where_there_are_no_deposits(self, shared_builder: Builder) -> None:
        paid = shared_builder
        paid.user("ann", connected=True, balance="50")
        charge(paid)
        told = refund(paid)
        assert (told["success"], told["outcome"]) == (False, "not_supported")
        assert told["message"] == "Deposits are not possible here, so money cannot be given back."
        assert charge(paid)["outcome"] == "charged"

    @pytest.mark.parametrize(
        ("values", "field"),
        [
            ({"amount": "0"}, "amount"),
            ({"amount": "-1"}, "amount"),
            ({"amount": "1.2345678"}, "amount"),
            ({"amount": "{{1.amount}}"}, "amount"),
            ({"amount": "1", "refund_reference": "return-undefined"}, "refund_reference"),
            ({"amount": "5.000001", "refund_reference": "r-1"}, "amount"),
            ({"user": "ann"}, "user"),
        ],
    )
    def test_what_cannot_be_read(self, paid: Builder, values: Any, field: str) -> None:
        answer = paid.post("refund", reference="o-1", **values)
        check_problem(answer, 422, "invalid_field", field)
        assert balance(paid) == "45"


class TestTokens:
    def test_a_token_refunds_if_it_may_and_within_its_limits(self, paid: Builder) -> None:
        def token(**values: str) -> Builder:
            made = paid.post("tokens", label="bot", **values).get_json()
            return Builder(paid.facade, made["token"])

        assert refund(token())["code"] == "not_allowed_by_token"
        assert refund(token(actions="refund", max_amount="2"))["code"] == "not_allowed_by_token"
        daily = token(actions="refund", max_per_day="4")
        assert refund(daily)["code"] == "not_allowed_by_token"
        part = refund(daily, amount="4", refund_reference="r-1")
        assert part["outcome"] == "refunded"
        assert refund(daily)["code"] == "not_allowed_by_token"
        assert refund(paid)["refunded_total"] == "5"
        own = paid.post("tokens", label="bot", user="ann", actions="refund")
        check_problem(own, 422, "invalid_field", "actions")

    def test_what_a_users_own_token_charged_is_refunded_by_the_owner(self, paid: Builder) -> None:
        made = paid.post("tokens", label="bot", user="ann").get_json()
        bot = Builder(paid.facade, made["token"])
        assert charge(bot, "mine", "2")["outcome"] == "charged"
        assert refund(paid, "mine")["amount"] == "2"
        assert charge(bot, "mine", "2")["outcome"] == "refunded"

    def test_two_users_with_the_same_reference(self, paid: Builder) -> None:
        paid.user("bob", balance="50")
        for user in ("ann", "bob"):
            made = paid.post("tokens", label="bot", user=user).get_json()
            charge(Builder(paid.facade, made["token"]), "mine", "2", user)
        answer = paid.post("refund", reference="mine")
        told = check_problem(answer, 422, "invalid_field", "reference")
        assert "More than one user" in told["message"]
