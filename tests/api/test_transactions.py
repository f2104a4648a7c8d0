"""Find Transaction: "was order-1001 charged?" is one question in every tool."""

from __future__ import annotations

import csv
import io
import secrets
from typing import Any

import pytest
from sqlalchemy import update

from connector.api import transaction_csv
from connector.api.services import services
from connector.store.ledger_rows import UNKNOWN
from connector.store.tables import ledger
from tests.api.builder import Builder, check_problem, check_sentence


def charge(who: Builder, reference: str, amount: str = "1", user: str = "ann") -> Any:
    return who.post("charge", user=user, amount=amount, reference=reference)


def found(who: Builder, **asked: Any) -> list[dict[str, Any]]:
    """What is found, with every sentence of ours looked at."""
    answer = who.get("transactions", **asked)
    assert answer.status_code == 200, answer.text
    rows: list[dict[str, Any]] = answer.get_json()
    for row in rows:
        if row["state"] != "refused":  # that is upstream's to word
            check_sentence(row["explanation"])
    return rows


def references(rows: list[dict[str, Any]]) -> list[str]:
    return [row["reference"] for row in rows]


def test_a_charge_is_found_by_its_reference(builder: Builder) -> None:
    builder.user("ann", balance="5")
    assert charge(builder, "order-1001", "0.50").get_json()["success"]
    (row,) = found(builder, reference="order-1001")
    assert (row["action"], row["user"], row["amount"]) == ("charge", "ann", "0.5")
    assert (row["happened"], row["state"], row["result"]) == (True, "done", "charged")
    assert row["created_at"].endswith("Z")
    assert found(builder, reference="order-1002") == []


def test_what_was_refused_is_told_with_its_reason(builder: Builder) -> None:
    charge(builder, "order-1")
    (row,) = found(builder, reference="order-1")
    assert (row["happened"], row["state"], row["result"]) == (False, "refused", "topup_required")


def test_what_is_in_doubt_or_unknown_says_what_to_do(builder: Builder) -> None:
    builder.user("ann", balance="5")
    builder.fault("charge", "drop_after_commit", times=9)
    assert charge(builder, "order-1").status_code >= 500
    (row,) = found(builder, state="in_doubt")
    assert (row["reference"], row["happened"]) == ("order-1", False)
    assert "Send the same again" in row["explanation"]
    with builder.facade.app.app_context():
        change = update(ledger).where(ledger.c.id == row["id"]).values(state=UNKNOWN)
        services().store.write(lambda connection: connection.execute(change))
    (row,) = found(builder, state="unknown")
    assert "look it up" in row["explanation"]


def test_the_newest_come_first_a_page_at_a_time(builder: Builder) -> None:
    builder.user("ann", balance="9")
    for number in range(5):
        charge(builder, f"o-{number}")
    first = found(builder, limit=2)
    assert references(first) == ["o-4", "o-3"]
    second = found(builder, limit=2, before=first[-1]["id"])
    assert references(second) == ["o-2", "o-1"]
    assert references(found(builder, before=second[-1]["id"])) == ["o-0"]
    check_problem(builder.get("transactions", before="led_none"), 422, "invalid_field", "before")


def test_they_are_narrowed_down_by_user_state_and_time(builder: Builder) -> None:
    for user in ("ann", "bob"):
        builder.user(user, balance="1")
    charge(builder, "a-1", user="ann")
    charge(builder, "b-1", user="bob")
    charge(builder, "b-2", user="bob")
    builder.post("deposit", user="bob", amount="2", reference="b-1")
    assert references(found(builder, user="bob")) == ["b-1", "b-2", "b-1"]
    assert references(found(builder, user="bob", state="refused")) == ["b-2"]
    assert {row["action"] for row in found(builder, reference="b-1")} == {"charge", "deposit"}
    middle = found(builder, reference="b-2")[0]["created_at"]
    assert "a-1" not in references(found(builder, since=middle))
    assert references(found(builder, until=middle))[-1] == "a-1"


@pytest.mark.parametrize(
    ("field", "value"),
    [("state", "charged"), ("since", "yesterday"), ("limit", "0"), ("limit", "101")],
)
def test_what_cannot_be_asked_is_refused(builder: Builder, field: str, value: str) -> None:
    check_problem(builder.get("transactions", **{field: value}), 422, "invalid_field", field)


def test_a_token_of_one_user_finds_that_users_alone(builder: Builder) -> None:
    for user in ("ann", "bob"):
        builder.user(user, balance="9")
    made = builder.post("tokens", label="x", user="ann", actions="charge, transactions")
    ann = Builder(builder.facade, made.get_json()["token"])
    charge(builder, "order-1", "3", "bob")
    charge(ann, "order-1", "1")
    assert [row["amount"] for row in found(ann)] == ["1"]
    assert [row["amount"] for row in found(ann, reference="order-1")] == ["1"]
    both = found(builder, reference="order-1")
    assert sorted((row["user"], row["reference"]) for row in both) == [
        ("ann", "order-1"),
        ("bob", "order-1"),
    ]
    refused = ann.get("transactions", user="bob")
    check_problem(refused, 403, "not_allowed_by_token", "user")


