"""What was sent, as its owner sees it, and sending it again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from standardwebhooks import Webhook

from connector.store.task_rows import Task
from connector.store.trigger_tables import deliveries
from connector.triggers.definitions import TRIGGERS
from connector.triggers.payloads import Bodies
from tests.support.connected_app import Owner
from tests.support.processes import until
from tests.triggers.delivery.receiver import Receiver, running_receiver, says
from tests.triggers.hooks.test_subscribing import delete, subscribe

LONG_AGO = "2020-01-01T00:00:00Z"


def log(owner: Owner, **filters: str | int) -> list[dict[str, Any]]:
    """The owner's log."""
    answer = owner.get("deliveries", None, **filters)
    assert answer.status_code == 200, answer.get_json()
    result: list[dict[str, Any]] = answer.get_json()
    return result


def settled(owner: Owner, count: int, **filters: str | int) -> list[dict[str, Any]]:
    """The log, once it has so many entries that were tried."""

    def look() -> list[dict[str, Any]] | None:
        result = log(owner, **filters)
        return result if sum(bool(d["attempts"]) for d in result) == count else None

    return until(look)


def test_an_event_reaches_a_hook_as_polls_show_it_and_is_logged(
    owner: Owner, target: Receiver
) -> None:
    hook = subscribe(owner, target_url=target.url, trigger="balance_depleted")
    owner.emit()
    (push,) = target.wait(1)
    assert push.item == owner.poll("balance_depleted")[0]
    Webhook(hook["secret"]).verify(push.raw, push.headers)
    (delivery,) = settled(owner, 1)
    assert list(delivery) == [
        "id",
        "hook_id",
        "trigger",
        "event_id",
        "event_seq",
        "status",
        "created_at",
        "updated_at",
        "next_attempt_at",
        "attempts",
    ]
    assert (delivery["status"], delivery["hook_id"]) == ("sent", hook["id"])
    assert (delivery["event_id"], delivery["event_seq"]) == (push.item["id"], push.item["seq"])
    assert delivery["id"] == push.headers["webhook-id"]
    (attempt,) = delivery["attempts"]
    assert (attempt["number"], attempt["status_code"], attempt["answer"]) == (1, 200, "ok")
    assert attempt["latency_ms"] >= 0


@pytest.mark.parametrize("key", TRIGGERS)
def test_the_sample_of_each_trigger_has_every_field_filled(key: str) -> None:
    task = Task("dlv", 1, 0, "hook", "lpw", "https://a", "a", "s", key, "", None, None, {})
    body = Bodies().of(task)
    assert body is not None
    assert all(value not in ("", None, [], {}) for value in TRIGGERS[key].sample.values())


def test_a_test_sends_the_signed_sample(owner: Owner, target: Receiver) -> None:
    hook = subscribe(owner, target_url=target.url, trigger="balance_depleted", user="ann")
    answer = owner.post(f"hooks/{hook['id']}/test")
    (push,) = target.wait(1)
    assert answer.status_code == 200
    assert answer.get_json()["id"] == push.headers["webhook-id"]
    assert push.item == TRIGGERS["balance_depleted"].sample | {"user": "ann"}
    Webhook(hook["secret"]).verify(push.raw, push.headers)


def test_a_hook_can_be_tested_while_it_is_made(owner: Owner, target: Receiver) -> None:
    subscribe(owner, target_url=target.url, trigger="updated", test=True)
    assert target.wait(1)[0].item == TRIGGERS["updated"].sample


def test_failures_are_logged_with_what_was_answered(owner: Owner) -> None:
    with running_receiver(says(500, body=b"x" * 5000)) as broken:
        hook = subscribe(owner, target_url=broken.url)
        owner.emit()
        (delivery,) = settled(owner, 1)
    assert (delivery["status"], delivery["next_attempt_at"] > delivery["updated_at"]) == (
        "pending",
        True,
    )
    attempt = delivery["attempts"][0]
    assert (attempt["status_code"], attempt["answer"]) == (500, "x" * 1024)
    assert attempt["problem"] == "The address answered 500."
    assert owner.get(f"hooks/{hook['id']}").get_json()["problem"] == attempt["problem"]


