"""Features: free a number of times a day, then a price, then a cap; and the paywall's own day."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from werkzeug.test import TestResponse

from connector.api.services import services
from connector.store import clock, settings_rows
from tests.api.builder import Builder, check_problem
from tests.support.days import zone_at_noon


def put(builder: Builder, name: str = "pdf-parse", /, **rule: Any) -> TestResponse:
    """Set a rule."""
    return builder.client.put(f"/v1/features/{name}", json=rule, headers=builder.bearer)


def delete(builder: Builder, name: str = "pdf-parse") -> TestResponse:
    """Delete a rule."""
    return builder.client.delete(f"/v1/features/{name}", headers=builder.bearer)


def use(who: Builder, **values: Any) -> Any:
    """Use the feature under a reference of its own; the answer's JSON."""
    values = {
        "user": "ann",
        "feature": "pdf-parse",
        "reference": secrets.token_hex(8),
    } | values
    return who.post("use", **values).get_json()


def usage(who: Builder, user: str = "ann", feature: str = "pdf-parse") -> Any:
    """What a user has left."""
    return who.get("usage", user=user, feature=feature).get_json()


class TestRules:
    def test_a_rule_is_set_replaced_listed_and_deleted(self, builder: Builder) -> None:
        first = put(builder, price="0.25", free_per_day=3, cap_per_user_day="2.50")
        assert first.status_code == 200, first.text
        told = first.get_json()
        assert told.pop("updated_at")
        assert told == {
            "name": "pdf-parse",
            "price": "0.25",
            "free_per_day": "3",
            "cap_per_user_day": "2.5",
            "cap_per_day": "",
            "limit_message": "",
        }
        assert put(builder, "audio", free_per_day="10").status_code == 200
        assert [rule["name"] for rule in builder.get("features").get_json()] == [
            "audio",
            "pdf-parse",
        ]
        put(builder, price="1")
        replaced = builder.get("features/pdf-parse").get_json()
        assert (replaced["price"], replaced["free_per_day"]) == ("1", "")
        assert delete(builder).get_json()["message"] == "The feature is deleted."
        assert delete(builder).status_code == 200
        check_problem(builder.get("features/pdf-parse"), 404, "not_found")

    @pytest.mark.parametrize(
        ("rule", "field"),
        [
            ({}, "price"),
            ({"price": "0"}, "price"),
            ({"price": "-1"}, "price"),
            ({"price": "0.1234567"}, "price"),
            ({"price": "100000001"}, "price"),
            ({"price": "10000.01"}, "price"),
            ({"free_per_day": "1.5"}, "free_per_day"),
            ({"free_per_day": "-1"}, "free_per_day"),
            ({"free_per_day": 2_000_000}, "free_per_day"),
            ({"free_per_day": 3, "cap_per_day": "5"}, "price"),
            ({"price": "1", "cap_per_day": "0"}, "cap_per_day"),
            ({"price": "1", "cap": "5"}, "cap"),
            ({"price": "1", "limit_message": "{{1.text}}"}, "limit_message"),
        ],
    )
    def test_what_a_rule_cannot_be(
        self, builder: Builder, rule: dict[str, Any], field: str
    ) -> None:
        check_problem(put(builder, **rule), 422, "invalid_field", field)
        assert builder.get("features").get_json() == []

    @pytest.mark.parametrize("name", ["PDF", "a b", "ä", "x" * 65, "a,b"])
    def test_what_a_feature_cannot_be_called(self, builder: Builder, name: str) -> None:
        check_problem(put(builder, name, price="1"), 422, "invalid_field", "name")


