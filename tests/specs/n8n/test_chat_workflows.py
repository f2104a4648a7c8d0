"""The ready-made workflows around an answer that takes long, in a real n8n with a slow model."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from copy import deepcopy
from email.message import Message
from typing import Any

import httpx
import pytest

from connector.specs.n8n.waits import SECONDS_PER_CALL
from connector.specs.n8n.workflow_parts import Workflow
from tests.specs.n8n.conftest import ConnectedApp
from tests.specs.n8n.test_workflows import mails_to
from tests.support.processes import PATIENCE, until
from tests.support.slow_model import LONG_PATIENCE, SLOW_MODEL

Json = dict[str, Any]
pytestmark = pytest.mark.xdist_group("n8n")
LOOP, CALLBACK = "A long answer by mail", "A long answer by mail, with a callback"
ECHO, SLOW = "sandbox-echo", "sandbox-slow-3"
Change = Callable[[Json], object]


class Reader:
    """Somebody who asks one question of a workflow and gets the answer by mail."""

    def __init__(self, app: ConnectedApp, name: str, *changes: Change, balance: str = "5") -> None:
        """The imported workflow `name`, changed and switched on under a path of its own."""
        self.app = app
        self.user = f"reader-{secrets.token_hex(4)}"
        self.email = f"{self.user}@example.com"
        app.paywall.user(self.user, balance=balance, connected=True)
        imported = deepcopy(app.imported(name))
        kept = {part: imported[part] for part in ("nodes", "connections", "settings")}
        for node in kept["nodes"]:
            if node["type"].endswith(".webhook"):
                node["parameters"]["path"] = node["webhookId"] = self.user
        for change in changes:
            change(kept)
        self.workflow = app.n8n.save(kept | {"name": f"{name} for {self.user}"})
        app.n8n.publish(self.workflow)
        until(lambda: app.n8n.listens(self.user))

    def asks(self) -> Json:
        """Ask; what the app is told at once."""
        message = {"user": self.user, "email": self.email, "message": "What is rain?"}
        told: Json = self.app.n8n.call(
            self.user, message | {"message_id": f"number-{self.user}"}
        ).json()
        return told

    def mail(self, patience: float = PATIENCE) -> Message:
        """The one mail that comes."""
        (mail,) = until(lambda: mails_to(self.app, self.email), patience)
        return mail

    @property
    def asked(self) -> int:
        """How many of the user's questions came upstream."""
        return len([row for row in self.app.paywall.asked("chat") if row["user"] == self.user])

    @property
    def paid(self) -> int:
        """How many answers the user paid for."""
        return len(self.app.booked(self.user))


def model(name: str, wait: int = 1) -> Change:
    """Have a workflow ask another model, and wait so many seconds per call."""

    def change(workflow: Json) -> None:
        for node in workflow["nodes"]:
            parameters = node["parameters"]
            if node["type"] == "n8n-nodes-paywalls.paywalls":
                parameters["model"]["value"] = name
                parameters["wait_per_call"] = wait
            for row in parameters.get("bodyParameters", {}).get("parameters", []):
                row["value"] = {"model": name, "wait": str(wait)}.get(row["name"], row["value"])

    return change


def slow_before_the_wait(workflow: Json) -> None:
    """Put something between the chat and the Wait node that takes 3 seconds."""
    pause = Workflow("pause", "pause")
    pause.add("Pause", "n8n-nodes-base.wait", 1.1, (0, 3), {"amount": 3, "unit": "seconds"})
    workflow["nodes"] += pause.nodes
    links = workflow["connections"]
    links["Pause"] = deepcopy(links["Send Chat Message"])
    links["Send Chat Message"]["main"][0][0]["node"] = "Pause"


@pytest.fixture(params=["", " (HTTP Request)"], ids=["node", "http"])
def form(request: pytest.FixtureRequest) -> str:
    """What the name of each form ends with."""
    return str(request.param)


