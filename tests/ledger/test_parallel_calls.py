"""Fifty calls at once with one reference, over gunicorn with two workers."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from threading import Barrier
from urllib.parse import urlsplit

import pytest

from tests.ledger import rigged_server
from tests.support.charge_client import ORDER, Answer
from tests.support.processes import (
    PATIENCE,
    SandboxPaywall,
    Server,
    running_connector,
    until,
)

CALLS = 50


pytestmark = pytest.mark.xdist_group("parallel calls")


@pytest.fixture(scope="module")
def connector(
    database: str, upstream: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """A connector with two workers, for all tests here; each has a paywall of its own."""
    folder = tmp_path_factory.mktemp("connector")
    with running_connector(database, upstream.address, folder, workers="2") as server:
        yield server


def connections(server: Server) -> list[HTTPConnection]:
    """One open connection for each call, half of them held by each worker."""
    address = urlsplit(server.address)
    workers, opened = server.workers(2), []
    for worker in workers:
        other = next(pid for pid in workers if pid != worker)
        os.kill(other, signal.SIGSTOP)
        try:
            for _ in range(CALLS // 2):
                opened.append(HTTPConnection(address.hostname or "", address.port, PATIENCE))
                opened[-1].request("GET", "/healthz")
                opened[-1].getresponse().read()
        finally:
            os.kill(other, signal.SIGCONT)
    return opened


def volley(server: Server, paywall: SandboxPaywall, action: str, **values: str) -> list[Answer]:
    """The answers to the same call, made on all connections at the same moment."""
    opened = connections(server)
    start = Barrier(len(opened))

    def call(connection: HTTPConnection) -> Answer:
        start.wait(PATIENCE)
        connection.request("POST", f"/v1/{action}", json.dumps(ORDER | values), headers)
        answer = connection.getresponse()
        result = Answer(answer.status, json.loads(answer.read()))
        connection.close()
        return result

    headers = paywall.bearer | {"Content-Type": "application/json"}
    with ThreadPoolExecutor(len(opened)) as pool:
        return list(pool.map(call, opened))


def apart_from(answer: Answer, *names: str) -> dict[str, object]:
    """The body without what may differ between consistent answers."""
    return {n: v for n, v in answer.body.items() if n not in names}


def assert_done_once(answers: list[Answer]) -> None:
    assert len(answers) == CALLS
    assert {answer.status for answer in answers} == {200}
    assert [answer.duplicate for answer in answers].count(False) == 1
    first, *others = [apart_from(answer, "duplicate", "request_id") for answer in answers]
    assert first["success"] is True
    assert all(other == first for other in others)


def test_fifty_parallel_charges_are_one_upstream_request(
    connector: Server, paywall: SandboxPaywall
) -> None:
    answers = volley(connector, paywall, "charge")
    assert_done_once(answers)
    assert len(paywall.asked("charge")) == 1
    assert paywall.booked("charge") == [Decimal("1.5")]


def test_fifty_parallel_charges_are_one_request_even_if_upstream_forgets_keys(
    connector: Server, paywall: SandboxPaywall
) -> None:
    paywall.arm("charge", "forget_keys", times=1000)
    assert_done_once(volley(connector, paywall, "charge"))
    assert len(paywall.asked("charge")) == 1
    assert paywall.balance("ann") == Decimal("8.5")


def test_fifty_parallel_charges_wait_for_a_slow_upstream_together(
    connector: Server, paywall: SandboxPaywall
) -> None:
    paywall.arm("charge", "forget_keys", times=1000)
    paywall.arm("charge", "slow", seconds=3)
    assert_done_once(volley(connector, paywall, "charge"))
    assert len(paywall.asked("charge")) == 1


def test_fifty_parallel_deposits_are_one_upstream_request(
    connector: Server, paywall: SandboxPaywall
) -> None:
    paywall.arm("deposit", "forget_keys", times=1000)
    assert_done_once(volley(connector, paywall, "deposit"))
    assert len(paywall.asked("deposit")) == 1
    assert paywall.balance("ann") == Decimal("11.5")


def test_fifty_parallel_calls_for_a_refused_user_are_one_question_and_one_answer(
    database: str, upstream: Server, paywall: SandboxPaywall, tmp_path: Path
) -> None:
    """A refusal frees the reference, so the first answer is held back until all others wait."""
    rig = [rigged_server.__file__, "wait", "after the answer came", str(tmp_path)]
    with (
        running_connector(database, upstream.address, tmp_path, program=rig, workers="2") as server,
        ThreadPoolExecutor(1) as background,
    ):
        calls = background.submit(volley, server, paywall, "charge", user="poor")
        try:
            until(lambda: len(list(tmp_path.glob("waiting-*"))) == CALLS - 1)
        finally:
            (tmp_path / "go").touch()
        answers = calls.result()
    assert {(a.status, a.outcome, a.duplicate) for a in answers} == {(200, "topup_required", False)}
    links = {a.body["action_url"] for a in answers}
    assert len(links) == 1
    assert links.pop().startswith(f"{upstream.address}/checkout/")
    assert len({a.body["message"] for a in answers}) == 1
    assert len(paywall.asked("charge")) == 1
    assert paywall.booked("charge") == []
