"""A chat that takes longer than one call: our node waits, and it is asked and paid for once."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.specs.n8n.conftest import ConnectedApp
from tests.specs.n8n.flows import GO, STEP, step
from tests.specs.n8n.proxy import CUT, Proxy, running_proxy
from tests.support.processes import PATIENCE, until

Json = dict[str, Any]
A_SECOND = 0.02
"""As minutes: the second call of a second each is the last one."""
pytestmark = pytest.mark.xdist_group("n8n")


class Chat:
    """One user's chat with a reference, as a step of our node that waits a second per call."""

    def __init__(self, app: ConnectedApp) -> None:
        self.app = app
        self.user = f"patient-{secrets.token_hex(4)}"
        self.reference = f"message-{self.user}"
        app.paywall.user(self.user, balance="5.00", connected=True)

    def workflow(self, model: str = "sandbox-echo", **changed: Any) -> Json:
        """A saved workflow; `changed` are other parameters, of which None leaves one out, or
        settings of the node in `more`."""
        values = {
            "user": self.user,
            "model": {"__rl": True, "mode": "id", "value": model},
            "prompt": "Tell me about rain",
            "reference": self.reference,
            "wait_per_call": 1,
        }
        more = changed.pop("more", {})
        filled_in = {n: v for n, v in (values | changed).items() if v is not None}
        return self.app.n8n.save(step("chat", "model", filled_in, **more))

    def begin(self, model: str = "sandbox-echo", **changed: Any) -> str:
        """Begin to run it."""
        return self.app.n8n.begin(self.workflow(model, **changed), GO)

    @property
    def asked(self) -> int:
        """How many questions of this user came upstream."""
        return len([row for row in self.app.paywall.asked("chat") if row["user"] == self.user])

    @property
    def paid(self) -> int:
        """How many answers were paid for."""
        return len(self.app.booked(self.user))

    def send(self, wait: int) -> Json:
        """The same without n8n."""
        values = {
            "user": self.user,
            "model": "sandbox-echo",
            "prompt": "Tell me about rain",
            "reference": self.reference,
            "wait": wait,
        }
        address, headers = f"{self.app.connector.address}/v1/chat", self.app.paywall.bearer
        answer = httpx.post(
            address, json=values, headers=headers, trust_env=False, timeout=PATIENCE
        )
        told: Json = answer.json()
        return told


@pytest.fixture
def chat(connected_app: ConnectedApp) -> Chat:
    """A chat of a user who can pay."""
    return Chat(connected_app)


@pytest.fixture
def held(connected_app: ConnectedApp, chat: Chat) -> Iterator[Chat]:
    """The same, whose answer is held back until it is released."""
    connected_app.paywall.arm("chat", "hold", seconds=PATIENCE)
    yield chat
    connected_app.paywall.release()


def test_it_is_asked_once_and_waited_for_in_several_calls(
    held: Chat, connected_app: ConnectedApp
) -> None:
    before = connected_app.chats()
    run = held.begin()
    until(lambda: connected_app.chats() >= before + 3)
    connected_app.paywall.release()
    done = connected_app.n8n.execution(run)
    (item,) = done.items(STEP)
    assert (item["outcome"], item["reply"]) == ("answered", "You said: Tell me about rain")
    assert item["duplicate"] is True
    assert (held.asked, held.paid) == (1, 1)


def test_one_call_waits_for_as_long_as_proxies_allow(
    chat: Chat, connected_app: ConnectedApp
) -> None:
    before = connected_app.chats()
    run = chat.begin("sandbox-slow-2", wait_per_call=None)
    (item,) = connected_app.n8n.execution(run).items(STEP)
    assert (item["outcome"], item["duplicate"]) == ("answered", False)
    assert connected_app.chats() == before + 1


def test_after_the_builders_limit_it_stops_and_the_same_reference_gets_the_answer(
    held: Chat, connected_app: ConnectedApp
) -> None:
    limit: Json = {"additionalFields": {"give_up_after": A_SECOND}}
    stopped = connected_app.n8n.execution(held.begin(**limit))
    assert stopped.status == "error"
    assert stopped.error["message"] == "The answer was not there after 0.02 minutes"
    assert held.reference in stopped.error["description"]
    assert "may still come" in stopped.error["description"]
    connected_app.paywall.release()
    (item,) = connected_app.n8n.execution(held.begin(**limit)).items(STEP)
    assert (item["outcome"], item["duplicate"]) == ("answered", True)
    assert (held.asked, held.paid) == (1, 1)


