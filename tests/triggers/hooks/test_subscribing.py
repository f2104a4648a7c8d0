"""Subscribing addresses to triggers, and letting them go."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from connector.store import subscription_rows
from connector.store.trigger_tables import hooks
from connector.triggers.definitions import TRIGGERS
from tests.support.connected_app import PUBLIC_URL, ConnectedApp, Owner

URL = "https://8.8.8.8/hook"
FIELDS = [
    "id",
    "trigger",
    "target_url",
    "user",
    "state",
    "problem",
    "secret",
    "created_at",
    "message",
]


def subscribe(owner: Owner, **changed: object) -> dict[str, Any]:
    """Subscribe; the hook."""
    answer = owner.post("hooks", **({"target_url": URL, "trigger": "any_event"} | changed))
    assert answer.status_code in (200, 201), answer.get_json()
    made: dict[str, Any] = answer.get_json()
    return made


def delete(owner: Owner, hook_id: str) -> TestResponse:
    """The answer to a DELETE."""
    client = owner.connected_app.connector.app.test_client()
    return client.delete(f"/v1/hooks/{hook_id}", headers=owner.bearer)


def listed(owner: Owner) -> list[dict[str, Any]]:
    """The owner's hooks."""
    answer: list[dict[str, Any]] = owner.get("hooks").get_json()
    return answer


def at_once(calls: int, call: Any) -> list[TestResponse]:
    """The answers to the same call by many threads."""
    together = threading.Barrier(calls)

    def go(number: int) -> TestResponse:
        together.wait()
        answer: TestResponse = call(number)
        return answer

    with ThreadPoolExecutor(calls) as pool:
        return list(pool.map(go, range(calls)))


def test_a_new_hook_is_told_with_its_address_and_once_with_its_secret(owner: Owner) -> None:
    answer = owner.post("hooks", target_url=URL, trigger="balance_depleted", user="ann")
    hook = answer.get_json()
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"{PUBLIC_URL}/v1/hooks/{hook['id']}"
    assert list(hook) == FIELDS
    assert hook["secret"].startswith("whsec_")
    assert (hook["trigger"], hook["target_url"], hook["user"]) == ("balance_depleted", URL, "ann")
    assert (hook["state"], hook["problem"]) == ("active", "")
    again = owner.get(f"hooks/{hook['id']}").get_json()
    assert again == hook | {"secret": "", "message": ""}


def test_location_never_comes_from_the_host_header(owner: Owner) -> None:
    answer = owner.connected_app.connector.app.test_client().post(
        "/v1/hooks",
        headers=owner.bearer | {"Host": "evil.example", "X-Forwarded-Host": "evil.example"},
        json={"target_url": URL, "trigger": "any_event"},
    )
    assert answer.headers["Location"].startswith(PUBLIC_URL)


def test_a_secret_is_sealed_in_the_database(owner: Owner) -> None:
    made = subscribe(owner)
    query = select(hooks.c.secret).where(hooks.c.id == made["id"])
    ((sealed,),) = owner.connected_app.rows(query)
    assert made["secret"].removeprefix("whsec_") not in sealed


def test_the_same_wish_gives_the_same_hook(owner: Owner) -> None:
    made = subscribe(owner)
    answer = owner.post("hooks", target_url=URL, trigger="any_event")
    same = answer.get_json()
    assert answer.status_code == 200
    assert (same["id"], same["secret"]) == (made["id"], "")
    assert list(same) == FIELDS
    assert len(listed(owner)) == 1


@pytest.mark.parametrize(
    "changed", [{"target_url": URL + "2"}, {"trigger": "balance_depleted"}, {"user": "ann"}]
)
def test_another_address_trigger_or_user_is_another_hook(
    owner: Owner, changed: dict[str, str]
) -> None:
    assert subscribe(owner)["id"] != subscribe(owner, **changed)["id"]
    assert len(listed(owner)) == 2


