"""Connector tokens: what a flow holds instead of the paywall's key, and how little it can do."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from werkzeug.test import TestResponse

from connector.api.services import services
from connector.security.token_text import is_whole, new_token
from connector.store.paywall_rows import TRUST_SECONDS
from connector.store.timestamps import now
from connector.store.token_tables import tokens
from tests.api.builder import Builder, Facade, check_problem, running_facade


def made(builder: Builder, **values: Any) -> dict[str, Any]:
    """A new token of the builder's paywall."""
    answer = builder.post("tokens", **({"label": "bot"} | values))
    assert answer.status_code == 201, answer.text
    token: dict[str, Any] = answer.get_json()
    return token


def holder(builder: Builder, **values: Any) -> Builder:
    """Somebody who holds a new token instead of the key."""
    return Builder(builder.facade, made(builder, **values)["token"])


def charge(who: Builder, amount: str = "0.25", user: str = "ann", **values: Any) -> TestResponse:
    """A charge under a reference of its own."""
    values = {"user": user, "amount": amount, "reference": secrets.token_hex(8)} | values
    return who.post("charge", **{name: value for name, value in values.items() if value})


def test_a_token_charges_as_the_key_does(builder: Builder) -> None:
    builder.user("ann", balance="5")
    token = made(builder)
    assert token["message"].startswith("The token is shown only now")
    assert is_whole(token["token"])
    assert token["actions"] == "charge, use, usage, balance, topup_link, connection, models"
    bot = Builder(builder.facade, token["token"])
    answer = charge(bot)
    assert answer.get_json()["outcome"] == "charged", answer.text
    assert bot.get("balance", user="ann").get_json()["balance"] == "4.75"


@pytest.mark.parametrize("where", ["x-api-key", "body"])
def test_a_token_is_taken_wherever_a_key_is(builder: Builder, where: str) -> None:
    builder.user("ann", balance="5")
    token = made(builder)["token"]
    values = {"user": "ann", "amount": "1", "reference": "order-1"}
    headers = {"X-API-Key": token} if where == "x-api-key" else {}
    sent = values | ({} if headers else {"api_key": token})
    answer = builder.client.post("/v1/charge", json=sent, headers=headers)
    assert answer.get_json()["outcome"] == "charged", answer.text


def test_a_token_in_an_address_is_refused_as_a_key_is(builder: Builder) -> None:
    answer = builder.client.get("/v1/balance", query_string={"user": made(builder)["token"]})
    check_problem(answer, 400, "malformed_request", "api_key")


def test_tokens_are_listed_without_themselves_and_with_their_last_use(builder: Builder) -> None:
    token = made(builder, actions="balance", user="ann", max_amount="5", expires_in_days=3)
    before = builder.get("tokens").get_json()
    assert [one["token"] for one in before] == [""]
    assert before[0]["last_used_at"] == ""
    assert (before[0]["user"], before[0]["max_amount"]) == ("ann", "5")
    assert before[0]["expires_at"]
    Builder(builder.facade, token["token"]).get("balance", user="ann")
    assert builder.get("tokens").get_json()[0]["last_used_at"]


def test_a_revoked_token_is_refused_at_once(builder: Builder) -> None:
    token = made(builder)
    bot = Builder(builder.facade, token["token"])
    assert bot.get("balance", user="ann").status_code == 200
    gone = builder.client.delete(f"/v1/tokens/{token['id']}", headers=builder.bearer)
    assert gone.get_json()["success"] is True
    refused = check_problem(bot.get("balance", user="ann"), 401, "key_refused", "api_key")
    assert "revoked" in refused["message"]
    again = builder.client.delete(f"/v1/tokens/{token['id']}", headers=builder.bearer)
    assert again.get_json()["message"] == "There is no such token (any more)."
    assert builder.get("tokens").get_json() == []


def test_a_misspelled_token_is_told_from_an_unknown_one(builder: Builder) -> None:
    token = made(builder)["token"]
    other = "A" if token[10] != "A" else "B"
    for wrong in (token[:10] + other + token[11:], token[:-1], token + "x", "pwc_"):
        answer = Builder(builder.facade, wrong).get("balance", user="ann")
        assert "misspelled" in check_problem(answer, 401, "key_refused", "api_key")["message"]
    answer = Builder(builder.facade, new_token()).get("balance", user="ann")
    assert "not known here" in check_problem(answer, 401, "key_refused", "api_key")["message"]


def test_an_expired_token_says_when_it_ended(builder: Builder) -> None:
    token = made(builder, expires_in_days=1)
    with builder.facade.app.app_context():
        services().store.write(
            lambda c: c.execute(
                update(tokens).where(tokens.c.id == token["id"]).values(expires_at=now(-1))
            )
        )
    answer = Builder(builder.facade, token["token"]).get("balance", user="ann")
    assert "ended on" in check_problem(answer, 401, "key_refused", "api_key")["message"]


