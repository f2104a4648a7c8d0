"""Tokens where the paywall is known: over a rotation of its key, with hooks, on both databases."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update

from connector.security.secret_rotation import SecretsMismatch, check_secrets
from connector.store.timestamps import now
from connector.store.token_tables import counters, ledger_holds, tokens
from connector.store.trigger_tables import hooks, subscriptions
from tests.conftest import SECRET
from tests.support.connected_app import ConnectedApp, Owner

OTHER_SECRET = "another-server-secret-0123456789abcdef"


def token(owner: Owner, **values: Any) -> Owner:
    """Somebody who holds a new token of this paywall."""
    answer = owner.post("tokens", **({"label": "bot"} | values))
    assert answer.status_code == 201, answer.get_json()
    return Owner(owner.connected_app, owner.name, answer.get_json()["token"])


def outcome(answer: Any) -> tuple[int, str]:
    """The status, and the error's code or the outcome."""
    told = answer.get_json()
    return answer.status_code, told.get("outcome") or told.get("code", "")


def charge(who: Owner, reference: str, amount: str = "1") -> Any:
    return who.post("charge", user="ann", amount=amount, reference=reference)


def test_tokens_pause_over_a_rotation_and_wake_with_the_new_key(
    connected_app: ConnectedApp,
) -> None:
    owner = connected_app.owner().ready()
    owner.control("POST", "users/ann", {"balance": "9"})
    bot = token(owner)
    assert outcome(charge(bot, "o-1")) == (200, "charged")
    new = owner.rotate()
    for _ in range(2):
        assert outcome(charge(bot, "o-2")) == (403, "token_paused")
    assert outcome(new.get("balance", user="ann"))[0] == 200
    connected_app.idle()
    assert outcome(charge(bot, "o-2")) == (200, "charged")
    assert charge(bot, "o-1").get_json()["duplicate"] is True


