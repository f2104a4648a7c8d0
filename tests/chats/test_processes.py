"""Over gunicorn: a crowd on two workers, SIGKILL while a question is asked, and a graceful stop."""

from __future__ import annotations

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest

from connector.store.chat_rows import ASKING, DONE, UNKNOWN
from tests.chats.chat_client import CHAT, REPLY, once_answered
from tests.chats.rows import ChatRows
from tests.ledger.conftest import paywall
from tests.ledger.test_parallel_calls import CALLS, connections
from tests.support.processes import (
    PATIENCE,
    SandboxPaywall,
    Server,
    running_connector,
    until,
)

__all__ = ["paywall"]
pytestmark = pytest.mark.xdist_group("parallel calls")


def chat(server: Server, paywall: SandboxPaywall, **values: object) -> dict[str, Any]:
    """What a running connector tells."""
    answer = httpx.post(
        f"{server.address}/v1/chat",
        json=CHAT | values,
        headers=paywall.bearer,
        timeout=PATIENCE,
        trust_env=False,
    )
    told: dict[str, Any] = answer.json()
    return told


def test_fifty_parallel_calls_on_two_workers_are_one_question(
    database: str, paywall: SandboxPaywall, rows: ChatRows, tmp_path: Path
) -> None:
    paywall.arm("chat", "hold", times=CALLS, seconds=PATIENCE)
    with running_connector(
        database, paywall.address, tmp_path, workers="2", threads="200"
    ) as server:
        opened = connections(server)
        start = Barrier(len(opened))
        headers = paywall.bearer | {"Content-Type": "application/json"}

        def call(connection: HTTPConnection) -> dict[str, Any]:
            start.wait(PATIENCE)
            connection.request("POST", "/v1/chat", json.dumps(CHAT | {"wait": 50}), headers)
            told: dict[str, Any] = json.loads(connection.getresponse().read())
            connection.close()
            return told

        with ThreadPoolExecutor(CALLS) as pool:
            calls = [pool.submit(call, connection) for connection in opened]
            until(lambda: paywall.asked("chat"))
            paywall.release()
            told = [one.result() for one in calls]
    assert [one["outcome"] for one in told] == ["answered"] * CALLS
    assert {one["reply"] for one in told} == {REPLY}
    assert [one["duplicate"] for one in told].count(False) == 1
    assert len(paywall.asked("chat")) == 1


def test_a_kill_while_it_is_asked_leaves_unknown_and_never_a_second_question(
    database: str, paywall: SandboxPaywall, rows: ChatRows, tmp_path: Path
) -> None:
    paywall.arm("chat", "hold", seconds=PATIENCE)
    with running_connector(database, paywall.address, tmp_path) as server:
        assert chat(server, paywall, wait=0)["outcome"] == "pending"
        until(lambda: paywall.asked("chat"))
        server.kill()
    assert rows.one().state == ASKING
    with running_connector(database, paywall.address, tmp_path) as server:
        assert chat(server, paywall, wait=0)["outcome"] == "pending"  # nobody can tell yet
        rows.end_leases()
        for duplicate in (True, True):
            told = chat(server, paywall)
            assert (told["outcome"], told["success"]) == ("unknown", False)
            assert told["duplicate"] is duplicate
    assert rows.one().state == UNKNOWN
    paywall.release()
    assert len(paywall.asked("chat")) == 1


def test_a_stop_lets_waiters_go_and_finishes_the_question(
    database: str, paywall: SandboxPaywall, rows: ChatRows, tmp_path: Path
) -> None:
    """The waiter is told that it is pending; the answer comes while the process ends."""
    paywall.arm("chat", "hold", seconds=PATIENCE)
    with (
        running_connector(database, paywall.address, tmp_path, graceful_seconds="20") as server,
        ThreadPoolExecutor(1) as background,
    ):
        waiting = background.submit(chat, server, paywall, wait=50)
        until(lambda: paywall.asked("chat"))
        os.kill(server.pid, signal.SIGTERM)
        assert waiting.result()["outcome"] == "pending"
        paywall.release()
        server.ended()
    once_answered(rows)
    assert rows.one().state == DONE
    with running_connector(database, paywall.address, tmp_path) as server:
        told = chat(server, paywall)
    assert (told["reply"], told["duplicate"]) == (REPLY, True)
    assert len(paywall.asked("chat")) == 1
