"""The list of triggers, from which tools build their menus."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient

from connector.catalog.events import EVENTS
from connector.triggers.definitions import TRIGGERS
from tests.conftest import BEARER
from tests.support.connected_app import Owner

PUBLISHED = [
    "any_event",
    "attention_needed",
    "authorization_completed",
    "authorization_declined",
    "authorization_requested",
    "authorization_revoked",
    "balance_charge_completed",
    "balance_charge_created",
    "balance_charge_failed",
    "balance_depleted",
    "balance_deposit_created",
    "balance_topup_link_created",
    "balance_trial_granted",
    "archived",
    "integration_connected",
    "integration_disconnected",
    "integration_stripe_webhook_rotated",
    "secret_rotated",
    "updated",
    "proxy_request_blocked",
    "proxy_request_canceled",
    "proxy_request_completed",
    "proxy_request_failed",
    "proxy_request_started",
    "request_blocked",
    "stripe_checkout_session_completed",
    "usage_charge_created",
    "usage_charge_deferred",
    "usage_rate_limited",
]
"""Keys that flows were built with: none of them may ever change or go."""


@pytest.fixture
def listed(client: FlaskClient) -> list[dict[str, Any]]:
    """What `GET /v1/triggers` gives."""
    answer: list[dict[str, Any]] = client.get("/v1/triggers", headers=BEARER).get_json()
    return answer


def test_the_published_keys_are_all_there(listed: list[dict[str, Any]]) -> None:
    keys = [trigger["key"] for trigger in listed]
    assert sorted(keys) == sorted(PUBLISHED)
    assert len(keys) == len(set(keys)) == 29


def test_each_says_what_it_is(listed: list[dict[str, Any]]) -> None:
    for trigger in listed:
        assert list(trigger) == ["key", "label", "description", "fields", "sample"]
        assert trigger["label"].istitle() or "AI" in trigger["label"]
        assert trigger["description"].startswith("Triggers when ")
        assert trigger["description"].endswith(".")


def test_labels_are_told_apart(listed: list[dict[str, Any]]) -> None:
    labels = [trigger["label"] for trigger in listed]
    assert len(labels) == len(set(labels))


def test_a_sample_has_every_field_and_nothing_empty(listed: list[dict[str, Any]]) -> None:
    for trigger in listed:
        fields = [field["key"] for field in trigger["fields"]]
        assert sorted(trigger["sample"]) == sorted(fields)
        assert [name for name, value in trigger["sample"].items() if value in ("", None)] == []


def test_post_gives_the_same_list(client: FlaskClient, listed: list[dict[str, Any]]) -> None:
    assert client.post("/v1/triggers", headers=BEARER).get_json() == listed


@pytest.mark.parametrize("kind", [event.type for event in EVENTS if not event.is_own])
def test_a_real_event_has_the_fields_of_the_sample(owner: Owner, kind: str) -> None:
    (event_id,) = owner.send(kind, user="ann")
    key = kind.removeprefix("paywall.").replace(".", "_")
    (item,) = owner.poll(key)
    assert item["id"] == event_id
    sample = TRIGGERS[key].sample
    assert list(item) == list(sample)
    assert [type(value) for value in item.values()] == [type(value) for value in sample.values()]
    assert (item["user"] == "ann") is ("externalUserId" in item["payload_json"])