class TestUse:
    def test_free_then_charged_then_the_cap(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        put(builder, price="0.25", free_per_day=3, cap_per_user_day="0.50")
        told = [use(builder) for _ in range(6)]
        assert [one["outcome"] for one in told] == [
            *["free"] * 3,
            *["charged"] * 2,
            "cap_reached",
        ]
        assert [one["amount"] for one in told] == ["0", "0", "0", "0.25", "0.25", "0"]
        assert [one["success"] for one in told] == [*[True] * 5, False]
        assert [one["free_left"] for one in told] == [2, 1, 0, 0, 0, 0]
        assert [one["cap_left"] for one in told] == ["0.5", "0.5", "0.5", "0.25", "0", "0"]
        assert told[5]["message"].startswith("Today's limit for “pdf-parse” is reached.")
        assert builder.operations().count("charge") == 2
        assert usage(builder)["outcome"] == "cap_reached"
        assert use(builder, user="bob")["outcome"] == "free"

    def test_a_free_use_asks_nobody(self, builder: Builder) -> None:
        put(builder, free_per_day=1)
        told = use(builder, reference="o-1")
        assert (told["outcome"], told["duplicate"]) == ("free", False)
        again = use(builder, reference="o-1")
        assert (again["outcome"], again["duplicate"], again["amount"]) == ("free", True, "0")
        assert use(builder)["outcome"] == "quota_reached"
        assert builder.operations() == []

    def test_a_call_can_be_partly_free(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        put(builder, price="0.25", free_per_day=1)
        told = use(builder, quantity=3)
        assert (told["outcome"], told["amount"], told["quantity"]) == ("charged", "0.5", 3)
        assert builder.get("balance", user="ann").get_json()["balance"] == "49.5"

    def test_a_quota_is_not_split(self, builder: Builder) -> None:
        put(builder, free_per_day=2, limit_message="Come back at {resets_at}!")
        told = use(builder, quantity=3)
        assert told["outcome"] == "quota_reached"
        assert told["message"].startswith("Come back at 2")
        assert told["message"].endswith(f"({zone_at_noon()})!")
        assert use(builder, quantity=2)["outcome"] == "free"

    def test_a_cap_of_all_users_together(self, builder: Builder) -> None:
        for user in ("ann", "bob"):
            builder.user(user, balance="50")
        put(builder, price="1", cap_per_day="1.5")
        assert use(builder)["outcome"] == "charged"
        assert use(builder, user="bob")["outcome"] == "cap_reached"
        put(builder, price="1", cap_per_day="2")
        assert use(builder, user="bob")["outcome"] == "charged"

    def test_a_refusal_gives_back_what_it_held(self, builder: Builder) -> None:
        put(builder, price="1", free_per_day=1, cap_per_user_day="5")
        assert use(builder, reference="o-1", quantity=2)["outcome"] == "topup_required"
        left = usage(builder)
        assert (left["free_left"], left["spent_today"], left["cap_left"]) == (1, "0", "5")
        builder.user("ann", balance="50")
        again = use(builder, reference="o-1", quantity=2)
        assert (again["outcome"], again["amount"], again["duplicate"]) == ("charged", "1", False)

    def test_a_freed_row_is_priced_anew_and_a_row_in_doubt_is_not(self, builder: Builder) -> None:
        put(builder, price="1")
        assert use(builder, reference="o-1")["outcome"] == "topup_required"
        builder.user("ann", balance="50")
        put(builder, price="2")
        assert use(builder, reference="o-1")["amount"] == "2"
        builder.fault("charge", "drop_after_commit")
        values = {"user": "ann", "feature": "pdf-parse", "reference": "o-2"}
        assert builder.post("use", **values).status_code >= 500
        delete(builder)
        told = use(builder, reference="o-2")
        assert (told["outcome"], told["amount"]) == ("charged", "2")
        assert builder.get("balance", user="ann").get_json()["balance"] == "46"

    def test_doubt_keeps_what_is_counted(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        put(builder, price="1", free_per_day=1, cap_per_user_day="1")
        builder.fault("charge", "drop_after_commit")
        use(builder, reference="o-1", quantity=2)
        assert (usage(builder)["free_left"], usage(builder)["cap_left"]) == (0, "0")
        assert use(builder, reference="o-2")["outcome"] == "cap_reached"
        assert use(builder, reference="o-1", quantity=2)["outcome"] == "charged"
        assert usage(builder)["spent_today"] == "1"

    def test_the_same_reference_for_something_else(self, builder: Builder) -> None:
        put(builder, free_per_day=5)
        use(builder, reference="o-1")
        for other in ({"quantity": 2}, {"user": "bob"}):
            values = {"user": "ann", "feature": "pdf-parse", "reference": "o-1"} | other
            check_problem(builder.post("use", **values), 422, "reference_reused", "reference")
        assert usage(builder)["free_left"] == 4

    def test_a_charge_of_the_same_reference_is_another_thing(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        put(builder, price="1")
        charged = builder.post("charge", user="ann", amount="1", reference="o-1").get_json()
        used = use(builder, reference="o-1")
        assert (charged["duplicate"], used["duplicate"]) == (False, False)
        assert builder.get("balance", user="ann").get_json()["balance"] == "48"

    @pytest.mark.parametrize("quantity", ["0", "-1", "1.5", 1_000_000, "x"])
    def test_a_quantity_that_is_none(self, builder: Builder, quantity: object) -> None:
        put(builder, price="1", free_per_day=3)
        values = {"user": "ann", "feature": "pdf-parse", "reference": "o-1", "quantity": quantity}
        check_problem(builder.post("use", **values), 422, "invalid_field", "quantity")
        assert usage(builder)["free_left"] == 3

    def test_an_unknown_feature_is_told_the_known_ones(self, builder: Builder) -> None:
        values = {"user": "ann", "feature": "pdf", "reference": "o-1"}
        for path in ("use", "usage"):
            sent = values if path == "use" else {"user": "ann", "feature": "pdf"}
            told = check_problem(builder.post(path, **sent), 422, "invalid_field", "feature")
            assert "no features yet" in told["message"]
        put(builder, price="1")
        told = check_problem(builder.post("use", **values), 422, "invalid_field", "feature")
        assert told["message"] == "There is no feature called “pdf”. There are: pdf-parse."
        for number in range(40):
            put(builder, f"feature-number-{number}", price="1")
        told = check_problem(builder.post("use", **values), 422, "invalid_field", "feature")
        assert "more." in told["message"]
        assert builder.ledger_rows() >= 0
        assert builder.get("transactions").get_json() == []

    def test_more_than_one_call_may_cost(self, builder: Builder) -> None:
        put(builder, price="900")
        values = {"user": "ann", "feature": "pdf-parse", "reference": "o-1", "quantity": 1_000}
        told = check_problem(builder.post("use", **values), 422, "invalid_field", "quantity")
        assert "Send a smaller quantity." in told["message"]

    def test_what_upstream_is_told(self, builder: Builder) -> None:
        builder.user("ann", balance="5")
        put(builder, price="1")
        use(builder, reference="o-7", quantity=2, description="two files", metadata_plan="pro")
        (row,) = [r for r in builder.seen("ledger") if r["type"] == "charge"]
        assert row["metadata"] == {
            "reference": "o-7",
            "feature": "pdf-parse",
            "quantity": "2",
            "description": "two files",
            "plan": "pro",
        }


class TestTokens:
    def test_a_token_of_a_user_uses_and_looks(self, builder: Builder) -> None:
        put(builder, price="1", free_per_day=1)
        made = builder.post("tokens", label="bot", user="ann").get_json()
        bot = Builder(builder.facade, made["token"])
        assert made["actions"].startswith("charge, use, usage, balance")
        assert use(bot, user="")["outcome"] == "free"
        assert usage(bot, user="")["free_left"] == 0
        assert bot.get("usage", user="bob", feature="pdf-parse").status_code == 403
        for answer in (put(bot, price="9"), delete(bot), bot.get("features")):
            assert answer.get_json()["code"] == "not_allowed_by_token"

    def test_its_limits_hold_for_what_is_charged(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        put(builder, price="1", free_per_day=1)
        made = builder.post("tokens", label="b", max_amount="2", max_per_day="3").get_json()
        bot = Builder(builder.facade, made["token"])
        assert use(bot, quantity=4)["code"] == "not_allowed_by_token"
        assert usage(builder)["free_left"] == 1
        assert use(bot, quantity=3)["amount"] == "2"
        assert use(bot, quantity=2)["code"] == "not_allowed_by_token"
        assert use(bot)["amount"] == "1"
        assert usage(builder)["spent_today"] == "3"


class TestTheDay:
    def test_settings_are_set_and_told(self, builder: Builder) -> None:
        def put_settings(**values: str) -> TestResponse:
            return builder.client.put("/v1/settings", json=values, headers=builder.bearer)

        told = builder.get("settings").get_json()
        assert (told["timezone"], told["currency_label"]) == ("UTC", "")
        told = put_settings(timezone="europe/berlin", currency_label="EUR").get_json()
        assert (told["timezone"], told["currency_label"]) == ("Europe/Berlin", "EUR")
        told = put_settings(timezone="America/New York").get_json()
        assert (told["timezone"], told["currency_label"]) == ("America/New_York", "")
        for wrong, advice in (
            ("Europe/Berln", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
            ("Mars/Olympus", "such as"),
        ):
            problem = check_problem(put_settings(timezone=wrong), 422, "invalid_field", "timezone")
            assert advice in problem["message"]
        assert put_settings().get_json()["timezone"] == "UTC"

    @pytest.mark.parametrize(
        ("moment", "timezone", "day", "ends"),
        [
            ("2026-03-28T23:30:00", "Europe/Berlin", "2026-03-29", "2026-03-29T22:00:00"),
            ("2026-10-24T22:30:00", "Europe/Berlin", "2026-10-25", "2026-10-25T23:00:00"),
            ("2026-03-29T12:00:00", "UTC", "2026-03-29", "2026-03-30T00:00:00"),
            ("2026-09-05T12:00:00", "America/Santiago", "2026-09-05", "2026-09-06T04:00:00"),
            ("2026-01-01T11:00:00", "Pacific/Kiritimati", "2026-01-02", "2026-01-02T10:00:00"),
        ],
    )
    def test_a_day_ends_at_its_own_midnight(
        self, moment: str, timezone: str, day: str, ends: str
    ) -> None:
        found = clock.day_at(datetime.fromisoformat(moment).replace(tzinfo=UTC), timezone)
        assert (found.name, found.ends.isoformat()) == (day, f"{ends}+00:00")

    def test_midnight_gives_the_free_ones_back(
        self, builder: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        put(builder, free_per_day=1)
        assert use(builder)["outcome"] == "free"
        assert use(builder)["outcome"] == "quota_reached"
        with builder.facade.app.app_context():
            store = services().store
        today = settings_rows.today

        def tomorrow(connection: Any, paywall_id: str, *, lock: bool = True) -> Any:
            root, day = today(connection, paywall_id, lock=lock)
            return root, clock.day_at(day.ends, day.timezone)

        assert store is not None
        monkeypatch.setattr(settings_rows, "today", tomorrow)
        assert use(builder)["outcome"] == "free"
        assert use(builder)["outcome"] == "quota_reached"
