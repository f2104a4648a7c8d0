"""A chat with a reference is asked at most once: the same again waits, and gets the same answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from connector.store import paywall_rows
from connector.store.chat_rows import ASKING, DONE, FREE, UNKNOWN
from tests.chats.chat_client import REPLY, ChatClient, once_answered
from tests.chats.conftest import OpenClient
from tests.chats.rows import ChatRows
from tests.support.processes import SandboxPaywall, until


def asked(paywall: SandboxPaywall) -> int:
    """How many questions came upstream."""
    return len(paywall.asked("chat"))


def test_the_same_again_gets_the_same_answer_and_is_not_asked_again(
    client: ChatClient, paywall: SandboxPaywall
) -> None:
    first, again = client.chat(), client.chat()
    assert (first.status, first.outcome, first.duplicate) == (200, "answered", False)
    assert first.body["reply"] == REPLY
    assert (first.body["user"], first.body["reference"]) == ("ann", "message-1")
    assert again.body == first.body | {"duplicate": True}
    assert asked(paywall) == 1


def test_without_a_reference_every_call_is_a_question(
    client: ChatClient, paywall: SandboxPaywall
) -> None:
    for _ in range(2):
        told = client.chat(reference=None)
        assert (told.outcome, told.body["reference"], told.duplicate) == ("answered", "", False)
    assert asked(paywall) == 2


def test_a_long_answer_is_pending_and_the_same_again_goes_on_waiting(
    client: ChatClient, paywall: SandboxPaywall
) -> None:
    paywall.arm("chat", "hold", seconds=60)
    first = client.chat(wait=0)
    assert (first.status, first.outcome, first.duplicate) == (200, "pending", False)
    assert first.body["success"] is False
    assert client.chat(wait=0).outcome == "pending"
    with ThreadPoolExecutor(1) as background:
        waiting = background.submit(client.chat, wait=60)
        until(lambda: asked(paywall))
        paywall.release()
        told = waiting.result()
    assert (told.outcome, told.body["reply"], told.duplicate) == ("answered", REPLY, True)
    assert asked(paywall) == 1


def test_another_process_goes_on_waiting(
    client: ChatClient, paywall: SandboxPaywall, open_client: OpenClient
) -> None:
    other = open_client()
    paywall.arm("chat", "hold", seconds=60)
    assert client.chat(wait=0).outcome == "pending"
    with ThreadPoolExecutor(1) as background:
        waiting = background.submit(other.chat, wait=60)
        until(lambda: asked(paywall))
        paywall.release()
        assert waiting.result().body["reply"] == REPLY
    assert asked(paywall) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"prompt": "another prompt"},
        {"user": "bob"},
        {"model": "sandbox-flat"},
        {"system": "Be brief."},
        {"temperature": 1},
        {"max_tokens": 5},
    ],
    ids=lambda other: next(iter(other)),
)
def test_the_same_reference_with_other_values_is_refused(
    client: ChatClient, paywall: SandboxPaywall, other: dict[str, Any]
) -> None:
    client.chat()
    told = client.chat(**other)
    assert (told.status, told.outcome) == (422, "reference_reused")
    assert told.body["field"] == "reference"
    assert "Use a new reference" in told.body["message"]
    assert asked(paywall) == 1


def test_the_same_conversation_written_otherwise_is_the_same(client: ChatClient) -> None:
    client.chat(prompt=None, messages=[{"role": "user", "content": "a canary prompt"}])
    assert client.chat(wait=5).duplicate
    assert client.chat(
        prompt=None, messages='[{"content": "a canary prompt", "role": "user"}]'
    ).duplicate


@pytest.mark.parametrize("state", [{"connected": False}, {"balance": "0"}], ids=str)
def test_a_refusal_frees_the_reference(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows, state: dict[str, object]
) -> None:
    paywall.user("ann", **state)
    told = client.chat(model="sandbox-flat")
    assert told.outcome in ("authorization_required", "topup_required")
    assert told.body["action_url"]
    assert rows.one().state == FREE
    paywall.user("ann", connected=True, balance="10")
    again = client.chat(model="sandbox-flat")
    assert (again.outcome, again.duplicate) == ("answered", False)
    assert asked(paywall) == 2


@pytest.mark.parametrize(
    ("fault", "status"),
    [("http_400", 502), ("http_401", 401), ("http_429", 429), ("http_404", 502)],
)
def test_what_upstream_refused_frees_the_reference(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows, fault: str, status: int
) -> None:
    paywall.arm("chat", fault, seconds=60)
    assert client.chat().status == status
    assert rows.one().state == FREE
    again = client.chat(prompt="mended")
    assert (again.outcome, again.duplicate) == ("answered", False)


def refuse(request: httpx.Request) -> httpx.Response:
    """Nobody listens upstream."""
    raise httpx.ConnectError("refused", request=request)


def test_what_was_never_sent_frees_the_reference(
    client: ChatClient, open_client: OpenClient
) -> None:
    client.chat(reference="message-0")  # so that the key is known
    away = open_client(httpx.MockTransport(refuse))
    told = away.chat()
    assert (told.status, told.outcome, told.retryable) == (503, "upstream_unreachable", True)
    assert client.chat().outcome == "answered"


@pytest.mark.parametrize(
    "fault", ["http_500", "garbage", "drop_before_commit", "drop_after_commit", "http_409"]
)
def test_what_may_have_been_paid_for_is_never_asked_again(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows, fault: str
) -> None:
    paywall.arm("chat", fault)
    first, again = client.chat(), client.chat()
    assert (first.status, first.outcome, first.body["success"]) == (200, "unknown", False)
    assert "take a new reference" in first.body["message"]
    assert again.body == first.body | {"duplicate": True}
    assert rows.one().state == UNKNOWN
    assert asked(paywall) == 1


def test_an_answer_is_kept_for_a_day(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows
) -> None:
    first = client.chat()
    rows.pass_hours(23)
    assert client.chat().body["reply"] == first.body["reply"]
    rows.pass_hours(2)
    told = client.chat()
    assert (told.status, told.outcome, told.body["success"]) == (200, "answered", False)
    assert (told.body["reply"], told.duplicate) == ("", True)
    assert "no longer kept" in told.body["message"]
    assert asked(paywall) == 1


def test_what_was_asked_and_answered_is_not_kept_in_plain_words(
    client: ChatClient, rows: ChatRows
) -> None:
    client.chat(callback_url="http://127.0.0.1:9/hook")
    once_answered(rows)
    assert "canary" not in rows.dumped()


def test_a_process_that_is_gone_leaves_unknown(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows, open_client: OpenClient
) -> None:
    paywall.arm("chat", "hold", seconds=60)
    assert client.chat(wait=0).outcome == "pending"
    until(lambda: asked(paywall))
    rows.end_leases()
    other = open_client()
    assert other.chat(wait=0).outcome == "unknown"
    assert rows.one().state == UNKNOWN
    assert asked(paywall) == 1


def test_an_answer_that_comes_late_counts(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows, open_client: OpenClient
) -> None:
    """The process was only cut off from the database for a while."""
    paywall.arm("chat", "hold", seconds=60)
    client.chat(wait=0)
    until(lambda: asked(paywall))
    rows.end_leases()
    other = open_client()
    assert other.chat(wait=0).outcome == "unknown"
    paywall.release()
    until(lambda: rows.one().state == DONE)
    assert other.chat().body["reply"] == REPLY


def test_a_lost_number_is_no_reference(client: ChatClient, paywall: SandboxPaywall) -> None:
    told = client.chat(reference="message-undefined")
    assert (told.status, told.body["field"]) == (422, "reference")
    assert asked(paywall) == 0


def test_one_paywall_leaves_room_for_others(
    open_client: OpenClient, paywall: SandboxPaywall
) -> None:
    client = open_client(threads="4")
    paywall.arm("chat", "hold", seconds=60)
    assert client.chat(wait=0).outcome == "pending"
    refused = client.chat(reference="message-2", wait=0)
    assert (refused.status, refused.outcome) == (429, "too_many_at_once")
    paywall.release()
    assert client.chat().outcome == "answered"
    assert client.chat(reference="message-2").outcome == "answered"


def test_references_are_found_under_all_keys_of_a_paywall(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows
) -> None:
    """Two local paywalls turn out to be one."""
    client.chat()
    old = paywall.key
    paywall.rotate()
    assert not client.chat(reference="message-2").duplicate  # of a stranger, for all one can tell
    first, second = rows.all()
    assert first.paywall_id != second.paywall_id
    with client.parts.store.engine.begin() as connection:  # what both subscriptions tell
        for key in (old, paywall.key):
            prints = client.parts.identity.fingerprints(key)
            paywall_rows.confirm(connection, prints, "pw_one")
    assert client.chat().duplicate
    assert client.chat(reference="message-2").duplicate
    assert not client.chat(reference="message-3").duplicate
    assert len(rows.all()) == 3


def test_a_token_of_one_user_has_references_of_its_own(client: ChatClient) -> None:
    client.chat()
    made = client.post("tokens", {"label": "ann", "actions": "chat", "user": "ann"})
    token = made.body["token"]
    own = client.chat(key=token, prompt="something else")
    assert (own.outcome, own.duplicate) == ("answered", False)
    assert client.chat(key=token, prompt="something else").duplicate
    assert client.chat().duplicate
    long = client.chat(key=token, reference="r" * 223)
    assert (long.status, long.body["field"]) == (422, "reference")


def test_the_state_while_it_is_asked(
    client: ChatClient, paywall: SandboxPaywall, rows: ChatRows
) -> None:
    paywall.arm("chat", "hold", seconds=60)
    client.chat(wait=0)
    assert (rows.one().state, rows.one().leased) == (ASKING, True)
    paywall.release()
    once_answered(rows)
    assert rows.one().state == DONE


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"wait": 281}, "wait"),
        ({"wait": -1}, "wait"),
        ({"wait": "soon"}, "wait"),
        ({"wait": 1.5}, "wait"),
        ({"wait": 5, "reference": None}, "reference"),
        ({"callback_url": "https://example.com", "reference": None}, "reference"),
        ({"callback_url": "example.com/x"}, "callback_url"),
        ({"callback_url": "http://93.184.215.14/x"}, "callback_url"),
        ({"callback_url": "https://10.0.0.7/x"}, "callback_url"),
        ({"callback_url": "https://169.254.169.254/latest"}, "callback_url"),
        ({"callback_url": "https://me:word@93.184.215.14/x"}, "callback_url"),
        ({"callback_url": "https://93.184.215.14/" + "x" * 2_030}, "callback_url"),
    ],
)
def test_bad_input_is_told_and_nothing_is_asked(
    client: ChatClient, paywall: SandboxPaywall, values: dict[str, Any], field: str
) -> None:
    told = client.chat(**values)
    assert (told.status, told.body["field"]) == (422, field)
    assert told.body["message"]
    assert asked(paywall) == 0