def test_nobody_finds_anything_of_another_paywall(builder: Builder) -> None:
    builder.user("ann", balance="9")
    charge(builder, "order-1")
    (row,) = found(builder)
    stranger = Builder(builder.facade, f"sk-paywalls-sandbox-{secrets.token_hex(6)}")
    assert found(stranger) == found(stranger, reference="order-1") == []
    check_problem(stranger.get("transactions", before=row["id"]), 422, "invalid_field", "before")


class TestCsv:
    def test_every_row_with_its_note_and_the_currency(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        builder.client.put("/v1/settings", json={"currency_label": "EUR"}, headers=builder.bearer)
        values = {"user": "ann", "amount": "1", "description": "One, “image”\nin two lines"}
        for number in range(3):
            builder.post("charge", reference=f"o-{number}", **values)
        builder.post("refund", reference="o-1", reason="broken")
        answer = builder.get("transactions.csv")
        assert (answer.status_code, answer.mimetype) == (200, "text/csv")
        assert "attachment" in answer.headers["Content-Disposition"]
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert [row["reference"] for row in rows] == ["o-1", "o-2", "o-1", "o-0"]
        assert [row["action"] for row in rows] == ["refund", *["charge"] * 3]
        assert {row["currency"] for row in rows} == {"EUR"}
        assert rows[0]["description"] == "broken"
        assert rows[1]["description"] == "One, “image”\nin two lines"
        assert (rows[2]["happened"], rows[2]["result"]) == ("yes", "refunded")
        assert (
            list(csv.DictReader(io.StringIO(builder.get("transactions.csv", user="bob").text)))
            == []
        )

    @pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
    def test_no_cell_is_a_formula(self, builder: Builder, start: str) -> None:
        builder.user(start, balance="5")
        values = {"user": start, "amount": "1", "reference": f"{start}7", "description": start}
        assert builder.post("charge", **values).status_code == 200
        (row,) = csv.DictReader(io.StringIO(builder.get("transactions.csv").text))
        for name in ("user", "reference", "description"):
            assert row[name].startswith(f"'{start}")

    def test_it_goes_on_over_pages(self, builder: Builder, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(transaction_csv, "_AT_A_TIME", 2)
        for number in range(5):
            charge(builder, f"o-{number}")
        rows = list(csv.DictReader(io.StringIO(builder.get("transactions.csv").text)))
        assert [row["reference"] for row in rows] == [f"o-{number}" for number in (4, 3, 2, 1, 0)]
        monkeypatch.setattr(transaction_csv, "MOST", 4)
        rows = list(csv.DictReader(io.StringIO(builder.get("transactions.csv").text)))
        assert len(rows) == 4

    def test_what_cannot_be_asked_for(self, builder: Builder) -> None:
        answer = builder.get("transactions.csv", before="led_0")
        check_problem(answer, 422, "invalid_field", "before")
        check_problem(builder.get("transactions.csv", limit=5), 422, "invalid_field", "limit")

    def test_a_token_of_a_user_gets_that_users_rows(self, builder: Builder) -> None:
        for user in ("ann", "bob"):
            charge(builder, f"o-{user}", user=user)
        made = builder.post("tokens", label="x", user="ann", actions="transactions").get_json()
        bot = Builder(builder.facade, made["token"])
        rows = list(csv.DictReader(io.StringIO(bot.get("transactions.csv").text)))
        assert [row["reference"] for row in rows] == ["o-ann"]


class TestStory:
    def test_one_in_doubt_with_its_tries_is_decided_once(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        builder.fault("charge", "drop_before_commit")
        assert charge(builder, "lost", "2").status_code >= 500
        (row,) = found(builder, state="in_doubt")
        told = builder.get(f"transactions/{row['id']}").get_json()
        assert told["state"] == "in_doubt"
        assert told["steps"][0]["what"] == "Asked for: charge of 2."
        assert len(told["steps"]) >= 3
        wrong = builder.post(f"transactions/{row['id']}/decide", happened="perhaps")
        check_problem(wrong, 422, "invalid_field", "happened")
        missing = builder.post(f"transactions/{row['id']}/decide")
        check_problem(missing, 422, "invalid_field", "happened")
        told = builder.post(f"transactions/{row['id']}/decide", happened="false").get_json()
        assert told["state"] == "refused"
        again = builder.post(f"transactions/{row['id']}/decide", happened=True)
        check_problem(again, 409, "already_decided")
        assert charge(builder, "lost", "2").get_json()["outcome"] == "charged"

    def test_a_refund_and_what_it_gives_back_name_each_other(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        charge(builder, "o-1")
        builder.post("refund", reference="o-1")
        rows = {row["action"]: row["id"] for row in found(builder, reference="o-1")}
        paid = builder.get(f"transactions/{rows['charge']}").get_json()
        assert [one["id"] for one in paid["refunds"]] == [rows["refund"]]
        refund = builder.get(f"transactions/{rows['refund']}").get_json()
        assert refund["refund_of"] == rows["charge"]

    def test_there_is_no_other(self, builder: Builder, shared_builder: Builder) -> None:
        charge(builder, "o-1")
        (row,) = found(builder, reference="o-1")
        for who, one in ((shared_builder, row["id"]), (builder, "led_0")):
            check_problem(who.get(f"transactions/{one}"), 404, "not_found")
            decided = who.post(f"transactions/{one}/decide", happened="true")
            check_problem(decided, 404, "not_found")