def test_the_log_can_be_narrowed_down(owner: Owner, target: Receiver) -> None:
    first = subscribe(owner, target_url=target.url)
    second = subscribe(owner, target_url=target.url + "/2")
    (event_id,) = owner.emit()
    other_id = owner.emit()[0]
    settled(owner, 4)
    assert {d["hook_id"] for d in log(owner, hook=first["id"])} == {first["id"]}
    assert {d["hook_id"] for d in log(owner, event=event_id)} == {first["id"], second["id"]}
    assert {d["event_id"] for d in log(owner, hook=first["id"])} == {event_id, other_id}
    assert len(log(owner, status="sent")) == 4
    assert log(owner, status="failed") == []
    assert len(log(owner, since=LONG_AGO)) == 4
    assert log(owner, since="2100-01-01T00:00:00+00:00") == []
    pages = [log(owner, limit=3)]
    pages.append(log(owner, limit=3, before=pages[0][-1]["id"]))
    assert [d["id"] for page in pages for d in page] == [d["id"] for d in log(owner)]
    assert owner.post("deliveries", limit=1).get_json() == pages[0][:1]


@pytest.mark.parametrize(
    ("filters", "field"),
    [
        ({"status": "lost"}, "status"),
        ({"limit": 0}, "limit"),
        ({"limit": 101}, "limit"),
        ({"since": "yesterday"}, "since"),
        ({"hok": "1"}, "hok"),
    ],
)
def test_filters_that_cannot_be_are_refused(
    owner: Owner, filters: dict[str, Any], field: str
) -> None:
    answer = owner.get("deliveries", None, **filters)
    assert (answer.status_code, answer.get_json()["field"]) == (422, field)


def test_a_page_behind_a_delivery_that_is_not_kept_any_more_says_so(
    owner: Owner, target: Receiver
) -> None:
    subscribe(owner, target_url=target.url)
    owner.emit(count=2)
    newest, oldest = (delivery["id"] for delivery in settled(owner, 2))
    assert [delivery["id"] for delivery in log(owner, before=newest)] == [oldest]
    owner.connected_app.change(deliveries.delete().where(deliveries.c.id == newest))
    for gone in (newest, "dlv_never_there"):
        answer = owner.get("deliveries", None, before=gone)
        assert (answer.status_code, answer.get_json()["field"]) == (422, "before")
        assert answer.get_json()["message"] == (
            "This delivery is not in the log (any more). Leave “Before” out to begin with the "
            "newest."
        )
    assert log(owner, before=oldest) == []


def test_the_log_of_a_deleted_hook_stays(owner: Owner, target: Receiver) -> None:
    hook = subscribe(owner, target_url=target.url)
    owner.emit()
    settled(owner, 1)
    delete(owner, hook["id"])
    (delivery,) = log(owner, hook=hook["id"])
    assert delivery["status"] == "sent"
    assert owner.post(f"deliveries/{delivery['id']}/replay").status_code == 404


def test_one_delivery_can_be_sent_again(owner: Owner, target: Receiver) -> None:
    subscribe(owner, target_url=target.url)
    owner.emit()
    (delivery,) = settled(owner, 1)
    answer = owner.post(f"deliveries/{delivery['id']}/replay")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "pending")
    first, second = target.wait(2)
    assert first.raw == second.raw
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    (delivery,) = until(lambda: [d for d in log(owner) if len(d["attempts"]) == 2])
    assert delivery["status"] == "sent"


