"""Polls: the newest events for tools that remember ids, the next ones for cursor readers."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.store import event_rows
from connector.triggers.definitions import TRIGGERS
from tests.conftest import BEARER
from tests.inbound.conftest import MakeConnectedApp
from tests.support.connected_app import Owner

DEPLETED = "paywall.balance.depleted"
BLOCKED = "paywall.request.blocked"


def fill(owner: Owner, count: int, kind: str = DEPLETED, **data: Any) -> list[str]:
    """Let events come in, one after the other; their ids."""
    ids = [f"evt_{kind[-3:]}_{number}" for number in range(count)]
    for event_id in ids:
        assert owner.take(owner.event(id=event_id, type=kind, data=data)).status_code == 200
    return ids


def next_cursor(owner: Owner, **query: str | int) -> int:
    """The header of a poll."""
    return int(owner.get("triggers/any_event", **query).headers["X-Next-Cursor"])


def test_the_newest_come_first(owner: Owner) -> None:
    ids = fill(owner, 5)
    assert owner.ids() == ids[::-1]
    assert owner.ids(limit=2) == [ids[4], ids[3]]
    assert [item["seq"] for item in owner.poll()] == [5, 4, 3, 2, 1]


def test_without_a_limit_a_poll_gives_a_hundred(owner: Owner) -> None:
    ids = fill(owner, 105)
    assert owner.ids() == ids[:4:-1]
    assert owner.ids(after=0) == ids[:100]


def test_a_trigger_gives_its_own_events_only(owner: Owner) -> None:
    depleted, blocked = fill(owner, 2), fill(owner, 2, BLOCKED)
    assert owner.ids("balance_depleted") == depleted[::-1]
    assert owner.ids("request_blocked", after=0) == blocked
    assert owner.ids("archived") == []
    assert owner.ids() == [*blocked[::-1], *depleted[::-1]]


def test_a_cursor_gives_the_next_ones_oldest_first(owner: Owner) -> None:
    ids = fill(owner, 5)
    assert owner.ids(after=0, limit=2) == ids[:2]
    assert next_cursor(owner, after=0, limit=2) == 2
    assert owner.ids(after=2, limit=2) == ids[2:4]
    assert owner.ids(after=4, limit=2) == ids[4:]
    assert next_cursor(owner, after=4, limit=2) == 5
    assert owner.ids(after=5) == []
    assert next_cursor(owner, after=5) == 5


def test_a_cursor_of_one_trigger_passes_over_the_others(owner: Owner) -> None:
    fill(owner, 3)
    answer = owner.get("triggers/request_blocked", after=0)
    assert (answer.get_json(), answer.headers["X-Next-Cursor"]) == ([], "3")
    (blocked,) = fill(owner, 1, BLOCKED)
    assert owner.ids("request_blocked", after=3) == [blocked]


def test_get_and_post_are_alike(owner: Owner) -> None:
    fill(owner, 3, externalUserId="ann")
    query = {"after": 1, "limit": 1, "user": "ann"}
    got, posted = (
        owner.get("triggers/any_event", **query),
        owner.post("triggers/any_event", **query),
    )
    assert got.get_json() == posted.get_json()
    assert len(got.get_json()) == 1
    assert got.headers["X-Next-Cursor"] == posted.headers["X-Next-Cursor"] == "2"


def test_the_user_may_stand_in_a_header(owner: Owner) -> None:
    owner.take(owner.event(id="a", data={"externalUserId": "ann"}))
    owner.take(owner.event(id="b", data={"externalUserId": "bob"}))
    answer = owner.connected_app.connector.app.test_client().get(
        "/v1/triggers/any_event", headers=owner.bearer | {"X-Paywall-User": "ann"}
    )
    assert [item["id"] for item in answer.get_json()] == ["a"]


def test_an_unknown_trigger_is_told_with_all_that_there_are(owner: Owner) -> None:
    answer = owner.get("triggers/balance_depletet")
    assert answer.status_code == 404
    told = answer.get_json()["message"]
    assert "Did you mean “balance_depleted”?" in told
    assert [key for key in TRIGGERS if key not in told] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "many"),
        ("limit", "1.5"),
        ("after", "-1"),
        ("after", "latest"),
        ("after", "1e3"),
        ("after", "9" * 30),
        ("after", "7"),
        ("user", "x" * 129),
        ("since", "yesterday"),
        ("type", "x"),
    ],
)
def test_a_bad_value_is_told_by_name(owner: Owner, field: str, value: str) -> None:
    fill(owner, 2)
    answer = owner.get("triggers/any_event", **{field: value})
    assert (answer.status_code, answer.get_json()["field"]) == (422, field)


def test_a_cursor_ahead_of_everything_says_which_number_is_the_newest(owner: Owner) -> None:
    fill(owner, 2)
    assert "2" in owner.get("triggers/any_event", after=3).get_json()["message"]


def test_a_cursor_older_than_the_retention_says_where_to_go_on(owner: Owner) -> None:
    ids = fill(owner, 5)
    owner.pass_days(31, *ids[:3])
    owner.connected_app.purge()
    assert owner.stored() == ids[3:]
    gone = owner.get("triggers/any_event", after=1)
    assert (gone.status_code, gone.get_json()["code"]) == (410, "cursor_gone")
    assert "after=3" in gone.get_json()["message"]
    assert owner.ids(after=3) == ids[3:]
    assert owner.ids(after=0) == ids[3:]
    assert owner.ids() == ids[:2:-1]


def test_when_everything_was_removed_numbers_go_on(owner: Owner) -> None:
    fill(owner, 3)
    owner.pass_days(31)
    owner.connected_app.purge()
    assert "after=3" in owner.get("triggers/any_event", after=1).get_json()["message"]
    assert owner.ids(after=3) == owner.ids(after=0) == []
    assert next_cursor(owner, after=0) == 3
    owner.take(owner.event(id="next"))
    assert [(item["id"], item["seq"]) for item in owner.poll(after=3)] == [("next", 4)]


def test_what_is_within_the_retention_is_not_removed(owner: Owner) -> None:
    ids = fill(owner, 3)
    owner.pass_days(29)
    owner.connected_app.purge()
    assert owner.stored() == ids


def test_cleaning_is_done_in_small_steps(owner: Owner) -> None:
    fill(owner, 5)
    owner.pass_days(31)
    store = owner.connected_app.connector.parts.store
    assert store.write(lambda connection: event_rows.purge(connection, 30, 2)) == 2
    assert len(owner.stored()) == 3


def test_polls_are_counted_by_key_once_it_is_proven(make_connected_app: MakeConnectedApp) -> None:
    """Many builders' polls come from one address: that of their tool."""
    connected_app = make_connected_app(public_url="https://connector.example", rate_limit="3/hour")
    first, second = connected_app.owner("first"), connected_app.owner("second")
    assert [first.get("triggers/any_event").status_code for _ in range(5)] == [
        200,
        200,
        200,
        200,
        429,
    ]
    assert second.get("triggers/any_event").status_code == 200


