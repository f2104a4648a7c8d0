"""What went through by the day and by user, and what needs attention."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import text, update
from werkzeug.test import TestResponse

from connector.api.services import services
from connector.ledger import exactly_once
from connector.ledger.ends import OPERATOR
from connector.money import of_millionths, plain
from connector.store import Store, attention_rows, ledger_rows, sum_rows
from connector.store.sum_tables import attention
from tests.api.builder import Builder, Facade, check_problem, check_sentence
from tests.api.test_features import put, use
from tests.api.test_transactions import charge, found, references


def sums(who: Builder, **asked: Any) -> list[dict[str, Any]]:
    answer = who.get("sums", **asked)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.get_json()
    return rows


def told(who: Builder) -> list[dict[str, Any]]:
    """What needs attention, with every sentence looked at."""
    answer = who.get("attention")
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.get_json()
    for row in rows:
        check_sentence(row["message"])
    return rows


def put_settings(builder: Builder, **values: str) -> TestResponse:
    return builder.client.put("/v1/settings", json=values, headers=builder.bearer)


class TestSums:
    def test_what_went_through_counts_once_and_what_did_not_never(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        builder.user("bob", balance="1")
        charge(builder, "order-1", "1.25")
        charge(builder, "order-1", "1.25")  # the same again
        charge(builder, "order-2", "0.000001")
        charge(builder, "order-3", "5", user="bob")  # who cannot pay it
        builder.post("deposit", user="bob", amount="2", reference="gift-1")
        builder.post("refund", reference="order-1", amount="0.25", refund_reference="back-1")
        (row,) = sums(builder)
        assert row == {
            "day": row["day"],
            "user": "",
            "currency": "",
            "number": 2,
            "taken": "1.250001",
            "given_back": "0.25",
            "deposited": "2",
        }
        by_user = {one["user"]: one for one in sums(builder, day=row["day"])}
        assert list(by_user) == ["ann", "bob"]
        assert (by_user["ann"]["taken"], by_user["bob"]["taken"]) == ("1.250001", "0")
        assert by_user["bob"]["deposited"] == "2"
        assert sums(builder, user="bob")[0]["deposited"] == "2"
        assert sums(builder, user="bob", day=row["day"]) == [by_user["bob"]]
        assert sums(builder, day="2001-01-01") == []
        assert sums(builder, user="bob", day="2001-01-01") == []

    def test_free_and_paid_uses_count_both(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        put(builder, price="0.5", free_per_day="1")
        for number in range(3):
            use(builder, reference=f"run-{number}")
        (row,) = sums(builder)
        assert (row["number"], row["taken"]) == (3, "1")

    @pytest.mark.parametrize(("happened", "taken"), [(True, "2"), (False, None)])
    def test_what_a_person_decides_counts_as_it_was(
        self, builder: Builder, happened: bool, taken: str | None
    ) -> None:
        builder.user("ann", balance="9")
        builder.fault("charge", "drop_before_commit")
        assert charge(builder, "order-1", "2").status_code >= 500
        assert sums(builder) == []
        (row,) = found(builder, reference="order-1")
        with builder.facade.app.app_context():
            exactly_once.resolve(services().store, row["id"], happened=happened, who=OPERATOR)
            exactly_once.resolve(services().store, row["id"], happened=True, who=OPERATOR)
        assert [one["taken"] for one in sums(builder)] == ([taken] if happened else [])
        steps = [
            step["what"] for step in builder.get(f"transactions/{row['id']}").get_json()["steps"]
        ]
        decided = "went through" if happened else "did not happen"
        assert f"The connector's operator wrote down that it {decided}." in steps

    def test_two_currencies_are_never_added(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        for currency, reference in (("EUR", "order-1"), ("USD", "order-2"), ("EUR", "order-3")):
            put_settings(builder, currency_label=currency)
            charge(builder, reference, "1")
        rows = sums(builder)
        assert [(row["currency"], row["taken"]) for row in rows] == [("EUR", "2"), ("USD", "1")]
        of_users = sums(builder, day=rows[0]["day"])
        assert [(row["currency"], row["taken"]) for row in of_users] == [("EUR", "2"), ("USD", "1")]

    def test_the_day_is_the_paywalls(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        days = []
        for number, zone in enumerate(("Pacific/Kiritimati", "Pacific/Pago_Pago")):
            days.append(put_settings(builder, timezone=zone).get_json()["day"])
            charge(builder, f"order-{number}", "1")
        assert days[0] != days[1]
        put_settings(builder, timezone="Pacific/Kiritimati")
        assert [row["day"] for row in sums(builder)] == days

    def test_a_token_of_a_user_sees_the_sums_of_that_user(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        builder.user("bob", balance="9")
        charge(builder, "order-1", "1")
        charge(builder, "order-2", "2", user="bob")
        token = builder.post("tokens", label="x", actions="transactions", user="ann")
        holder = Builder(builder.facade, token.get_json()["token"])
        (row,) = sums(holder)
        assert (row["user"], row["taken"]) == ("ann", "1")
        assert sums(holder, day=row["day"]) == [row]
        assert holder.get("sums", user="bob").status_code == 403

    @pytest.mark.parametrize(
        ("asked", "field"),
        [
            ({"day": "yesterday"}, "day"),
            ({"day": "20260131"}, "day"),
            ({"days": "0"}, "days"),
            ({"day": "2026-02-30"}, "day"),
        ],
    )
    def test_what_cannot_be_summed_up_gets_a_sentence(
        self, builder: Builder, asked: dict[str, str], field: str
    ) -> None:
        check_problem(builder.get("sums", **asked), 422, "invalid_field", field)

    def test_a_user_on_a_day_that_is_long_ago(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        charge(builder, "order-1", "1")
        with builder.facade.app.app_context():
            store = services().store
        (row,) = sums(builder)
        moved = text("UPDATE ledger_sums SET day = '2025-12-24' WHERE day = :day")
        store.write(lambda c: c.execute(moved, {"day": row["day"]}))
        (found_row,) = sums(builder, user="ann", day="2025-12-24")
        assert (found_row["day"], found_row["taken"]) == ("2025-12-24", "1")

    def test_a_sum_that_is_too_large_to_be_kept_stays_at_the_largest(
        self, builder: Builder
    ) -> None:
        """Whatever is charged goes on being written down."""
        builder.user("ann", balance="9")
        charge(builder, "order-1", "1")
        with builder.facade.app.app_context():
            store = services().store
        most = 2**63 - 1
        full = text("UPDATE ledger_sums SET units = :most")
        store.write(lambda c: c.execute(full, {"most": most - 400_000}))
        charge(builder, "order-2", "0.4")
        charge(builder, "order-3", "0.4")
        for user in ("", "ann"):
            (row,) = sums(builder, user=user) if user else sums(builder)
            assert row["taken"] == plain(of_millionths(most))
        many = [sum_rows.Added(_a_paywall(store), "ann", "charge", most)] * 3
        store.write(lambda c: sum_rows.add(c, many))
        (row,) = sums(builder, user="ann")
        assert row["taken"] == plain(of_millionths(most))

    def test_old_days_are_forgotten(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        charge(builder, "order-1", "1")
        with builder.facade.app.app_context():
            store = services().store
        day = sums(builder)[0]["day"]
        mine = text(
            "UPDATE ledger_sums SET day = '2001-01-01' WHERE user_id = 'ann' AND day = :day"
        )
        store.write(lambda c: c.execute(mine, {"day": day}))
        assert store.write(lambda c: sum_rows.purge(c, 400)) >= 1
        assert store.write(lambda c: sum_rows.purge(c, 400)) == 0
        assert len(sums(builder)) == 1


def _a_paywall(store: Store) -> str:
    return str(store.read(lambda c: c.execute(text("SELECT paywall_id FROM ledger")).scalar()))


class TestBeginnings:
    def test_references_are_found_by_their_beginning(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        names = [
            "order-1",
            "order-10",
            "order-2",
            "Order-1",
            "order_1",
            "ordeR-1",
            "orde",
            "ördér-1",
        ]
        for name in names:
            charge(builder, name, "0.1")
        assert references(found(builder, begins="order-")) == ["order-1", "order-10", "order-2"]
        assert references(found(builder, begins="order-1")) == ["order-1", "order-10"]
        assert references(found(builder, begins="ö")) == ["ördér-1"]
        assert references(found(builder, begins="order%")) == []
        assert references(found(builder, begins="order-", limit=2)) == ["order-1", "order-10"]
        assert references(found(builder, begins="order-", user="bob")) == []
        assert references(found(builder, begins="order-", state="refused")) == []

    def test_all_that_is_asked_holds_and_nothing_is_given_twice(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        for number in range(502):
            charge(builder, f"order-{number:03}", "0.001")
        both = {"begins": "order-", "reference": "order-007"}
        assert references(found(builder, **both)) == ["order-007"]
        assert found(builder, begins="x", reference="order-007") == []
        table = builder.get("transactions.csv", begins="order-").text
        assert table.count("order-") == 502
        row = found(builder, reference="order-007")[0]["id"]
        for path in ("transactions", "transactions.csv"):
            check_problem(
                builder.get(path, begins="order-", before=row), 422, "invalid_field", "before"
            )

    def test_those_of_another_paywall_are_not(self, builder: Builder, facade: Facade) -> None:
        stranger = Builder(facade, f"sk-paywalls-sandbox-{secrets.token_hex(6)}")
        stranger.user("ann", balance="9")
        charge(stranger, "order-1", "0.1")
        assert found(builder, begins="order-") == []


class TestAttention:
    def test_all_is_well_at_first(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        charge(builder, "order-1")
        assert told(builder) == []

    def test_what_is_in_doubt_is_told_with_its_reference(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        builder.fault("charge", "drop_before_commit")
        charge(builder, "order-1")
        (row,) = told(builder)
        assert (row["kind"], row["reference"], row["user"]) == ("in_doubt", "order-1", "ann")
        assert row["transaction"].startswith("led_")

    def test_a_cap_that_stopped_somebody_is_told_once_a_day(self, builder: Builder) -> None:
        put(builder, price="1", cap_per_user_day="1")
        for user in ("ann", "bob"):
            builder.user(user, balance="9")
            for number in range(3):
                use(builder, user=user, reference=f"{user}-{number}")
        (row,) = told(builder)
        assert (row["kind"], row["user"]) == ("cap_reached", "ann")

    def test_a_free_allowance_that_is_used_up_is_no_news(self, builder: Builder) -> None:
        put(builder, free_per_day="1")
        for number in range(3):
            use(builder, reference=f"run-{number}")
        assert told(builder) == []

    def test_a_test_run_is_no_news(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        put(builder, price="1", cap_per_user_day="0.5")
        use(builder, reference="run-1", test="true")
        assert told(builder) == []

    def test_a_key_that_was_refused_is_told_to_who_holds_the_new_one(
        self, builder: Builder
    ) -> None:
        builder.user("ann", balance="9")
        charge(builder, "order-1")
        with builder.facade.app.app_context():
            identity, store = services().identity, services().store
        identity.distrust(builder.key)
        identity.distrust(builder.key)
        identity.distrust("sk-paywalls-sandbox-never-seen")
        (row,) = told(builder)
        assert row["kind"] == "key_refused"
        assert builder.key not in str(row)
        mine = update(attention).values(noted_at=datetime(2001, 1, 1, tzinfo=UTC))
        store.write(lambda c: c.execute(mine))
        assert told(builder) == []  # that is long ago

    def test_a_possible_double_charge_names_the_transaction(self, builder: Builder) -> None:
        builder.user("ann", balance="9")
        charge(builder, "order-1")
        (row,) = found(builder, reference="order-1")
        with builder.facade.app.app_context():
            store = services().store
        entry = store.read(lambda c: ledger_rows.get(c, row["id"]))
        assert entry is not None
        kind = attention_rows.DOUBLE_CHARGE
        store.write(lambda c: attention_rows.note(c, entry.paywall_id, kind, entry.id, "ann"))
        (told_row,) = told(builder)
        assert (told_row["kind"], told_row["transaction"]) == (kind, row["id"])
        assert "order-1" in told_row["message"]