def test_forms_are_read_as_well(owner: Owner) -> None:
    answer = owner.connected_app.connector.app.test_client().post(
        "/v1/hooks",
        headers=owner.bearer,
        data={"target_url": URL, "trigger": "any_event", "user": "", "test": "no"},
    )
    assert answer.status_code == 201


def test_twenty_parallel_wishes_make_one_hook_with_one_secret(owner: Owner) -> None:
    answers = at_once(20, lambda _: owner.post("hooks", target_url=URL, trigger="any_event"))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 19}
    items = [answer.get_json() for answer in answers]
    assert len({hook["id"] for hook in items}) == 1
    assert sum(bool(hook["secret"]) for hook in items) == 1


def test_a_deleted_hook_is_gone_and_deleting_it_again_is_fine(owner: Owner) -> None:
    hook = subscribe(owner)
    for _ in range(2):
        answer = delete(owner, hook["id"])
        assert (answer.status_code, answer.get_json()["success"]) == (200, True)
    assert listed(owner) == []
    assert owner.get(f"hooks/{hook['id']}").status_code == 404


def test_twenty_parallel_deletes_are_all_fine(owner: Owner) -> None:
    hook = subscribe(owner)
    answers = at_once(20, lambda _: delete(owner, hook["id"]))
    assert {answer.status_code for answer in answers} == {200}
    assert listed(owner) == []


def test_deleting_what_never_was_is_fine(owner: Owner) -> None:
    assert delete(owner, "hook_never").status_code == 200


def test_a_hook_made_again_is_a_new_one_that_an_old_delete_does_not_reach(owner: Owner) -> None:
    old = subscribe(owner)
    delete(owner, old["id"])
    new = subscribe(owner)
    assert new["id"] != old["id"]
    assert new["secret"] not in ("", old["secret"])
    delete(owner, old["id"])
    assert [hook["id"] for hook in listed(owner)] == [new["id"]]


def test_a_hook_that_is_off_is_switched_on_again_with_a_new_secret(owner: Owner) -> None:
    hook = subscribe(owner)
    gone = {"state": "off", "problem": "The address answered 410."}
    owner.connected_app.change(update(hooks).where(hooks.c.id == hook["id"]).values(**gone))
    assert owner.get(f"hooks/{hook['id']}").get_json() | gone == listed(owner)[0]
    for call in ("test", "replay"):
        answer = owner.post(f"hooks/{hook['id']}/{call}", **_replay_of(call))
        assert answer.status_code == 422
        assert "Subscribe again" in answer.get_json()["message"]
    again = subscribe(owner)
    assert (again["id"], again["state"], again["problem"]) == (hook["id"], "active", "")
    assert again["secret"] not in ("", hook["secret"])


def test_the_number_of_hooks_is_capped_however_many_come_at_once(strict_app: ConnectedApp) -> None:
    owner = strict_app.owner().ready()
    answers = at_once(
        20, lambda n: owner.post("hooks", target_url=f"{URL}/{n}", trigger="any_event")
    )
    assert Counter(answer.status_code for answer in answers) == {201: 3, 422: 17}
    refusal = next(answer for answer in answers if answer.status_code == 422).get_json()
    assert "CONNECTOR_HOOKS_PER_PAYWALL" in refusal["message"]
    delete(owner, listed(owner)[0]["id"])
    assert subscribe(owner)["state"] == "active"


def test_the_key_is_kept_sealed_from_the_first_hook_on(
    shared_connected_app: ConnectedApp, owner: Owner
) -> None:
    parts = shared_connected_app.connector.parts
    paywall = parts.identity.prove(owner.key, owner.line())

    def kept() -> str | None:
        row = parts.store.read(lambda connection: subscription_rows.get(connection, paywall.id))
        return row.kept_key if row else None

    assert kept() is None
    subscribe(owner)
    assert owner.key not in (kept() or owner.key)


