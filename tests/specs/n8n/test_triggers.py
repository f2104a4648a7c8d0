"""Both triggers, switched on in a real n8n: an event of the sandbox becomes a run."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.specs.n8n.conftest import ConnectedApp
from tests.specs.n8n.flows import GO, STEP, started_by
from tests.support.processes import SandboxPaywall, until

Json = dict[str, Any]
pytestmark = pytest.mark.xdist_group("n8n")
POLL_PATIENCE = 150.0
"""n8n asks at most once a minute."""


def emit(connected_app: ConnectedApp, user: str, type: str = "paywall.balance.depleted") -> None:
    """Have something happen to a user."""
    connected_app.upstream("POST", "/_sandbox/events", {"type": type, "user": user})


def meet(connected_app: ConnectedApp, *users: str) -> None:
    """Let the connector hear of users: most events name only the wallet, which it looks up."""
    for user in users:
        emit(connected_app, user, "paywall.authorization.completed")


def hooks_of(connected_app: ConnectedApp, user: str) -> list[Json]:
    """The hooks that the connector has for a user."""
    return [hook for hook in connected_app.asked("/v1/hooks").json() if hook["user"] == user]


def started_for(connected_app: ConnectedApp, workflow: Json) -> list[str]:
    """The users in the items of all runs of a workflow so far."""
    runs = [connected_app.n8n.execution(id) for id in connected_app.n8n.executions(workflow)]
    return [item["user"] for run in runs for item in run.items(STEP)]


def listening(connected_app: ConnectedApp, user: str) -> Json:
    """A published workflow that starts when a balance of this user is used up."""
    parameters = {"event": "balance_depleted", "user": user, "sample": True}
    saved = connected_app.n8n.save(started_by("paywallsTrigger", f"push to {user}", parameters))
    connected_app.n8n.publish(saved)
    until(lambda: hooks_of(connected_app, user))
    return saved


def test_a_push_starts_a_run_with_the_whole_event(connected_app: ConnectedApp) -> None:
    workflow = listening(connected_app, "tess")
    meet(connected_app, "tess", "somebody-else")
    emit(connected_app, "somebody-else")
    emit(connected_app, "tess", "paywall.balance.charge.created")
    emit(connected_app, "tess")
    until(lambda: connected_app.n8n.executions(workflow))
    emit(connected_app, "tess")
    until(lambda: len(connected_app.n8n.executions(workflow)) == 2)
    assert started_for(connected_app, workflow) == ["tess", "tess"]
    (item,) = connected_app.n8n.execution(connected_app.n8n.executions(workflow)[0]).items(STEP)
    assert item["type"] == "paywall.balance.depleted"
    assert item["requested_amount"] == "4.5"
    assert json.loads(item["payload_json"])["requestedAmount"] == 4.5


def test_a_push_that_is_not_the_connectors_starts_nothing(connected_app: ConnectedApp) -> None:
    workflow = listening(connected_app, "forged")
    (hook,) = hooks_of(connected_app, "forged")
    headers = {"webhook-id": "d", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"}
    for sent in ({}, headers):
        answer = httpx.post(
            hook["target_url"], json={"user": "forged"}, headers=sent, trust_env=False
        )
        assert answer.status_code == 401
    meet(connected_app, "forged")
    emit(connected_app, "forged")
    until(lambda: connected_app.n8n.executions(workflow))
    assert len(connected_app.n8n.executions(workflow)) == 1


def test_switched_off_the_hook_is_gone(connected_app: ConnectedApp) -> None:
    workflow = listening(connected_app, "leaving")
    connected_app.n8n.unpublish(workflow)
    until(lambda: hooks_of(connected_app, "leaving") == [])


def test_trying_the_step_gets_a_sample_at_once(connected_app: ConnectedApp) -> None:
    parameters = {"event": "balance_depleted", "user": "", "sample": True}
    saved = connected_app.n8n.save(started_by("paywallsTrigger", "tried", parameters))
    connected_app.n8n.listen(saved, GO)
    until(lambda: connected_app.n8n.executions(saved))
    assert started_for(connected_app, saved) == ["customer-42"]


def test_trying_the_polling_step_gets_an_event_at_once(connected_app: ConnectedApp) -> None:
    parameters = {"event": "archived", "user": ""}
    saved = connected_app.n8n.save(started_by("paywallsPollingTrigger", "tried poll", parameters))
    done = connected_app.n8n.run(saved, GO)
    assert [item["user"] for item in done.items(STEP)] == ["customer-42"]


def test_n8n_restarted_still_receives_and_has_missed_nothing_that_it_polls(
    connected_app: ConnectedApp,
) -> None:
    meet(connected_app, "before", "patient", "while-away")
    emit(connected_app, "before")
    pushed = listening(connected_app, "patient")
    every_minute = {"pollTimes": {"item": [{"mode": "everyMinute"}]}, "event": "balance_depleted"}
    polled = connected_app.n8n.save(started_by("paywallsPollingTrigger", "polled", every_minute))
    connected_app.n8n.publish(polled)
    until(lambda: "cursor" in str(connected_app.n8n.workflow(polled["id"])["staticData"]))
    emit(connected_app, "patient")
    until(lambda: connected_app.n8n.executions(pushed))
    connected_app.n8n.stop()
    emit(connected_app, "while-away")
    connected_app.n8n.start()
    emit(connected_app, "patient")
    until(lambda: len(connected_app.n8n.executions(pushed)) == 2)
    wanted = ["patient", "while-away", "patient"]
    until(lambda: len(started_for(connected_app, polled)) >= len(wanted), POLL_PATIENCE)
    assert started_for(connected_app, polled) == wanted


def test_another_paywall_behind_the_credential_is_read_from_now_on(
    connected_app: ConnectedApp,
) -> None:
    """Its events have numbers of their own: the old cursor would skip some or bring old ones."""
    kind, name = "paywallsApi", "Changing account"
    first, second = (
        SandboxPaywall(connected_app.paywall.address, f"n8n-{n}") for n in ("old", "new")
    )
    data = {**connected_app.credential, "apiKey": first.key}
    credential = connected_app.n8n.credential(kind, name, data)
    node = {"pollTimes": {"item": [{"mode": "everyMinute"}]}, "event": "archived"}
    flow = started_by("paywallsPollingTrigger", "of another paywall", node)
    flow["nodes"][0]["credentials"] = {kind: {"id": credential, "name": name}}
    workflow = connected_app.n8n.save(flow)

    def kept() -> str:
        return json.dumps(connected_app.n8n.workflow(workflow["id"])["staticData"])

    def archived(times: int) -> list[str]:
        """The ids of the other paywall's events, newest first, after one more."""
        body = {"type": "paywall.archived"}
        connected_app.upstream("POST", "/_sandbox/events", body, second)
        until(lambda: len(connected_app.asked("/v1/triggers/archived", second).json()) == times)
        return [row["id"] for row in connected_app.asked("/v1/triggers/archived", second).json()]

    def started() -> list[str]:
        runs = [connected_app.n8n.execution(id) for id in connected_app.n8n.executions(workflow)]
        return [item["id"] for run in runs if STEP in run.ran for item in run.items(STEP)]

    connected_app.asked("/v1/triggers/archived", second)
    archived(1)
    archived(2)
    connected_app.n8n.publish(workflow)
    until(lambda: "paywall" in kept())
    before = kept()
    connected_app.n8n.change_credential(credential, kind, name, {**data, "apiKey": second.key})
    until(lambda: kept() != before, POLL_PATIENCE)
    assert started() == []
    newest = archived(3)[0]
    until(started, POLL_PATIENCE)
    assert started() == [newest]
    connected_app.n8n.unpublish(workflow)
    for paywall in (first, second):
        paywall.close()
