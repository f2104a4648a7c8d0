"""An answer is pushed to the callback address: signed, under one id, until it is taken."""

from __future__ import annotations

import socket
import threading

import pytest
from standardwebhooks import Webhook

from connector.app import threads
from connector.store.chat_rows import DONE
from tests.chats.chat_client import REPLY, ChatClient, once_answered
from tests.chats.conftest import OpenClient
from tests.chats.rows import ChatRows
from tests.conftest import SECRET
from tests.support.processes import SandboxPaywall, until
from tests.triggers.delivery.receiver import OK, Push, running_receiver, says


def secret(client: ChatClient) -> str:
    """The secret of the paywall's callbacks."""
    return str(client.get("callback-secret").get_json()["secret"])


class Failing:
    """A receiver that fails twice, then takes what comes."""

    def __init__(self) -> None:
        self._failures = iter((says(500), says(503)))

    def __call__(self, connection: socket.socket, _: Push, __: threading.Event) -> None:
        connection.sendall(next(self._failures, OK))


def test_the_answer_arrives_although_its_receiver_fails_twice(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows
) -> None:
    with running_receiver(Failing()) as receiver, client.pushing():
        told = client.chat(callback_url=receiver.url)
        assert (told.outcome, told.body["success"], told.duplicate) == ("pending", False, False)
        for tries in (1, 2):
            receiver.wait(tries)
            until(lambda: not threads(client.app).callbacks._under_way)
            rows.make_callbacks_due()
            threads(client.app).callbacks.wake()
        pushes = receiver.wait(3)
        until(lambda: rows.callbacks() == [("sent", None)])
        assert len({push.headers["webhook-id"] for push in pushes}) == 1
        direct = client.chat()
    assert pushes[-1].item == direct.body | {"duplicate": False}
    assert pushes[-1].item["reply"] == REPLY
    Webhook(secret(client)).verify(pushes[-1].raw, pushes[-1].headers)
    assert len(paywall.asked("chat")) == 1


def test_whoever_polls_and_is_called_back_is_told_once_by_each(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows
) -> None:
    paywall.arm("chat", "hold", seconds=60)
    with running_receiver() as receiver, client.pushing():
        assert client.chat(callback_url=receiver.url).outcome == "pending"
        assert client.chat(wait=0).outcome == "pending"
        until(lambda: paywall.asked("chat"))
        paywall.release()
        polled = client.chat(wait=60)
        pushed = receiver.wait(1)[0].item
        assert client.chat(callback_url=receiver.url).outcome == "pending"
        until(lambda: rows.callbacks() == [("sent", None)])
        assert len(receiver.pushes) == 1
    assert pushed == polled.body | {"duplicate": False}
    assert len(paywall.asked("chat")) == 1


def test_the_address_of_the_first_call_holds(client: ChatClient, rows: ChatRows) -> None:
    with running_receiver() as first, running_receiver() as second:
        client.chat(callback_url=first.url)
        told = client.chat(callback_url=second.url)
        assert told.outcome == "pending"
        assert "came first" in told.body["message"]
        with client.pushing():
            first.wait(1)
            until(lambda: rows.callbacks() == [("sent", None)])
        assert second.pushes == []


def test_an_answer_that_is_there_is_pushed_to_an_address_that_comes_later(
    client: ChatClient, rows: ChatRows
) -> None:
    answered = client.chat()
    with running_receiver() as receiver, client.pushing():
        assert client.chat(callback_url=receiver.url).outcome == "pending"
        assert receiver.wait(1)[0].item == answered.body
        until(lambda: rows.callbacks() == [("sent", None)])


def test_a_refusal_is_pushed_too_and_frees_the_reference(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows
) -> None:
    paywall.user("ann", connected=False)
    with running_receiver() as receiver, client.pushing():
        client.chat(callback_url=receiver.url)
        refused = receiver.wait(1)[0]
        assert refused.item["outcome"] == "authorization_required"
        assert refused.item["action_url"]
        paywall.user("ann", connected=True)
        client.chat(callback_url=receiver.url)
        answered = receiver.wait(2)[1]
        until(lambda: [state for state, _ in rows.callbacks()] == ["sent", "sent"])
    assert answered.item["reply"] == REPLY
    assert refused.headers["webhook-id"] != answered.headers["webhook-id"]


