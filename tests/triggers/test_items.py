"""An event as builders see it: flat, with exact amounts, and with their own user's id."""

from __future__ import annotations

import json
from time import monotonic
from typing import Any

import pytest

from tests.support.connected_app import ConnectedApp, Owner
from tests.support.processes import until

FIRST = ["id", "seq", "type", "created_at", "received_at", "user", "paywall_id"]


def item(owner: Owner, **data: Any) -> dict[str, Any]:
    """The item of an event with this payload, of a type that the catalog does not know."""
    assert owner.take(owner.event(type="paywall.something.new", data=data)).status_code == 200
    (answer,) = owner.poll()
    return answer


def raw_item(owner: Owner, data: str, kind: str = "paywall.balance.depleted") -> dict[str, Any]:
    """The item of an event whose payload is this JSON text."""
    event = json.dumps(owner.event(type=kind, data="DATA")).replace('"DATA"', data)
    assert owner.take(event.encode()).status_code == 200
    (answer,) = owner.poll()
    return answer


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("25", "25"),
        ('"25"', "25"),
        ('"25.00"', "25.00"),
        ("50.0", "50"),
        ("0.1", "0.1"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1e-7", "0.0000001"),
        ("1.5e3", "1500"),
        ("-0.5", "-0.5"),
        ("0", "0"),
        ("123456789012345678901234.123456789", "123456789012345678901234.123456789"),
        ("null", ""),
    ],
)
def test_amounts_are_texts_with_upstreams_own_digits(owner: Owner, sent: str, shown: str) -> None:
    assert raw_item(owner, f'{{"availableBalance": {sent}}}')["available_balance"] == shown


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("640", 640),
        ("0.5", "0.5"),
        ("50.0", "50"),
        ("true", True),
        ("null", ""),
        ('""', ""),
        ('"ü ✓"', "ü ✓"),
        ("12345678901234567890123", "12345678901234567890123"),
        ('["a", "b"]', "a, b"),
        ("[1, 0.5, true, null]", "1, 0.5, true, null"),
        ('[{"a": 1}]', '{"a":1}'),
        ("[]", ""),
    ],
)
def test_fields_that_the_catalog_does_not_know_are_shown_by_rule(
    owner: Owner, sent: str, shown: object
) -> None:
    result = raw_item(owner, f'{{"newField": {sent}}}', "paywall.something.new")
    assert result["new_field"] == shown
    assert type(result["new_field"]) is type(shown)


def test_nested_objects_get_joined_names(owner: Owner) -> None:
    result = item(owner, card={"lastFour": "4242", "owner": {"fullName": "Ann"}}, empty={})
    assert result["card_last_four"] == "4242"
    assert result["card_owner_full_name"] == "Ann"
    assert not [value for value in result.values() if isinstance(value, dict | list)]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("walletUserID", "wallet_user_id"),
        ("HTTPStatus", "http_status"),
        ("with space", "with_space"),
        ("dotted.name", "dotted_name"),
        ("a1B2", "a1_b2"),
        ("ü", "field"),
        ("__x__", "x"),
    ],
)
def test_names_become_snake_case(owner: Owner, name: str, key: str) -> None:
    assert item(owner, **{name: "value"})[key] == "value"


@pytest.mark.parametrize("name", [*FIRST[:-1], "payload_json", "createdAt", "ID"])
def test_a_payload_never_replaces_the_first_fields(owner: Owner, name: str) -> None:
    result = item(owner, **{name: "theirs", "walletUserId": "w"})
    assert list(result)[: len(FIRST)] == FIRST
    assert "theirs" not in [result[first] for first in FIRST]
    assert json.loads(result["payload_json"])[name] == "theirs"
    snake = {"createdAt": "created_at", "ID": "id"}.get(name, name)
    assert result[f"data_{snake}"] == "theirs"


def test_the_whole_payload_is_there_as_json(owner: Owner) -> None:
    data = '{"a": {"b": [1, {"c": 0.10}]}, "amount": 50.0}'
    result = raw_item(owner, data, "paywall.something.new")
    assert result["payload_json"] == '{"a":{"b":[1,{"c":0.10}]},"amount":50.0}'


@pytest.mark.parametrize("data", ["null", "[]", '"text"', "7"])
def test_a_payload_that_is_no_object_is_no_reason_to_lose_the_event(
    owner: Owner, data: str
) -> None:
    result = raw_item(owner, data)
    assert result["requested_amount"] == ""


def test_every_field_of_a_known_event_is_always_there(owner: Owner) -> None:
    known = raw_item(owner, '{"promptTokens": null}', "paywall.usage.charge.created")
    assert known["prompt_tokens"] == 0
    assert known["cost"] == ""
    assert known["model"] == ""


