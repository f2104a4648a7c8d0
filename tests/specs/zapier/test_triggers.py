"""Every trigger, from switching the Zap on to switching it off, with real pushes."""

from __future__ import annotations

from typing import Any

import pytest

from connector.catalog.events import ANY_EVENT, EVENTS
from connector.triggers.definitions import TRIGGERS
from tests.specs.zapier.builder import Builder, emit, failure, pushed
from tests.specs.zapier.platform import Core
from tests.support.processes import SandboxPaywall, Server, running_connector
from tests.triggers.delivery.receiver import Receiver

pytestmark = pytest.mark.xdist_group("zapier")
OF_INTEREST = [event for event in EVENTS if event.of_interest and not event.is_own]
DEPLETED, ARCHIVED = "paywall.balance.depleted", "paywall.archived"
KINDS = {"integer": int, "string": str, "datetime": str, "boolean": bool, "number": float}


def respects(item: dict[str, Any], operation: dict[str, Any]) -> bool:
    """Whether an item holds all keys of the sample, each of the type that the output fields say."""
    types = {field["key"]: KINDS[field["type"]] for field in operation["outputFields"]}
    return set(operation["sample"]) <= set(item) and all(
        type(item[key]) is wanted for key, wanted in types.items()
    )


@pytest.mark.parametrize("event", OF_INTEREST, ids=lambda event: event.key)
def test_a_zap_is_started_by_its_event_and_switched_off(
    event: Any,
    builder: Builder,
    paywall: SandboxPaywall,
    target: Receiver,
    definition: dict[str, Any],
) -> None:
    operation = definition["triggers"][event.key]["operation"]
    hook = builder.subscribe(event.key, target.url)
    event_id = emit(paywall, event.type, user="ann")
    push = pushed(target, event_id)
    (started,) = builder.received(event.key, push)
    (recent,) = builder.recent(event.key)
    assert (started["id"], started["type"]) == (event_id, event.type)
    assert started == recent
    assert respects(started, operation)
    assert [known["id"] for known in builder.hooks()] == [hook["id"]]
    assert builder.unsubscribe(event.key, hook)["success"]
    assert builder.hooks() == []
    assert builder.unsubscribe(event.key, hook)["success"]


def test_any_event_starts_for_all_of_them(
    builder: Builder, paywall: SandboxPaywall, target: Receiver, definition: dict[str, Any]
) -> None:
    builder.subscribe(ANY_EVENT, target.url)
    ids = [emit(paywall, kind) for kind in (DEPLETED, ARCHIVED)]
    for event_id in ids:
        (started,) = builder.received(ANY_EVENT, pushed(target, event_id))
        assert started["id"] == event_id
        assert respects(started, definition["triggers"][ANY_EVENT]["operation"])
    assert [item["id"] for item in builder.recent(ANY_EVENT)] == ids[::-1]


def test_any_event_starts_only_for_the_chosen_types(
    builder: Builder, paywall: SandboxPaywall, target: Receiver
) -> None:
    builder.subscribe(ANY_EVENT, target.url, types=[ARCHIVED])
    depleted, archived = emit(paywall, DEPLETED), emit(paywall, ARCHIVED)
    assert builder.received(ANY_EVENT, pushed(target, depleted), types=[ARCHIVED]) == []
    assert len(builder.received(ANY_EVENT, pushed(target, archived), types=[ARCHIVED])) == 1
    assert [item["id"] for item in builder.recent(ANY_EVENT, types=[ARCHIVED])] == [archived]
    both = builder.recent(ANY_EVENT, types=[ARCHIVED, DEPLETED])
    assert [item["id"] for item in both] == [archived, depleted]


def test_a_user_filter_leaves_others_out(
    builder: Builder, paywall: SandboxPaywall, target: Receiver
) -> None:
    kind = "paywall.authorization.completed"
    hook = builder.subscribe("authorization_completed", target.url, user="ann")
    assert hook["user"] == "ann"
    others, own = emit(paywall, kind, user="bob"), emit(paywall, kind, user="ann")
    assert pushed(target, own).item["user"] == "ann"
    recent = builder.recent("authorization_completed", user="ann")
    assert [item["id"] for item in recent] == [own]
    assert others not in [push.item["id"] for push in target.pushes]


def test_two_zaps_at_the_same_address_are_two_subscriptions(
    builder: Builder, target: Receiver
) -> None:
    first = builder.subscribe("balance_depleted", target.url)
    second = builder.subscribe(
        "charge_failed" if "charge_failed" in TRIGGERS else ANY_EVENT, target.url
    )
    again = builder.subscribe("balance_depleted", target.url)
    assert first["id"] == again["id"] != second["id"]


def test_where_triggers_cannot_fire_the_zap_says_so_when_it_is_switched_on(
    core: Core,
    zapier_sandbox: Server,
    target: Receiver,
    tmp_path: Any,
) -> None:
    database = f"sqlite:///{tmp_path}/connector.sqlite3"
    with running_connector(database, zapier_sandbox.address, tmp_path) as server:
        hidden = Builder(core, server.address, "sk-paywalls-sandbox-hidden")
        failed = failure(lambda: hidden.subscribe("balance_depleted", target.url))
        assert hidden.connect()["success"]
    assert (failed.name, failed.said["code"]) == ("AppError", "triggers_not_ready")
    assert "CONNECTOR_PUBLIC_URL" in failed.message