def test_all_since_a_time_can_be_sent_also_what_came_before_there_was_a_hook(
    owner: Owner, target: Receiver
) -> None:
    early = owner.send(count=3)
    owner.send("paywall.updated")
    hook = subscribe(owner, target_url=target.url, trigger="balance_depleted")
    answer = owner.post(f"hooks/{hook['id']}/replay", since=LONG_AGO)
    assert answer.get_json() == {
        "id": hook["id"],
        "replayed": 3,
        "complete": True,
        "next_since": "",
    }
    assert {push.item["id"] for push in target.wait(3)} == set(early)
    settled(owner, 3)
    later = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    assert owner.post(f"hooks/{hook['id']}/replay", since=later).get_json()["replayed"] == 0
    owner.post(f"hooks/{hook['id']}/replay", since=LONG_AGO)
    target.wait(6)
    until(lambda: all(len(d["attempts"]) == 2 for d in log(owner)))
    assert len(log(owner)) == 3


def test_a_replay_to_a_hook_for_one_user_sends_only_theirs(owner: Owner, target: Receiver) -> None:
    for user in ("ann", "bob"):
        event = owner.event(id=f"evt_{user}", subject={"externalId": user}, data={})
        assert owner.take(event).status_code == 200
    hook = subscribe(owner, target_url=target.url, user="ann")
    answer = owner.post(f"hooks/{hook['id']}/replay", since=LONG_AGO).get_json()
    assert answer["replayed"] == 1
    assert target.wait(1)[0].item["user"] == "ann"


def test_a_long_replay_goes_on_where_it_stopped(
    owner: Owner, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connector.store.replay_rows.REPLAY_MAX", 4)
    ids = [event_id for _ in range(10) for event_id in owner.send()]  # each at its own time
    hook = subscribe(owner, target_url=target.url)
    since, complete, calls = LONG_AGO, False, 0
    while not complete and calls < 10:
        answer = owner.post(f"hooks/{hook['id']}/replay", since=since).get_json()
        since, complete, calls = answer["next_since"], answer["complete"], calls + 1
    assert complete
    target.wait(10)
    assert {push.item["id"] for push in target.pushes} == set(ids)


def test_all_that_failed_can_be_sent_again(owner: Owner, target: Receiver) -> None:
    hook = subscribe(owner, target_url=target.url)
    owner.emit(count=3)
    settled(owner, 3)
    lost = log(owner)[0]
    given_up = update(deliveries).where(deliveries.c.id == lost["id"]).values(state="failed")
    owner.connected_app.change(given_up)
    answer = owner.post(f"hooks/{hook['id']}/replay", failed_only=True).get_json()
    assert (answer["replayed"], answer["complete"]) == (1, True)
    assert target.wait(4)[3].headers["webhook-id"] == lost["id"]


def test_a_replay_says_what_it_needs(owner: Owner, target: Receiver) -> None:
    hook = subscribe(owner, target_url=target.url)
    answer = owner.post(f"hooks/{hook['id']}/replay")
    assert (answer.status_code, answer.get_json()["field"]) == (422, "since")


def test_another_paywall_sees_and_touches_nothing(
    owner: Owner, stranger: Owner, target: Receiver
) -> None:
    hook = subscribe(owner, target_url=target.url)
    owner.emit()
    (delivery,) = settled(owner, 1)
    assert stranger.get("hooks").get_json() == []
    assert log(stranger) == []
    assert log(stranger, hook=hook["id"]) == []
    assert log(stranger, event=delivery["event_id"]) == []
    assert stranger.get("deliveries", None, before=delivery["id"]).status_code == 422
    assert stranger.get(f"hooks/{hook['id']}").status_code == 404
    assert stranger.post(f"hooks/{hook['id']}/test").status_code == 404
    assert stranger.post(f"hooks/{hook['id']}/replay", since=LONG_AGO).status_code == 404
    assert stranger.post(f"deliveries/{delivery['id']}/replay").status_code == 404
    assert delete(stranger, hook["id"]).get_json()["message"].startswith("There is no such hook")
    assert owner.get(f"hooks/{hook['id']}").get_json()["state"] == "active"
    mine = subscribe(stranger, target_url=target.url)
    assert mine["id"] != hook["id"]
    owner.emit()
    target.wait(2)
    settled(owner, 2)
    assert log(stranger) == []
