"""One upstream subscription for each paywall: made at first use, adopted, remade, replaced."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from sqlalchemy import update

from connector.store.tables import metadata
from connector.store.timestamps import now
from connector.store.trigger_tables import subscriptions
from tests.conftest import SECRET
from tests.inbound.conftest import MakeConnectedApp
from tests.support.connected_app import DAY, PUBLIC_URL, ConnectedApp, Owner
from tests.support.ports import free_port
from tests.support.processes import (
    PATIENCE,
    SandboxPaywall,
    postgres_database,
    running_connector,
    running_sandbox,
    until,
)

NEW_SECRET = "the-tests-server-secret-of-tomorrow-0123456789"
FOREIGN = "https://elsewhere.example/v1/inbound/abc"


def urls(owner: Owner) -> list[str]:
    """Where upstream sends the paywall's events."""
    return [row["url"] for row in owner.subscriptions()]


def lose_everything(connected_app: ConnectedApp) -> None:
    """The database is empty again."""
    connected_app.idle()
    for table in reversed(metadata.sorted_tables):
        connected_app.change(table.delete())


def test_the_first_use_of_a_key_makes_the_subscription(shared_connected_app: ConnectedApp) -> None:
    owner = shared_connected_app.owner("first-use")
    assert owner.me()["triggers_ready"] is True
    (url,) = urls(owner)
    assert url.startswith(f"{PUBLIC_URL}/v1/inbound/")
    assert owner.subscriptions()[0]["events"] == ["*"]
    shared_connected_app.idle()


def test_an_action_is_a_first_use_too(shared_connected_app: ConnectedApp) -> None:
    owner = shared_connected_app.owner("first-action")
    assert owner.get("balance", user="ann").status_code == 200
    until(lambda: urls(owner))
    shared_connected_app.idle()


def test_further_uses_make_no_other(owner: Owner) -> None:
    before = owner.asked("subscriptions", "POST")
    owner.me()
    owner.poll()
    owner.pass_ten_minutes()
    owner.me()
    assert owner.asked("subscriptions", "POST") == before == 1
    assert len(urls(owner)) == 1


