"""Whatever upstream does, an action answers within 24 seconds, before the tools give up at 30."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from connector.api.services import services
from connector.app import create_app
from connector.store import make_engine, migrate
from tests.conftest import BEARER, settings_for
from tests.upstream.faulty_upstream import (
    Talk,
    answering,
    hang_up,
    in_turn,
    running_faulty_upstream,
    silent,
)

# The tools' limit, not ours of 24 s: a busy machine may be late; a missing limit costs more.
TOOLS_GIVE_UP = 30.0
CHARGE = {"user": "ann", "amount": "1", "reference": "order-1"}
CHAT = {"user": "ann", "model": "m", "prompt": "a canary prompt"}
USER = {"user": "ann"}


def after(seconds: float, talk: Talk) -> Talk:
    def later(connection: socket.socket, over: threading.Event) -> None:
        over.wait(seconds)
        talk(connection, over)

    return later


# Late, but seconds before each limit: how busy the machine is must not decide which answer comes.
PROOF = after(1, answering({"subscriptions": []}))
REFUSAL = after(12, answering({"success": False, "message": "Not now."}))
Worst = dict[str, tuple[Talk, str, dict[str, str], int, str]]


def worst() -> Worst:
    """Made anew for each test: who talks in turn begins at the beginning only once."""
    return {
        "slow proof, then silence": (
            in_turn(PROOF, silent),
            "charge",
            CHARGE,
            504,
            "upstream_timeout",
        ),
        "no proof": (silent, "deposit", CHARGE, 504, "upstream_timeout"),
        "a silent chat": (silent, "chat", CHAT, 504, "upstream_timeout"),
        "a silent read": (silent, "connection", USER, 504, "upstream_timeout"),
        "late failures": (after(9, answering({}, 500)), "balance", USER, 504, "upstream_timeout"),
        "a late refusal, then silence": (
            in_turn(PROOF, REFUSAL, silent),
            "charge",
            CHARGE,
            200,
            "declined",
        ),
    }


@contextlib.contextmanager
def connected(tmp_path: Path, name: str, talk: Talk) -> Iterator[Flask]:
    """A connector whose upstream behaves like `talk`."""
    with running_faulty_upstream(talk) as faulty:
        settings = settings_for(f"sqlite:///{tmp_path}/{name}.sqlite3", upstream_url=faulty.url)
        engine = make_engine(settings.database_url)
        migrate.upgrade(engine)
        engine.dispose()
        app = create_app(settings)
        yield app
        with app.app_context():
            services().store.close()


def timed(app: Flask, action: str, values: dict[str, str]) -> tuple[float, Any]:
    began = time.monotonic()
    answer = app.test_client().post(f"/v1/{action}", json=values, headers=BEARER)
    took = time.monotonic() - began
    with app.app_context():
        hang_up(services().client)
    return took, answer


@pytest.mark.slow
def test_every_action_answers_within_its_budget_in_the_worst_case(tmp_path: Path) -> None:
    rows = worst()
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(len(rows)) as pool:
        apps = {n: stack.enter_context(connected(tmp_path, n, row[0])) for n, row in rows.items()}
        jobs = {n: pool.submit(timed, apps[n], row[1], row[2]) for n, row in rows.items()}
        items = {name: job.result() for name, job in jobs.items()}
    for name, (seconds, answer) in items.items():
        *_, status, code = rows[name]
        told = answer.get_json()
        assert seconds < TOOLS_GIVE_UP, name
        assert (name, answer.status_code) == (name, status), told
        if status == 200:
            assert (told["outcome"], told["message"]) == (code, "Not now.")
        else:
            assert (told["code"], told["retryable"]) == (code, name != "a silent chat")