def test_an_answer_that_takes_several_calls_is_mailed_and_paid_once(
    form: str, connected_app: ConnectedApp
) -> None:
    reader = Reader(connected_app, LOOP + form, model(SLOW))
    before = connected_app.chats()
    assert reader.asks() == {"answer": "We are working on it. The answer comes by mail."}
    mail = reader.mail()
    assert mail["Subject"] == "Your answer"
    assert str(mail.get_payload()).startswith('You asked: "What is rain?"')
    assert connected_app.chats() >= before + 3
    assert (reader.asked, reader.paid) == (1, 1)


def test_a_loop_that_gets_no_answer_ends_and_says_how_to_get_it(
    connected_app: ConnectedApp,
) -> None:
    connected_app.paywall.arm("chat", "hold", seconds=PATIENCE)
    try:
        reader = Reader(connected_app, f"{LOOP} (HTTP Request)", model(ECHO))
        before = connected_app.chats()
        reader.asks()
        (ended,) = until(lambda: connected_app.n8n.executions(reader.workflow))
        error = connected_app.n8n.execution(ended).error
        assert connected_app.chats() == before + 7
    finally:
        connected_app.paywall.release()
    assert error["message"].startswith("The answer is still being written. Send the same again")
    assert reader.asked == 1


def test_an_answer_that_is_told_by_callback_is_mailed_and_paid_once(
    form: str, connected_app: ConnectedApp
) -> None:
    connected_app.paywall.arm("chat", "hold", seconds=PATIENCE)
    try:
        reader = Reader(connected_app, CALLBACK + form, model(ECHO))
        reader.asks()
        waiting = connected_app.n8n.waiting(reader.workflow)
        before = connected_app.chats()
    finally:
        connected_app.paywall.release()
    assert str(reader.mail().get_payload()).strip() == "You said: What is rain?"
    assert connected_app.chats() == before + 1
    assert connected_app.n8n.execution(waiting).status == "success"
    assert (reader.asked, reader.paid) == (1, 1)


def test_a_callback_that_comes_before_the_run_waits_comes_again(
    connected_app: ConnectedApp,
) -> None:
    reader = Reader(connected_app, CALLBACK, model(ECHO), slow_before_the_wait)
    reader.asks()
    assert str(reader.mail().get_payload()).strip() == "You said: What is rain?"
    assert (reader.asked, reader.paid) == (1, 1)
    assert "The address answered 409." in connected_app.log()


def test_what_strangers_post_to_the_run_is_not_believed(
    form: str, connected_app: ConnectedApp
) -> None:
    connected_app.paywall.arm("chat", "hold", seconds=PATIENCE)
    forged = {"success": True, "outcome": "answered", "reply": "forged"}
    try:
        reader = Reader(connected_app, CALLBACK + form, model(ECHO))
        reader.asks()
        waiting = connected_app.n8n.waiting(reader.workflow)
        address = connected_app.n8n.resume_address(waiting)
        guessed = httpx.post(address[:-4] + "0000", json=forged, trust_env=False)
        assert guessed.status_code == 401
        httpx.post(address, json=forged, trust_env=False).raise_for_status()
        before = connected_app.chats()
        until(lambda: connected_app.chats() >= before + 1)
    finally:
        connected_app.paywall.release()
    assert str(reader.mail().get_payload()).strip() == "You said: What is rain?"
    assert (reader.asked, reader.paid) == (1, 1)


@pytest.mark.parametrize("name", [LOOP, CALLBACK])
def test_who_cannot_pay_is_mailed_the_link(
    name: str, form: str, connected_app: ConnectedApp
) -> None:
    reader = Reader(connected_app, name + form, model(ECHO), balance="0")
    reader.asks()
    mail = reader.mail()
    assert mail["Subject"] == "Before we can answer"
    assert connected_app.paywall.address in str(mail.get_payload())
    assert reader.paid == 0


@pytest.mark.proof
@pytest.mark.parametrize("name", [LOOP, CALLBACK])
def test_a_model_that_thinks_for_90_seconds_is_asked_and_paid_once(
    name: str, form: str, connected_app: ConnectedApp
) -> None:
    reader = Reader(connected_app, name + form, model(SLOW_MODEL, SECONDS_PER_CALL))
    reader.asks()
    assert reader.mail(LONG_PATIENCE)["Subject"] == "Your answer"
    assert (reader.asked, reader.paid) == (1, 1)