def test_the_old_key_does_not_come_back(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner().ready()
    bot, new = token(owner), owner.rotate()
    assert new.get("balance", user="ann").status_code == 200
    connected_app.idle()
    assert owner.get("balance", user="ann").status_code == 401
    assert owner.post("tokens", label="thief").status_code == 401
    connected_app.idle()
    assert bot.get("balance", user="ann").status_code == 200


def test_the_key_is_forgotten_with_the_last_token(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner().ready()
    token(owner)
    (made,) = owner.get("tokens").get_json()
    assert owner.subscription().kept_key
    client = connected_app.connector.app.test_client()
    client.delete(f"/v1/tokens/{made['id']}", headers=owner.bearer)
    assert owner.subscription().kept_key is None


def test_the_hooks_of_a_token_are_its_own_and_end_with_it(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner().ready()
    bot, other = (token(owner, actions="triggers", label=name) for name in ("one", "two"))
    address = "https://93.184.215.14/hook"
    own = bot.post("hooks", target_url=address, trigger="any_event")
    assert own.status_code == 201, own.get_json()
    theirs = other.post("hooks", target_url=address, trigger="any_event")
    assert outcome(theirs) == (422, "invalid_field")
    assert [row["id"] for row in bot.get("hooks").get_json()] == [own.get_json()["id"]]
    assert other.get("hooks").get_json() == []
    client = connected_app.connector.app.test_client()
    path = f"/v1/hooks/{own.get_json()['id']}"
    assert client.get(path, headers=other.bearer).status_code == 404
    client.delete(path, headers=other.bearer)
    assert [row["id"] for row in owner.get("hooks").get_json()] == [own.get_json()["id"]]
    (made,) = (row for row in owner.get("tokens").get_json() if row["label"] == "one")
    client.delete(f"/v1/tokens/{made['id']}", headers=owner.bearer)
    assert owner.get("hooks").get_json() == []


def test_a_token_of_one_user_polls_and_is_pushed_that_user_alone(
    connected_app: ConnectedApp,
) -> None:
    owner = connected_app.owner().ready()
    for user in ("ann", "bob"):
        owner.control("POST", f"users/{user}", {"balance": "9"})
        assert owner.get("connection", user=user).status_code == 200
    connected_app.idle()
    bot = token(owner, user="ann", actions="triggers, charge")
    for user in ("ann", "bob"):
        owner.post("charge", user=user, amount="1", reference=f"for-{user}")
    owner.send()
    users = {event["user"] for event in bot.poll()}
    assert users <= {"ann"}, users
    hook = bot.post("hooks", target_url="https://93.184.215.14/hook", trigger="any_event")
    assert hook.get_json()["user"] == "ann"
    assert outcome(bot.get("triggers/any_event", user="bob")) == (403, "not_allowed_by_token")


def test_200_charges_at_once_stay_within_the_limit_of_the_day(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner().ready()
    owner.control("POST", "users/ann", {"balance": "900"})
    bot = token(owner, max_per_day="2.5")
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: charge(bot, f"o-{n}", "0.25"), range(200)))
    told = [outcome(answer) for answer in answers]
    assert told.count((200, "charged")) == 10, told
    assert told.count((403, "not_allowed_by_token")) == 190
    assert connected_app.rows(select(counters.c.units)) == [(2_500_000,)]
    assert len(connected_app.rows(select(ledger_holds.c.units))) == 10


def test_the_limit_is_one_of_the_day(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner().ready()
    owner.control("POST", "users/ann", {"balance": "9"})
    bot = token(owner, max_per_day="1")
    assert outcome(charge(bot, "o-1")) == (200, "charged")
    assert outcome(charge(bot, "o-2"))[0] == 403
    connected_app.change(update(counters).values(day="2026-01-01"))  # as if that was then
    assert outcome(charge(bot, "o-2")) == (200, "charged")


def test_a_token_that_is_revoked_while_it_is_used_is_told_nothing(
    connected_app: ConnectedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = connected_app.owner().ready()
    owner.control("POST", "users/ann", {"balance": "9"})
    bot = token(owner)
    (made,) = owner.get("tokens").get_json()
    parts = connected_app.connector.parts
    admit: Callable[..., Any] = parts.admission.admit

    def revoked_meanwhile(key: str, upstream: Any) -> Any:
        paywall = admit(key, upstream)
        monkeypatch.undo()
        parts.tokens.revoke(paywall, made["id"])
        return paywall

    monkeypatch.setattr(parts.admission, "admit", revoked_meanwhile)
    assert outcome(charge(bot, "o-1")) == (401, "key_refused")
    assert charge(owner, "o-1").get_json()["duplicate"] is True, "it settled all the same"


def test_a_server_secret_that_tokens_need_is_not_given_up(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner().ready()
    bot = token(owner)
    store = connected_app.connector.parts.store
    check_secrets(store, [SECRET], 90)
    with pytest.raises(SecretsMismatch, match=r"1 connector token\(s\)"):
        check_secrets(store, [OTHER_SECRET], 90)
    newer = connected_app.open(secret_keys=f"{OTHER_SECRET},{SECRET}")
    assert bot.get("balance", newer, user="ann").status_code == 200
    tags = connected_app.rows(select(tokens.c.secret_tag))
    assert len(tags) == 1
    assert bot.get("balance", newer, user="ann").status_code == 200


def test_old_tokens_and_days_are_forgotten(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner().ready()
    owner.control("POST", "users/ann", {"balance": "9"})
    bot = token(owner, max_per_day="5")
    token(owner, label="another")
    charge(bot, "o-1")
    connected_app.change(
        update(tokens).where(tokens.c.max_per_day.is_not(None)).values(revoked_at=now(-91 * 86_400))
    )
    connected_app.change(update(counters).values(day="2020-01-01"))
    connected_app.open().threads.housekeeper.round()
    assert connected_app.rows(select(tokens.c.label)) == [("another",)]
    assert connected_app.rows(select(counters.c.units)) == []
    assert connected_app.rows(select(hooks.c.id)) == []
    assert connected_app.rows(select(subscriptions.c.kept_key.is_not(None))) == [(True,)]