def test_what_a_token_does_not_allow_is_told_with_what_it_does(builder: Builder) -> None:
    bot = holder(builder, actions="charge, balance")
    problem = check_problem(
        bot.post("deposit", user="ann", amount="5", reference="gift-1"), 403, "not_allowed_by_token"
    )
    assert problem["message"].startswith(
        "This token does not allow that. It allows: charge, balance."
    )
    assert builder.operations() == []


def test_test_connection_tells_what_a_token_may_do(builder: Builder) -> None:
    answer = holder(builder, actions="charge").get("me").get_json()
    assert answer["allowed"] == "charge"
    assert answer["message"].startswith("The token works.")
    assert holder(builder, actions="me").get("me").get_json()["allowed"] == "me"
    assert builder.get("me").get_json()["allowed"] == ""


def test_tokens_never_manage(builder: Builder) -> None:
    everything = "charge, deposit, chat, disconnect, openai, triggers, view"
    bot = holder(builder, actions=everything)
    for answer in (
        bot.post("tokens", label="another"),
        bot.get("tokens"),
        bot.client.delete("/v1/tokens/tok_1", headers=bot.bearer),
        bot.post("deliveries/dlv_1/replay"),
        bot.post("hooks/hook_1/replay", failed_only=True),
        bot.post("hooks/hook_1/test"),
    ):
        check_problem(answer, 403, "not_allowed_by_token")


class TestOfOneUser:
    """A token that is for one user stands for that user whatever is sent."""

    def test_it_charges_that_user_also_where_nobody_is_named(self, builder: Builder) -> None:
        builder.user("ann", balance="5")
        bot = holder(builder, user="ann")
        for user in ("ann", ""):
            answer = charge(bot, user=user).get_json()
            assert (answer["outcome"], answer["user"]) == ("charged", "ann")

    def test_another_user_is_refused_by_every_door(self, builder: Builder) -> None:
        bot = holder(builder, user="ann", actions="charge, balance, openai, triggers, connection")
        body = {"model": "sandbox-echo", "messages": [{"role": "user", "content": "hi"}]}
        for answer in (
            charge(bot, user="bob"),
            bot.get("balance", user="bob"),
            bot.client.get("/v1/balance", headers=bot.bearer | {"X-Paywall-User": "bob"}),
            bot.get("triggers/any_event", user="bob"),
        ):
            check_problem(answer, 403, "not_allowed_by_token", "user")
        for path, header, user in (
            ("/openai/v1/chat/completions", "", "bob"),
            ("/openai/v1/bob/chat/completions", "", ""),
            ("/openai/v1/chat/completions", "bob", ""),
        ):
            answer = bot.client.post(
                path,
                json=body | ({"user": user} if user else {}),
                headers=bot.bearer | ({"X-Paywall-User": header} if header else {}),
            )
            assert answer.status_code == 403, (path, answer.text)
            assert answer.get_json()["error"]["code"] == "not_allowed_by_token"
        assert builder.operations() == []

    def test_the_chat_proxy_is_told_who_pays(self, builder: Builder) -> None:
        builder.user("ann", balance="5")
        bot = holder(builder, user="ann", actions="openai")
        body = {"model": "sandbox-echo", "messages": [{"role": "user", "content": "hi"}]}
        answer = bot.client.post("/openai/v1/chat/completions", json=body, headers=bot.bearer)
        assert answer.status_code == 200, answer.text
        assert {row["user"] for row in builder.seen("ledger")} == {"ann"}

    def test_its_references_are_its_own(self, builder: Builder) -> None:
        builder.user("ann", balance="5")
        builder.user("bob", balance="5")
        assert charge(builder, "3", "bob", reference="order-1").get_json()["success"]
        ann, bob = holder(builder, user="ann"), holder(builder, user="bob")
        first = charge(ann, "1", reference="order-1").get_json()
        assert (first["outcome"], first["duplicate"], first["reference"]) == (
            "charged",
            False,
            "order-1",
        )
        assert charge(ann, "1", reference="order-1").get_json()["duplicate"] is True
        told = check_problem(
            charge(ann, "2", reference="order-1"), 422, "reference_reused", "reference"
        )
        assert "ann" in told["message"]
        assert "3" not in told["message"].replace("order-1", "")
        assert charge(bob, "2", "bob", reference="order-1").get_json()["duplicate"] is False

    def test_a_reference_that_is_too_long_for_that_is_refused(self, builder: Builder) -> None:
        builder.user("ann", balance="5")
        bot = holder(builder, user="ann")
        assert charge(bot, reference="r" * 222).get_json()["success"]
        check_problem(charge(bot, reference="r" * 223), 422, "invalid_field", "reference")

    def test_it_never_credits_itself(self, builder: Builder) -> None:
        answer = builder.post("tokens", label="x", user="ann", actions="charge, deposit")
        check_problem(answer, 422, "invalid_field", "actions")

    def test_it_does_not_see_what_is_pushed_for_all(self, builder: Builder) -> None:
        bot = holder(builder, user="ann", actions="view")
        check_problem(bot.get("deliveries"), 403, "not_allowed_by_token")