def test_ten_first_uses_at_once_in_two_processes_make_one(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner()
    pair = [connected_app.connector, connected_app.open()]
    with ThreadPoolExecutor(10) as callers:
        answers = list(callers.map(lambda number: owner.get("me", pair[number % 2]), range(10)))
    assert [answer.status_code for answer in answers] == [200] * 10
    until(lambda: owner.me()["triggers_ready"])
    until(lambda: len(urls(owner)) == 1)
    (event_id,) = owner.send()
    assert owner.ids() == [event_id]


def test_two_workers_on_postgresql_make_one(postgres_server: str, tmp_path: Path) -> None:
    port = free_port()
    own = {"listen": f"127.0.0.1:{port}", "public_url": f"http://127.0.0.1:{port}"}
    with (
        running_sandbox(tmp_path) as sandbox,
        postgres_database(postgres_server) as database,
        running_connector(database, sandbox.address, tmp_path, workers="2", **own) as server,
        ThreadPoolExecutor(10) as callers,
    ):
        paywall = SandboxPaywall(sandbox.address, "two-workers")

        def me(_: int) -> httpx.Response:
            return httpx.get(
                f"{server.address}/v1/me",
                headers=paywall.bearer,
                timeout=PATIENCE,
                trust_env=False,
            )

        assert [answer.status_code for answer in callers.map(me, range(10))] == [200] * 10
        until(lambda: me(0).json()["triggers_ready"])
        body = httpx.get(
            f"{sandbox.address}/v1/webhooks/subscriptions",
            params={"status": "active"},
            headers=paywall.bearer,
            trust_env=False,
        )
        assert len(body.json()["subscriptions"]) == 1
        paywall.close()


def test_after_the_loss_of_the_database_the_old_one_is_adopted(connected_app: ConnectedApp) -> None:
    owner = connected_app.owner().ready()
    before = urls(owner)
    lose_everything(connected_app)
    (missed,) = owner.emit()
    until(lambda: [posted.status for posted in connected_app.posted] == [503])
    owner.ready()
    assert urls(owner) == before
    owner.control("POST", "clock", {"advance": 60})
    until(lambda: not owner.log("pending"))
    (event_id,) = owner.send()
    assert set(owner.ids()) == {missed, event_id}


@pytest.mark.parametrize("how", ["unsubscribe", "reset"])
def test_it_is_made_again_when_it_is_gone(owner: Owner, how: str) -> None:
    (gone,) = owner.subscriptions()
    if how == "unsubscribe":
        owner.unsubscribe(gone["id"])
    else:
        owner.control("POST", "reset", {})
    assert urls(owner) == []
    owner.pass_ten_minutes()
    owner.ready()
    (made,) = urls(owner)
    assert made != gone["url"]
    (event_id,) = owner.send()
    assert owner.ids("balance_depleted") == [event_id]


def test_it_is_made_again_when_upstream_has_switched_it_off(
    app_with_quick_retries: ConnectedApp,
) -> None:
    began = datetime.now(UTC)
    owner = app_with_quick_retries.owner().ready()
    owner.control("POST", "settings", {"deactivate_after": 1})
    app_with_quick_retries.down = True
    (missed,) = owner.emit()
    until(lambda: urls(owner) == [])
    app_with_quick_retries.down = False
    owner.pass_ten_minutes()
    owner.ready()
    assert len(urls(owner)) == 1
    assert owner.ids() == [missed]
    told = owner.me()
    assert told["possible_gap"] is True
    assert "switched off" in told["triggers_message"]
    days = [f"{moment:%Y-%m-%d}" for moment in (began, datetime.now(UTC))]
    assert any(day in told["triggers_message"] for day in days)
    app_with_quick_retries.change(update(subscriptions).values(gap_since=now(-31 * DAY)))
    told = owner.me()
    assert told["possible_gap"] is False, "older than what is kept"
    assert told["triggers_message"] == "Triggers work."


def test_surplus_ones_of_our_own_address_are_deleted_and_no_others(owner: Owner) -> None:
    (ours,) = owner.subscriptions()
    owner.subscribe(FOREIGN)
    owner.subscribe(ours["url"])
    owner.subscribe(f"{PUBLIC_URL}/something/else")
    owner.subscribe(f"{PUBLIC_URL}/v1/inbound/never-made-here")
    owner.pass_ten_minutes()
    owner.ready()
    expected = [
        ours["url"],
        FOREIGN,
        f"{PUBLIC_URL}/something/else",
        f"{PUBLIC_URL}/v1/inbound/never-made-here",
    ]
    until(lambda: sorted(urls(owner)) == sorted(expected))
    assert ours["id"] in [row["id"] for row in owner.subscriptions()]


def test_after_a_change_of_the_server_secret_there_is_a_new_one(
    connected_app: ConnectedApp,
) -> None:
    owner = connected_app.owner().ready()
    (old,) = urls(owner)
    before = owner.subscriptions()[0]
    connected_app.open(secret_keys=f"{NEW_SECRET},{SECRET}")
    (early,) = owner.send()
    assert connected_app.posted[-1].status == 200, "the old endpoint goes on"
    owner.ready()
    (new,) = urls(owner)
    assert new != old
    assert before["id"] not in [row["id"] for row in owner.subscriptions()]
    (late,) = owner.send()
    assert owner.ids() == [late, early]
    sent = connected_app.posted[0]
    assert connected_app.connector.post(sent.path, sent.headers, sent.body).status_code == 200


def test_two_keys_of_one_paywall_come_together(make_connected_app: MakeConnectedApp) -> None:
    """Before triggers were on nobody knew that they belong together."""
    connected_app = make_connected_app(max_amount="1000")
    first = connected_app.owner()
    assert first.post("charge", user="ann", amount="1", reference="order-1").status_code == 200
    second = first.rotate()
    assert second.post("charge", user="ann", amount="1", reference="order-2").status_code == 200
    connected_app.settings = {"public_url": PUBLIC_URL}
    connected_app.open()
    second.ready()
    (event_id,) = second.send()
    second.control("POST", "reset", {})  # the first key is valid again
    connected_app.open()
    first.ready()
    (later,) = first.send()
    assert first.ids() == [later, event_id]
    assert len(urls(first)) == 1


def test_a_subscription_that_points_to_another_paywalls_endpoint_is_not_adopted(
    owner: Owner,
) -> None:
    """Otherwise what one owner missed could never be read back any more."""
    (theirs,) = owner.subscriptions()
    stranger = owner.connected_app.owner(f"{owner.name}-stranger")
    stranger.subscribe(theirs["url"])
    stranger.ready()
    (own,) = urls(stranger)
    assert own != theirs["url"]
    (event_id,) = stranger.send()
    assert stranger.ids() == [event_id]
    assert owner.ids() == []


@pytest.mark.parametrize("fault", ["http_500", "http_429", "garbage", "drop_after_commit"])
def test_care_that_fails_is_taken_up_again_and_leaves_one(
    connected_app: ConnectedApp, fault: str
) -> None:
    owner = connected_app.owner()
    connected_app.connector.parts.identity.prove(owner.key, owner.line())
    owner.arm("subscriptions", fault, times=3, seconds=1)
    owner.me()
    until(lambda: owner.me()["triggers_ready"])
    assert len(urls(owner)) == 1
    (event_id,) = owner.send()
    assert owner.ids() == [event_id]