def test_the_list_of_triggers_needs_a_key_in_form_only(client: FlaskClient) -> None:
    assert client.get("/v1/triggers").status_code == 401
    assert client.get("/v1/triggers", headers=BEARER).status_code == 200


def test_a_cursor_of_one_user_waits_at_an_event_whose_user_is_not_known_yet(owner: Owner) -> None:
    """Learned a moment later, the event would otherwise be behind the cursor for good."""
    owner.take(owner.event(id="mine", data={"walletUserId": "wallet_of_ann"}))
    owner.take(owner.event(id="other", data={"walletUserId": "w", "externalUserId": "eve"}))
    answer = owner.get("triggers/any_event", after=0, user="ann")
    assert (answer.get_json(), answer.headers["X-Next-Cursor"]) == ([], "0")
    pair = {"walletUserId": "wallet_of_ann", "externalUserId": "ann"}
    owner.take(owner.event(id="named", data=pair))
    answer = owner.get("triggers/any_event", after=0, user="ann")
    assert [item["id"] for item in answer.get_json()] == ["mine", "named"]
    assert answer.headers["X-Next-Cursor"] == "3"


def test_it_does_not_wait_for_ever(owner: Owner) -> None:
    owner.take(owner.event(id="nobodys", data={"walletUserId": "wallet_of_nobody"}))
    owner.pass_days(1)
    answer = owner.get("triggers/any_event", after=0, user="ann")
    assert (answer.get_json(), answer.headers["X-Next-Cursor"]) == ([], "1")


@pytest.mark.parametrize("header", ["application/x-www-form-urlencoded", "application/json"])
@pytest.mark.parametrize("door", ["triggers/any_event", "triggers/balance_depleted"])
def test_a_poll_for_one_user_never_gives_the_events_of_all(
    owner: Owner, header: str, door: str
) -> None:
    """curl -d and Google Apps Script put a form's header on JSON."""
    for number, user in enumerate(("ann", "bob", "ann")):
        data = {"walletUserId": f"wallet_{user}", "externalUserId": user}
        owner.take(owner.event(id=f"evt_{number}", data=data))
    answer = owner.connected_app.connector.app.test_client().post(
        f"/v1/{door}",
        data=b'{"user": "ann", "limit": 5}',
        headers=owner.bearer | {"Content-Type": header},
    )
    assert [item["id"] for item in answer.get_json()] == ["evt_2", "evt_0"]