class TestLimits:
    def test_one_charge_may_be_too_large(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        bot = holder(builder, max_amount="5")
        assert charge(bot, "5").get_json()["success"]
        check_problem(charge(bot, "5.000001"), 403, "not_allowed_by_token", "amount")

    def test_a_day_may_be_used_up_exactly(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        bot = holder(builder, max_per_day="1")
        assert charge(bot, "0.6").get_json()["success"]
        problem = check_problem(charge(bot, "0.5"), 403, "not_allowed_by_token", "amount")
        assert "1 a day, of which 0.4 are left until 2" in problem["message"]
        assert charge(bot, "0.4").get_json()["success"]
        check_problem(charge(bot, "0.000001"), 403, "not_allowed_by_token", "amount")

    def test_a_refused_reference_is_not_used_up(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        bot = holder(builder, max_per_day="1")
        check_problem(charge(bot, "2", reference="o-1"), 403, "not_allowed_by_token", "amount")
        assert charge(builder, "2", reference="o-1").get_json()["duplicate"] is False

    def test_what_was_refused_upstream_is_given_back(self, builder: Builder) -> None:
        bot = holder(builder, max_per_day="1")
        for _ in range(3):
            assert charge(bot, "1", reference="o-1").get_json()["outcome"] == "topup_required"
        builder.user("ann", balance="5")
        assert charge(bot, "1", reference="o-1").get_json()["outcome"] == "charged"
        check_problem(charge(bot, "1"), 403, "not_allowed_by_token", "amount")

    def test_what_is_in_doubt_stays_reserved(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        bot = holder(builder, max_per_day="1")
        builder.fault("charge", "drop_after_commit", times=9)
        assert charge(bot, "1", reference="o-1").status_code >= 500
        check_problem(charge(bot, "1", reference="o-2"), 403, "not_allowed_by_token", "amount")
        answer = charge(bot, "1", reference="o-1")
        while answer.status_code >= 500:
            answer = charge(bot, "1", reference="o-1")
        assert answer.get_json()["outcome"] == "charged"

    def test_a_retry_counts_once(self, builder: Builder) -> None:
        builder.user("ann", balance="50")
        bot = holder(builder, max_per_day="1")
        for duplicate in (False, True, True):
            answer = charge(bot, "0.5", reference="o-1").get_json()
            assert answer["duplicate"] is duplicate
        assert charge(bot, "0.5", reference="o-2").get_json()["success"]

    @pytest.mark.parametrize("action", ["chat", "openai"])
    def test_what_costs_nobody_knows_what_has_no_daily_limit(
        self, builder: Builder, action: str
    ) -> None:
        answer = builder.post("tokens", label="x", max_per_day="1", actions=f"charge,{action}")
        check_problem(answer, 422, "invalid_field", "actions")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "label"),
        ({"label": "x", "actions": "charge, fly"}, "actions"),
        ({"label": "x", "actions": "tokens"}, "actions"),
        ({"label": "x", "max_amount": "-1"}, "max_amount"),
        ({"label": "x", "max_per_day": "0"}, "max_per_day"),
        ({"label": "x", "expires_in_days": "0"}, "expires_in_days"),
        ({"label": "x", "expires_in_days": "1.5"}, "expires_in_days"),
        ({"label": "x", "user": "undefined"}, "user"),
    ],
)
def test_what_a_token_cannot_be_is_refused(
    builder: Builder, values: dict[str, str], field: str
) -> None:
    check_problem(builder.post("tokens", **values), 422, "invalid_field", field)
    assert builder.get("tokens").get_json() == []


class TestReplacedKey:
    def test_tokens_pause_and_this_one_has_ended_where_the_paywall_is_not_known(
        self, builder: Builder
    ) -> None:
        bot = holder(builder)
        builder.control("rotate")
        for _ in range(2):
            problem = check_problem(bot.get("balance", user="ann"), 403, "token_paused")
            assert "ended with the Paywalls key" in problem["message"]


@pytest.fixture
def keeping_none(tmp_path: Path) -> Iterator[Facade]:
    with running_facade(tmp_path, keep_keys="false") as facade:
        yield facade


def test_where_no_keys_are_kept_there_are_no_tokens(keeping_none: Facade) -> None:
    owner = Builder(keeping_none, f"sk-paywalls-sandbox-{secrets.token_hex(6)}")
    problem = check_problem(owner.post("tokens", label="x"), 422, "invalid_field")
    assert "keeps no keys" in problem["message"]


def test_a_token_is_not_made_with_a_key_that_was_revoked(builder: Builder) -> None:
    assert builder.get("balance", user="ann").status_code == 200
    assert TRUST_SECONDS > 60
    builder.control("rotate")
    check_problem(builder.post("tokens", label="x"), 401, "key_refused")
