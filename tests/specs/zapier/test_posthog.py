"""The code of the recipe for PostHog in `docs/zapier.md`, run as Code by Zapier runs it.

It gets `inputData`, whose values are texts, may `await`, and sets `output`.
Source: https://help.zapier.com/hc/en-us/articles/8496245863565
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connector.catalog.events import EVENTS
from connector.specs.n8n.analytics_workflows import POSTHOG, PROJECT_KEY
from connector.triggers.items import sample
from tests.specs.posthog import PostHog, uuid_of
from tests.support import node
from tests.support.listening import listening

Json = dict[str, Any]
PAGE = Path(__file__).resolve().parents[3] / "docs/zapier.md"
INPUTS = ("id", "type", "user", "created_at", "paywall_id", "payload_json")
(CHARGED,) = [event for event in EVENTS if event.key == "balance_charge_created"]


@pytest.fixture
def posthog() -> Iterator[PostHog]:
    """Where the captures go."""
    with listening(PostHog()) as server:
        yield server


def run(posthog: PostHog, **changed: str) -> Json:
    """The step's output for an event, in which some fields are other ones."""
    section = PAGE.read_text(encoding="utf-8").partition("happens → PostHog\n")[2]
    (code,) = re.findall(r"^```js\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
    assert POSTHOG in code
    assert PROJECT_KEY in code
    code = code.replace(POSTHOG, posthog.address).replace(PROJECT_KEY, "phc_of_a_test")
    event = sample(CHARGED) | changed
    given = {name: str(event[name]) for name in INPUTS if f"`{name}`" in section}
    around = f"""
        (async (inputData) => {{
            let output;
            {code}
            return output;
        }})({json.dumps(given)}).then((output) => process.stdout.write(JSON.stringify(output)));
    """
    env = node.environment(NO_PROXY="127.0.0.1")
    told: Json = json.loads(
        node.run([node.BIN / "node", "-e", around], Path.cwd(), seconds=20, env=env)
    )
    return told


def test_an_event_becomes_a_capture_of_its_user(posthog: PostHog) -> None:
    id = "7d9e8f10-21aa-4c0b-8f1e-55d0c7e1a2b3"
    assert run(posthog, id=id, user="josé") == {"uuid": id}
    (capture,) = posthog.counted
    properties = capture.pop("properties")
    assert capture == {
        "api_key": "phc_of_a_test",
        "event": CHARGED.type,
        "distinct_id": "josé",
        "timestamp": "2026-01-31T12:00:00.000Z",
        "uuid": id,
    }
    told = {"$geoip_disable": True, "$process_person_profile": True}
    assert properties == CHARGED.upstream_sample | told


@pytest.mark.parametrize("id", ["evt_1", "événement/山"])
def test_an_event_that_comes_twice_is_counted_once(posthog: PostHog, id: str) -> None:
    for sent in (id, id, f"{id}-another"):
        assert run(posthog, id=sent) == {"uuid": uuid_of(sent)}
    assert (len(posthog.sent), len(posthog.counted)) == (3, 2)


def test_an_event_of_nobody_makes_no_person(posthog: PostHog) -> None:
    run(posthog, user="", paywall_id="pw_7")
    (capture,) = posthog.counted
    assert capture["distinct_id"] == "paywall-pw_7"
    assert capture["properties"]["$process_person_profile"] is False


def test_a_failure_is_a_failed_step(posthog: PostHog) -> None:
    posthog.failing = 1
    with pytest.raises(AssertionError, match="PostHog answered 503"):
        run(posthog)
    assert len(posthog.sent) == 1