def test_who_does_not_keep_keys_says_what_can_be_lost(strict_app: ConnectedApp) -> None:
    assert "missed" in subscribe(strict_app.owner().ready())["message"]


def test_nobody_subscribes_to_silence_but_may_look_and_leave(hidden_app: ConnectedApp) -> None:
    owner = hidden_app.owner()
    for path, body in (
        ("hooks", {"target_url": URL, "trigger": "any_event"}),
        ("hooks/hook_1/test", {}),
        ("hooks/hook_1/replay", {"failed_only": True}),
        ("deliveries/dlv_1/replay", {}),
    ):
        answer = owner.post(path, **body)
        assert answer.status_code == 503
        assert "CONNECTOR_PUBLIC_URL" in answer.get_json()["message"]
    assert listed(owner) == []
    assert delete(owner, "hook_1").status_code == 200
    assert owner.get("deliveries").get_json() == []


@pytest.mark.parametrize(
    ("changed", "field", "word"),
    [
        ({"target_url": ""}, "target_url", "Target URL"),
        ({"trigger": ""}, "trigger", "Trigger"),
        ({"trigger": "balance_depeted"}, "trigger", "balance_depleted"),
        ({"trigger": "nonsense"}, "trigger", ", ".join(TRIGGERS)),
        ({"target_url": "http://8.8.8.8/"}, "target_url", "https://"),
        ({"target_url": "https://10.0.0.1/"}, "target_url", "CONNECTOR_ALLOWED_TARGETS"),
        ({"target_url": "https://{{url}}/"}, "target_url", "placeholder"),
        ({"target_url": "https://8.8.8.8/" + "a" * 2000}, "target_url", "too long"),
        ({"target_url": "https://8.8.8.8/a\nb"}, "target_url", "cannot be seen"),
        ({"target_url": ["https://8.8.8.8/"]}, "target_url", "plain text"),
        ({"user": "a" * 129}, "user", "too long"),
        ({"test": "perhaps"}, "test", "true or false"),
        ({"target": URL}, "target", "target_url"),
    ],
)
def test_what_cannot_be_subscribed_is_told_in_a_sentence(
    owner: Owner, changed: dict[str, object], field: str, word: str
) -> None:
    answer = owner.post("hooks", **({"target_url": URL, "trigger": "any_event"} | changed))
    told = answer.get_json()
    assert (answer.status_code, told["field"]) == (422, field)
    assert word in told["message"]
    assert listed(owner) == []


def _replay_of(call: str) -> dict[str, object]:
    return {"failed_only": True} if call == "replay" else {}


def test_hooks_are_listed_a_page_at_a_time_the_newest_first(owner: Owner) -> None:
    made = [subscribe(owner, target_url=f"{URL}/{number}")["id"] for number in range(7)]
    seen: list[str] = []
    for size in (3, 3, 1, 0):
        before = {"before": seen[-1]} if seen else {}
        page = owner.get("hooks", limit=3, **before).get_json()
        assert len(page) == size
        seen += [hook["id"] for hook in page]
    assert sorted(seen) == sorted(made)
    assert len(seen) == len(set(seen))


def test_a_page_goes_on_behind_a_hook_that_is_gone_by_now(owner: Owner) -> None:
    for number in range(3):
        subscribe(owner, target_url=f"{URL}/{number}")
    first, *others = [hook["id"] for hook in listed(owner)]
    delete(owner, first)
    assert [hook["id"] for hook in owner.get("hooks", before=first).get_json()] == others


@pytest.mark.parametrize("foreign", [True, False])
def test_a_page_behind_a_hook_that_never_was_is_refused(
    owner: Owner, stranger: Owner, foreign: bool
) -> None:
    before = subscribe(stranger)["id"] if foreign else "hook_000000000000"
    answer = owner.get("hooks", before=before)
    assert answer.status_code == 422
    assert answer.get_json()["field"] == "before"