def test_where_errors_go_on_so_does_one_that_was_given_up(
    held: Chat, connected_app: ConnectedApp
) -> None:
    given_up: Json = {"additionalFields": {"give_up_after": 0}}
    run = held.begin(**given_up, more={"onError": "continueRegularOutput"})
    done = connected_app.n8n.execution(run)
    assert done.status == "success"
    (item,) = done.items(STEP)
    assert item["error"] == "The answer was not there after 0 minutes"


def test_a_run_that_is_cancelled_asks_no_more(held: Chat, connected_app: ConnectedApp) -> None:
    before = connected_app.chats()
    run = held.begin()
    until(lambda: connected_app.chats() >= before + 2)
    connected_app.n8n.cancel(run)
    assert connected_app.n8n.execution(run).status == "canceled"
    before = connected_app.chats()
    assert held.send(wait=4)["outcome"] == "pending"
    assert connected_app.chats() <= before + 2  # that one, and one that n8n has hung up on


def test_when_the_node_tries_again_by_itself_it_is_still_one_question(
    chat: Chat, connected_app: ConnectedApp
) -> None:
    again = {"retryOnFail": True, "maxTries": 5, "waitBetweenTries": 100}
    limit = {"give_up_after": 0.01}
    run = chat.begin("sandbox-slow-3", reference=None, additionalFields=limit, more=again)
    (item,) = connected_app.n8n.execution(run).items(STEP)
    assert (item["outcome"], item["duplicate"]) == ("answered", True)
    assert item["reference"].endswith("-0-0")
    assert (chat.asked, chat.paid) == (1, 1)


def test_without_a_reference_it_is_asked_as_before(chat: Chat, connected_app: ConnectedApp) -> None:
    before = connected_app.chats()
    (item,) = connected_app.n8n.execution(chat.begin(reference="")).items(STEP)
    assert (item["outcome"], item["reference"]) == ("answered", "")
    assert connected_app.chats() == before + 1


def test_more_chats_than_there_is_room_for_wait_for_their_turn(
    chat: Chat, connected_app: ConnectedApp
) -> None:
    """The connector asks 16 at a time for one paywall here."""
    workflow = chat.workflow("sandbox-slow-2", reference=f"={chat.reference}-{{{{ $itemIndex }}}}")
    items = [{"number": number} for number in range(20)]
    done = connected_app.n8n.run(workflow, GO, items)
    assert [item["outcome"] for item in done.items(STEP)] == ["answered"] * 20
    assert (chat.asked, chat.paid) == (20, 20)


def test_with_a_callback_address_the_step_does_not_wait(
    held: Chat, connected_app: ConnectedApp
) -> None:
    address = {"callback_url": f"{connected_app.n8n.address}/webhook/nowhere"}
    before = connected_app.chats()
    (item,) = connected_app.n8n.execution(held.begin(additionalFields=address)).items(STEP)
    assert (item["success"], item["outcome"]) == (False, "pending")
    assert connected_app.chats() == before + 1


def behind(app: ConnectedApp, proxy: Proxy, workflow: Json) -> Json:
    """The workflow with a credential that leads through a proxy."""
    data = app.credential | {"url": proxy.address}
    id = app.n8n.credential("paywallsApi", f"Behind {proxy.address}", data)
    for node in workflow["nodes"]:
        if node["name"] == STEP:
            node["credentials"]["paywallsApi"] = {"id": id, "name": f"Behind {proxy.address}"}
    return {part: workflow[part] for part in ("name", "nodes", "connections", "settings")}


def test_calls_that_fail_on_the_way_while_it_waits_are_made_again(
    held: Chat, connected_app: ConnectedApp
) -> None:
    with running_proxy(connected_app.connector.address, [200, CUT, 504]) as proxy:
        workflow = behind(connected_app, proxy, held.workflow())
        run = connected_app.n8n.begin(connected_app.n8n.save(workflow), GO)
        until(lambda: proxy.calls >= 3)
        connected_app.paywall.release()
        (item,) = connected_app.n8n.execution(run).items(STEP)
    assert (item["outcome"], item["duplicate"]) == ("answered", True)
    assert (held.asked, held.paid) == (1, 1)


@pytest.mark.parametrize("fails", [CUT, 502], ids=["cut", "gateway"])
def test_a_first_call_that_fails_on_the_way_is_told_at_once(
    fails: int, chat: Chat, connected_app: ConnectedApp
) -> None:
    with running_proxy(connected_app.connector.address, [fails]) as proxy:
        workflow = behind(connected_app, proxy, chat.workflow())
        done = connected_app.n8n.run(connected_app.n8n.save(workflow), GO)
        assert (done.status, proxy.calls) == ("error", 1)
    assert chat.asked == 0
