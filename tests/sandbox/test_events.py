"""The event rows: complete, true to the vendor's document, and readable."""

import re

import pytest

from connector.catalog.events import EVENTS, EVENTS_BY_TYPE, Event

from . import openapi

UPSTREAMS = [event for event in EVENTS if not event.is_own]
every_event = pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.key)
every_event_of_upstream = pytest.mark.parametrize("event", UPSTREAMS, ids=lambda event: event.key)


def test_every_documented_event_has_exactly_one_row() -> None:
    assert sorted(event.type for event in UPSTREAMS) == sorted(openapi.document()["webhooks"])


@every_event_of_upstream
def test_fields_are_those_of_the_document(event: Event) -> None:
    assert sorted(f.name for f in event.fields) == sorted(openapi.payload_fields(event.type))


@every_event_of_upstream
def test_upstream_sample_is_valid_data_for_its_event(event: Event) -> None:
    envelope = {
        "id": "evt_1",
        "paywallId": "pw_1",
        "type": event.type,
        "version": "2024-05-01",
        "createdAt": "2025-11-20T10:00:00Z",
        "status": "pending",
        "attempts": 1,
        "data": event.upstream_sample,
    }
    openapi.check_event(envelope)


@every_event
def test_sentence_is_one_plain_triggers_when(event: Event) -> None:
    assert re.fullmatch(r"Triggers when [^.]+\.", event.sentence)


@every_event
def test_labels_are_in_title_case(event: Event) -> None:
    for label in (event.label, *(field.label for field in event.fields)):
        assert re.fullmatch(r"([A-Z(][\w()-]*|of|the)( ([A-Z(][\w()-]*|of|the))*", label)


@every_event
def test_field_keys_are_unique_snake_case(event: Event) -> None:
    keys = [field.key for field in event.fields]
    assert len(set(keys)) == len(keys)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", key) for key in keys)


def test_keys_and_types_look_up_the_same_rows() -> None:
    assert EVENTS_BY_TYPE["paywall.balance.depleted"].key == "balance_depleted"
    assert len({event.key for event in EVENTS}) == len(EVENTS_BY_TYPE) == len(EVENTS) == 28


def test_samples_show_amounts_as_text_to_builders_and_as_numbers_upstream() -> None:
    event = EVENTS_BY_TYPE["paywall.balance.charge.created"]
    assert event.sample["amount"] == "4.50"
    assert event.upstream_sample["amount"] == 4.5
    assert event.sample["wallet_user_id"] == event.upstream_sample["walletUserId"]


def test_proxy_internals_are_not_of_interest() -> None:
    shown = {event.key for event in EVENTS if event.of_interest}
    assert {"balance_depleted", "balance_charge_created", "authorization_completed"} <= shown
    assert not {"proxy_request_started", "paywall_updated", "integration_connected"} & shown