def test_a_failure_is_pushed_as_errors_soft_tells_it(
    client: ChatClient, paywall: SandboxPaywall
) -> None:
    paywall.arm("chat", "http_400")
    with running_receiver() as receiver, client.pushing():
        client.chat(callback_url=receiver.url)
        told = receiver.wait(1)[0].item
    assert (told["success"], told["outcome"]) == (False, "error")
    assert (told["code"], told["reference"]) == ("upstream_rejected", "message-1")
    assert told["reply"] == ""


def test_another_process_pushes_what_was_answered(
    client: ChatClient, open_client: OpenClient, rows: ChatRows
) -> None:
    with running_receiver() as receiver:
        client.chat(callback_url=receiver.url)
        once_answered(rows)
        client.close()
        other = open_client()
        with other.pushing():
            assert receiver.wait(1)[0].item["reply"] == REPLY


def test_a_chat_that_was_lost_with_its_process_is_pushed_as_unknown(
    client: ChatClient, paywall: SandboxPaywall, open_client: OpenClient, rows: ChatRows
) -> None:
    paywall.arm("chat", "hold", seconds=60)
    with running_receiver() as receiver:
        client.chat(callback_url=receiver.url)
        until(lambda: paywall.asked("chat"))
        rows.end_leases()
        with open_client().pushing():
            assert receiver.wait(1)[0].item["outcome"] == "unknown"
    assert len(paywall.asked("chat")) == 1


def test_nothing_is_pushed_for_a_token_that_was_revoked(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows
) -> None:
    made = client.post("tokens", {"label": "flow", "actions": "chat"}).body
    with running_receiver() as receiver:
        client.chat(key=made["token"], callback_url=receiver.url)
        once_answered(rows)
        headers = paywall.bearer
        client.app.test_client().delete(f"/v1/tokens/{made['id']}", headers=headers)
        with client.pushing():
            until(lambda: rows.callbacks() == [("failed", None)])
        assert receiver.pushes == []


def test_an_answer_that_nobody_took_for_a_day_is_not_kept(
    client: ChatClient, rows: ChatRows
) -> None:
    client.chat(callback_url="http://127.0.0.1:9/hook")
    once_answered(rows)
    assert rows.callbacks()[0][1]
    rows.pass_hours(25)
    threads(client.app).housekeeper._clean()
    assert rows.callbacks() == [("failed", None)]
    assert (rows.one().state, rows.one().answer) == (DONE, None)
    rows.pass_hours(24 * 90)
    threads(client.app).housekeeper._clean()
    assert rows.all() == []
    assert rows.callbacks() == []


def test_the_secret_is_told_to_the_key_alone(client: ChatClient, open_client: OpenClient) -> None:
    assert secret(client).startswith("whsec_")
    assert secret(client) == secret(open_client())
    token = client.post("tokens", {"label": "t", "actions": "chat,view"}).body["token"]
    assert client.get("callback-secret", token).status_code == 403


@pytest.mark.parametrize("keep_old", [True, False])
def test_after_a_rotation_of_server_secrets_the_old_callback_secret_is_good_for_a_while(
    client: ChatClient, open_client: OpenClient, keep_old: bool
) -> None:
    new = "the-new-server-secret-0123456789abcdef"
    old = secret(client)
    rotated = open_client(secret_keys=f"{new},{SECRET}" if keep_old else new)
    with running_receiver() as receiver, rotated.pushing():
        rotated.chat(callback_url=receiver.url)
        push = receiver.wait(1)[0]
    Webhook(secret(rotated)).verify(push.raw, push.headers)
    if keep_old:
        Webhook(old).verify(push.raw, push.headers)
