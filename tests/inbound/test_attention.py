"""What needs somebody's attention becomes an event: once per cause and day, kept and pushed like
any other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, func, select, update

from connector.catalog.outcomes import CAP_REACHED
from connector.inbound import announcements
from connector.store import attention_rows, hook_rows, subscription_rows
from connector.store.sum_tables import attention
from connector.store.tables import ledger
from connector.store.timestamps import now
from connector.store.trigger_tables import deliveries, events, hooks
from connector.triggers import switch_off
from tests.api.builder import check_sentence
from tests.inbound.conftest import MakeConnectedApp
from tests.inbound.reconcile.test_reading_back import add_hook
from tests.support.connected_app import PUBLIC_URL, ConnectedApp, Owner

TRIGGER = "attention_needed"


@pytest.fixture
def paywall(connected_app: ConnectedApp) -> Owner:
    """The owner of the only paywall, who has nothing to worry about."""
    owner = connected_app.owner().ready()
    owner.control("POST", "users/ann", {"balance": "50"})
    return owner


def go_round(owner: Owner) -> list[dict[str, Any]]:
    """One round of the worker, then what the trigger tells, the oldest first."""
    owner.connected_app.connector.threads.housekeeper.round()
    items = owner.poll(TRIGGER)[::-1]
    for item in items:
        check_sentence(item["message"])
        assert (item["type"], item["paywall_id"]) == (
            "connector.attention_needed",
            owner.upstream_id,
        )
        assert item["console_url"] == f"{PUBLIC_URL}/console"
    return items


def doubt(owner: Owner, reference: str, **values: str) -> None:
    """A charge of which nobody knows whether it went through."""
    owner.control("POST", "faults", {"operation": "charge", "kind": "drop_before_commit"})
    asked = {"user": "ann", "amount": "1", "reference": reference} | values
    assert owner.post("charge", **asked).status_code in (502, 503, 504)


def pass_an_hour(owner: Owner) -> None:
    owner.connected_app.change(update(ledger).values(first_sent_at=now(-3_601)))


def note(owner: Owner, kind: str, subject: str = "", user: str = "") -> bool:
    """Something is written down, as whoever notices it does."""
    paywall_id = owner.local_id()
    return owner.connected_app.connector.parts.store.write(
        lambda c: attention_rows.note(c, paywall_id, kind, subject, user)
    )


def test_where_all_is_well_nothing_is_told(paywall: Owner) -> None:
    paywall.post("charge", user="ann", amount="1", reference="order-1")
    assert go_round(paywall) == []


def test_a_charge_in_doubt_is_told_after_an_hour_and_once(paywall: Owner) -> None:
    doubt(paywall, "order-1")
    assert go_round(paywall) == []
    pass_an_hour(paywall)
    (told,) = go_round(paywall)
    assert (told["cause"], told["user"], told["reference"]) == ("charge_in_doubt", "ann", "order-1")
    assert told["external_user_id"] == "ann"
    story = paywall.get(f"transactions/{told['transaction_id']}").get_json()
    assert story["reference"] == "order-1"
    assert go_round(paywall) == [told]


def test_who_finds_out_within_the_hour_is_not_bothered(paywall: Owner) -> None:
    doubt(paywall, "order-1")
    assert paywall.post("charge", user="ann", amount="1", reference="order-1").status_code == 200
    pass_an_hour(paywall)
    assert go_round(paywall) == []


def test_what_becomes_unknown_later_is_told_as_that(paywall: Owner) -> None:
    doubt(paywall, "order-1")
    pass_an_hour(paywall)
    go_round(paywall)
    paywall.connected_app.change(update(ledger).values(state="unknown"))
    causes = [told["cause"] for told in go_round(paywall)]
    assert causes == ["charge_in_doubt", "charge_unknown"]
    assert len(go_round(paywall)) == 2


def test_an_outage_with_many_doubts_does_not_flood_and_hides_none(
    paywall: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(announcements, "MOST_A_DAY", 3)
    for number in range(5):
        doubt(paywall, f"order-{number}")
    pass_an_hour(paywall)
    assert [told["reference"] for told in go_round(paywall)] == ["order-0", "order-1", "order-2"]
    assert len(go_round(paywall)) == 3
    paywall.connected_app.change(update(attention).values(day="2020-01-01"))  # it is tomorrow
    assert [told["reference"] for told in go_round(paywall)][3:] == ["order-3", "order-4"]
    rows = paywall.get("attention").get_json()
    assert len([row for row in rows if row["kind"] == "in_doubt"]) == 5


def test_a_webhook_that_was_switched_off_is_told_without_its_address(paywall: Owner) -> None:
    hook_id = add_hook(paywall)
    store = paywall.connected_app.connector.parts.store
    gone = {hook_id: "The address said that it is gone (410)."}
    for _ in range(2):
        store.write(lambda c: switch_off.note(c, well=[], failing={}, gone=gone))
    (told,) = go_round(paywall)
    assert told["cause"] == "webhook_off"
    assert "receiver.example" in told["message"]
    assert "receiver.example/hook" not in str(told)
    assert "(410)" in told["message"]


def test_events_that_may_be_missing_are_told(paywall: Owner) -> None:
    store, paywall_id = paywall.connected_app.connector.parts.store, paywall.local_id()
    why = "Paywalls had given up on more than it tells."
    for _ in range(2):
        store.write(lambda c: subscription_rows.note_gap(c, paywall_id, why))
    (told,) = go_round(paywall)
    assert told["cause"] == "events_may_be_missing"
    assert why in told["message"]


def test_a_key_that_was_refused_is_told_and_never_named(paywall: Owner) -> None:
    paywall.connected_app.connector.parts.identity.distrust(paywall.key)
    paywall.ready()
    (told,) = go_round(paywall)
    assert told["cause"] == "key_refused"
    assert paywall.key not in str(told)


def test_a_cap_that_stopped_somebody_is_told_once_a_day(paywall: Owner) -> None:
    client = paywall.connected_app.connector.app.test_client()
    rule = {"price": "1", "cap_per_user_day": "1"}
    assert client.put("/v1/features/pdf", json=rule, headers=paywall.bearer).status_code == 200
    for number in range(3):
        paywall.post("use", feature="pdf", user="ann", reference=f"run-{number}")
    (told,) = go_round(paywall)
    assert (told["cause"], told["user"]) == (CAP_REACHED, "ann")
    assert "pdf" in told["message"]


def test_a_possible_double_charge_names_the_transaction(paywall: Owner) -> None:
    paywall.post("charge", user="ann", amount="1", reference="order-1")
    ((entry_id,),) = paywall.connected_app.rows(select(ledger.c.id))
    note(paywall, attention_rows.DOUBLE_CHARGE, entry_id, "ann")
    (told,) = go_round(paywall)
    assert (told["reference"], told["transaction_id"]) == ("order-1", entry_id)


def test_what_a_newer_connector_notes_is_told_in_general_words(paywall: Owner) -> None:
    note(paywall, "of_a_later_version")
    note(paywall, CAP_REACHED, "pdf", "ann")
    assert {told["cause"] for told in go_round(paywall)} == {"of_a_later_version", CAP_REACHED}


def test_the_next_day_the_same_is_told_again(paywall: Owner) -> None:
    assert note(paywall, CAP_REACHED, "pdf", "ann")
    assert not note(paywall, CAP_REACHED, "pdf", "bob")
    paywall.connected_app.change(
        update(attention).values(day=(datetime.now(UTC) - timedelta(days=3)).date().isoformat())
    )  # that was then
    assert [told["user"] for told in go_round(paywall)] == ["ann"]
    assert note(paywall, CAP_REACHED, "pdf", "bob")
    assert [told["user"] for told in go_round(paywall)] == ["ann", "bob"]


def test_many_workers_tell_it_once_and_in_the_order_of_a_cursor(paywall: Owner) -> None:
    for number in range(90):
        note(paywall, CAP_REACHED, f"feature-{number}", "ann")
    others = [paywall.connected_app.open().threads.housekeeper for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda worker: worker.round(), others))
    seqs = [item["seq"] for item in paywall.poll(TRIGGER, limit=100)]
    assert sorted(seqs) == list(range(min(seqs), min(seqs) + 90))


def test_a_hook_for_all_gets_it_and_one_for_another_user_does_not(paywall: Owner) -> None:
    add_hook(paywall)
    paywall_id = paywall.local_id()
    store = paywall.connected_app.connector.parts.store

    def subscribed(connection: Connection) -> None:
        for user in ("ann", "bob"):
            hook_rows.insert(
                connection,
                paywall_id,
                target_url=f"https://receiver.example/{user}",
                trigger=TRIGGER,
                user_id=user,
                sealed_secret="sealed",
                most=10,
            )

    store.write(subscribed)
    note(paywall, CAP_REACHED, "pdf", "ann")
    go_round(paywall)
    counted = (
        select(hooks.c.user_id, func.count())
        .join(deliveries, deliveries.c.hook_id == hooks.c.id)
        .group_by(hooks.c.user_id)
    )
    assert dict(map(tuple, paywall.connected_app.rows(counted))) == {"": 1, "ann": 1}


def test_another_paywall_reads_nothing_of_it(paywall: Owner) -> None:
    note(paywall, CAP_REACHED, "pdf", "ann")
    go_round(paywall)
    stranger = paywall.connected_app.owner("stranger").ready()
    assert stranger.poll(TRIGGER) == []


def test_where_triggers_cannot_fire_yet_it_is_told_as_soon_as_they_can(
    make_connected_app: MakeConnectedApp,
) -> None:
    alone = make_connected_app(public_url="").owner()
    alone.control("POST", "users/ann", {"balance": "50"})
    doubt(alone, "order-1")
    pass_an_hour(alone)
    alone.connected_app.connector.threads.housekeeper.round()
    assert alone.connected_app.rows(select(events.c.id)) == []
    alone.connected_app.open(public_url=PUBLIC_URL)
    (told,) = go_round(alone.ready())
    assert told["reference"] == "order-1"


def test_the_database_away_puts_it_off(paywall: Owner, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> str:
        raise RuntimeError("lost in the middle")

    note(paywall, CAP_REACHED, "pdf", "ann")
    with monkeypatch.context() as patched:
        patched.setattr(subscription_rows, "ensure", away)
        assert go_round(paywall) == []
    assert len(go_round(paywall)) == 1
