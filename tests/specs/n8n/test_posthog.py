"""Every event becomes a capture in PostHog, counted once, from the imported workflows."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from connector.catalog.events import EVENTS
from connector.specs.n8n.analytics_workflows import POSTHOG, PROJECT_KEY
from connector.triggers.items import sample
from tests.specs.n8n.conftest import ConnectedApp
from tests.specs.n8n.executions import Execution
from tests.specs.n8n.test_triggers import emit, hooks_of, meet
from tests.specs.posthog import PostHog, uuid_of
from tests.support.listening import listening
from tests.support.processes import until

Json = dict[str, Any]
pytestmark = pytest.mark.xdist_group("n8n")
VARIANTS = pytest.mark.parametrize("ending", ["", " (HTTP Request)"])


@pytest.fixture
def posthog() -> Iterator[PostHog]:
    """Where the captures go."""
    with listening(PostHog()) as server:
        yield server


def set_up(connected_app: ConnectedApp, posthog: PostHog, ending: str) -> Json:
    """The imported workflow as its note says to set it up, for this PostHog."""
    workflow = connected_app.imported(f"Events to PostHog{ending}")
    for node in workflow["nodes"]:
        if "webhookId" in node:
            node["webhookId"] = str(uuid4())
    text = json.dumps({key: workflow[key] for key in ("nodes", "connections", "settings")})
    assert POSTHOG in text
    assert PROJECT_KEY in text
    text = text.replace(POSTHOG, posthog.address).replace(PROJECT_KEY, "phc_of_a_test")
    return connected_app.n8n.save({**json.loads(text), "name": f"posthog-{secrets.token_hex(4)}"})


def happens(connected_app: ConnectedApp, workflow: Json, *events: Json) -> Execution:
    """Run the workflow once for these events."""
    if any(node["name"] == "Any Event" for node in workflow["nodes"]):
        return connected_app.n8n.run(workflow, "Any Event", list(events))
    return connected_app.n8n.run(workflow, "Every Minute", list(events), at="Newest Events")


def event(type: str = "paywall.balance.charge.created", **changed: object) -> Json:
    """An event with every field filled, as the trigger gives it."""
    (known,) = [one for one in EVENTS if one.type == type]
    return {**sample(known), **changed}


@VARIANTS
def test_an_event_becomes_a_capture_of_its_user(
    ending: str, connected_app: ConnectedApp, posthog: PostHog
) -> None:
    given = event(id=str(uuid4()), user="josé", amount="0.25", description="")
    workflow = set_up(connected_app, posthog, ending)
    done = happens(connected_app, workflow, given)
    assert done.status == "success", done.error
    (capture,) = posthog.sent
    properties = capture.pop("properties")
    assert capture == {
        "api_key": "phc_of_a_test",
        "event": "paywall.balance.charge.created",
        "distinct_id": "josé",
        "timestamp": given["created_at"],
        "uuid": given["id"],
    }
    told = {name: value for name, value in given.items() if name != "payload_json"}
    amounts = {
        f.key for e in EVENTS if e.type == given["type"] for f in e.fields if f.type == "amount"
    }
    assert len(amounts) == 2
    assert properties == told | {name: float(told[name]) for name in amounts} | {
        "$geoip_disable": True,
        "$process_person_profile": True,
    }


@VARIANTS
@pytest.mark.parametrize("id", ["evt_1", "7D9E8F10-21AA-4C0B-8F1E-55D0C7E1A2B3", "événement/山"])
def test_an_event_that_comes_twice_is_counted_once(
    ending: str, id: str, connected_app: ConnectedApp, posthog: PostHog
) -> None:
    workflow = set_up(connected_app, posthog, ending)
    given = [event(id=id), event(id=id), event(id=f"{id}-another")]
    assert happens(connected_app, workflow, *given).status == "success"
    assert len(posthog.sent) == 3
    assert len(posthog.counted) == 2
    expected = [uuid_of(one["id"]) for one in given]
    # n8n sends the items of one run side by side.
    assert sorted(capture["uuid"] for capture in posthog.sent) == sorted(expected)


@VARIANTS
def test_an_event_of_nobody_makes_no_person(
    ending: str, connected_app: ConnectedApp, posthog: PostHog
) -> None:
    workflow = set_up(connected_app, posthog, ending)
    given = event("paywall.archived", user="", paywall_id="pw_7")
    assert happens(connected_app, workflow, given).status == "success"
    (capture,) = posthog.counted
    assert capture["distinct_id"] == "paywall-pw_7"
    assert capture["properties"]["$process_person_profile"] is False


@VARIANTS
def test_a_capture_that_failed_is_sent_again_as_the_same(
    ending: str, connected_app: ConnectedApp, posthog: PostHog
) -> None:
    workflow = set_up(connected_app, posthog, ending)
    posthog.failing = 2
    assert happens(connected_app, workflow, event()).status == "success"
    assert len(posthog.sent) == 3
    assert len(posthog.counted) == 1


@VARIANTS
def test_a_capture_that_keeps_failing_is_a_failed_run(
    ending: str, connected_app: ConnectedApp, posthog: PostHog
) -> None:
    workflow = set_up(connected_app, posthog, ending)
    posthog.failing = 99
    assert happens(connected_app, workflow, event()).status == "error"
    assert len(posthog.sent) == 3


def test_what_happens_upstream_arrives(connected_app: ConnectedApp, posthog: PostHog) -> None:
    workflow = set_up(connected_app, posthog, "")
    before = len(hooks_of(connected_app, ""))
    connected_app.n8n.publish(workflow)
    until(lambda: len(hooks_of(connected_app, "")) > before)
    try:
        meet(connected_app, "hog")
        emit(connected_app, "hog")
        until(lambda: len([c for c in posthog.counted if c["distinct_id"] == "hog"]) == 2)
    finally:
        connected_app.n8n.unpublish(workflow)
    events = [c["event"] for c in posthog.counted if c["distinct_id"] == "hog"]
    assert sorted(events) == ["paywall.authorization.completed", "paywall.balance.depleted"]


def _kept(connected_app: ConnectedApp, user: str) -> list[Json]:
    """What the connector has of a user's balance being used up."""
    rows: list[Json] = connected_app.asked(f"/v1/triggers/balance_depleted?user={user}").json()
    return rows


def test_asking_again_sends_only_what_is_new(connected_app: ConnectedApp, posthog: PostHog) -> None:
    workflow = set_up(connected_app, posthog, " (HTTP Request)")
    for user in ("hedge", "porcupine"):
        meet(connected_app, user)
        emit(connected_app, user)
        until(partial(_kept, connected_app, user))
        done = connected_app.n8n.run(workflow, "Every Minute", [{}])
        assert done.status == "success", done.error
        workflow = connected_app.n8n.workflow(workflow["id"])
    sent = [c["distinct_id"] for c in posthog.sent if c["event"] == "paywall.balance.depleted"]
    assert [user for user in sent if user in ("hedge", "porcupine")] == ["hedge", "porcupine"]
    assert len(posthog.counted) == len(posthog.sent)