def test_a_type_that_the_catalog_does_not_know_is_seen_by_any_event(owner: Owner) -> None:
    (event_id,) = owner.send("paywall.something.new", data={"someThing": 1})
    (answer,) = owner.poll()
    assert (answer["id"], answer["type"]) == (event_id, "paywall.something.new")
    assert answer["some_thing"] == 1


def test_an_event_that_names_the_user_has_it_at_once(owner: Owner) -> None:
    owner.send("paywall.balance.deposit.created", user="ann")
    assert [result["user"] for result in owner.poll()] == ["ann"]


def test_the_user_may_stand_in_the_subject_alone(owner: Owner) -> None:
    owner.take(owner.event(subject={"type": "user", "id": "wallet_1", "externalId": "ann"}))
    assert [result["user"] for result in owner.poll()] == ["ann"]


def test_a_user_that_is_learned_later_is_filled_in_where_it_was_missing(owner: Owner) -> None:
    owner.send("paywall.balance.depleted", user="ann")
    assert [result["user"] for result in owner.poll()] == [""]  # nobody has asked for ann yet
    owner.send("paywall.authorization.completed", user="ann")
    assert [result["user"] for result in owner.poll()] == ["ann", "ann"]
    assert len(owner.poll(user="ann")) == 2
    assert owner.poll(user="bob") == []


def test_a_user_is_learned_from_the_answer_to_an_action(owner: Owner) -> None:
    owner.send("paywall.balance.depleted", user="ann")
    assert owner.get("connection", user="ann").get_json()["connected"] is True
    until(lambda: [result["user"] for result in owner.poll()] == ["ann"])


@pytest.mark.parametrize("how", ["poll", "hook"])
def test_who_asks_for_one_users_events_need_not_name_the_user_before(
    connected_app: ConnectedApp, how: str
) -> None:
    """Users who connected before the connector came are in no event that names them."""
    owner = connected_app.owner(f"one-user-{how}").ready()
    owner.send("paywall.balance.depleted", user="ann")
    if how == "poll":
        owner.poll(user="ann")
    else:
        hook = {"target_url": "https://8.8.8.8/", "trigger": "any_event", "user": "ann"}
        assert owner.post("hooks", **hook).status_code == 201
    until(lambda: [result["user"] for result in owner.poll()] == ["ann"])


def test_each_users_events_are_their_own(owner: Owner) -> None:
    owner.send("paywall.authorization.completed", user="ann")
    owner.send("paywall.authorization.completed", user="bob")
    owner.send("paywall.balance.depleted", user="bob")
    assert [result["user"] for result in owner.poll()] == ["bob", "bob", "ann"]
    assert [result["user"] for result in owner.poll("balance_depleted", user="bob")] == ["bob"]
    assert owner.poll("balance_depleted", user="ann") == []


def test_another_paywalls_pairs_are_not_used(owner: Owner) -> None:
    other = owner.connected_app.owner(f"{owner.name}-other").ready()
    data = {"walletUserId": "wallet_1", "externalUserId": "ann"}
    other.take(other.event(data=data))
    owner.take(owner.event(data={"walletUserId": "wallet_1"}))
    assert [result["user"] for result in owner.poll()] == [""]


def test_times_are_in_utc(owner: Owner) -> None:
    owner.take(owner.event(createdAt=owner.ago(0).replace("Z", "+00:00")))
    (answer,) = owner.poll()
    assert answer["created_at"].endswith("Z")
    assert answer["received_at"].endswith("Z")


def test_a_number_too_long_to_write_out_is_shown_as_it_came(owner: Owner) -> None:
    """In digits it would fill the memory of the process, at every poll."""
    result = raw_item(owner, '{"amount": 1e300000000, "other": -2e-300000000}')
    assert (result["amount"], result["other"]) == ("1E+300000000", "-2E-300000000")


def test_a_user_is_asked_for_again_soon_when_the_first_time_told_no_wallet(
    connected_app: ConnectedApp,
) -> None:
    owner = connected_app.owner("late").ready()
    owner.arm("connect", "http_500", times=50)
    assert owner.get("balance", user="ann").status_code == 200
    connected_app.idle()
    owner.arm("connect", "http_500", times=0)
    seen = connected_app.connector.parts.readiness._seen
    assert max(seen.values()) < monotonic() + 3_600, "not noted for a day"
    seen.clear()
    owner.get("balance", user="ann")
    connected_app.idle()
    assert max(seen.values()) > monotonic() + 3_600
