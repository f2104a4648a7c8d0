"""Refunds over gunicorn: a crowd on two workers, and SIGKILL at every point of a refund."""

from __future__ import annotations

import json
from collections import Counter as Tally
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from http.client import HTTPConnection
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx
import pytest

from connector import actions
from connector.store.ledger_rows import DONE, PENDING
from tests.ledger import rigged_server
from tests.ledger.rows import Rows
from tests.ledger.test_kill import SIGKILLED
from tests.ledger.test_parallel_calls import CALLS, connections
from tests.support.processes import PATIENCE, SandboxPaywall, Server, running_connector

actions.load()
pytestmark = pytest.mark.xdist_group("parallel calls")


def send(server: Server, paywall: SandboxPaywall, action: str, **values: str) -> Any:
    """Call an action; the answer's JSON."""
    return httpx.post(
        f"{server.address}/v1/{action}",
        json=values,
        headers=paywall.bearer,
        timeout=PATIENCE,
        trust_env=False,
    ).json()


def charged(server: Server, paywall: SandboxPaywall, amount: str) -> None:
    """Ann has 50 and pays some of them for o-1."""
    paywall.user("ann", balance="50")
    told = send(server, paywall, "charge", user="ann", amount=amount, reference="o-1")
    assert told["outcome"] == "charged"


def crowd(server: Server, paywall: SandboxPaywall, *, parts: str = "") -> Tally[str]:
    """Two refunds over each of 50 connections, half of them held by each worker: all of it under
    one name, or `parts` of it, each under a name of its own; how they were answered."""
    opened = connections(server)
    start = Barrier(len(opened))
    headers = paywall.bearer | {"Content-Type": "application/json"}

    def two(number: int, connection: HTTPConnection) -> list[str]:
        start.wait(PATIENCE)
        told = []
        for again in range(2):
            part = {"amount": parts, "refund_reference": f"r-{number}-{again}"} if parts else {}
            body = json.dumps({"reference": "o-1", **part})
            connection.request("POST", "/v1/refund", body, headers)
            answer = json.loads(connection.getresponse().read())
            word = "duplicate" if answer.get("duplicate") else answer.get("outcome")
            told.append(str(word or answer.get("code")))
        connection.close()
        return told

    with ThreadPoolExecutor(CALLS) as pool:
        return Tally(one for many in pool.map(two, range(CALLS), opened) for one in many)


def test_100_refunds_at_once_give_back_once(
    database: str, paywall: SandboxPaywall, tmp_path: Path
) -> None:
    with running_connector(database, paywall.address, tmp_path, workers="2") as server:
        charged(server, paywall, "5")
        assert crowd(server, paywall) == {"refunded": 1, "duplicate": 99}
        told = send(server, paywall, "charge", user="ann", amount="5", reference="o-1")
        assert (told["success"], told["outcome"]) == (False, "refunded")
    assert paywall.booked("deposit") == [Decimal(5)]


def test_100_parts_at_once_never_exceed_the_charge(
    database: str, paywall: SandboxPaywall, tmp_path: Path
) -> None:
    with running_connector(database, paywall.address, tmp_path, workers="2") as server:
        charged(server, paywall, "5")
        told = crowd(server, paywall, parts="0.4")
        assert told["refunded"] == 12
        assert sum(told.values()) == 100
        assert set(told) <= {"refunded", "invalid_field", "still_in_doubt"}
        rest = send(server, paywall, "refund", reference="o-1")
        assert (rest["amount"], rest["refunded_total"]) == ("0.2", "5")
    assert sum(paywall.booked("deposit")) == Decimal(5)


@pytest.mark.parametrize(
    ("point", "left_behind"),
    [
        ("before the intent is committed", [DONE]),
        ("after the intent is committed", [DONE, PENDING]),
        ("after the answer came", [DONE, PENDING]),
        ("after the answer is committed", [DONE, DONE]),
    ],
    ids=rigged_server.POINTS,
)
def test_a_kill_at_any_point_gives_back_once(
    point: str,
    left_behind: list[str],
    database: str,
    paywall: SandboxPaywall,
    rows: Rows,
    tmp_path: Path,
) -> None:
    part = {"reference": "o-1", "amount": "3", "refund_reference": "r-1"}
    with running_connector(database, paywall.address, tmp_path) as server:
        charged(server, paywall, "5")
    rig = [rigged_server.__file__, "die", point, str(tmp_path)]
    with running_connector(database, paywall.address, tmp_path, program=rig) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            send(server, paywall, "refund", **part)
        assert server.ended() == SIGKILLED
    assert sorted(row.state for row in rows.all()) == left_behind
    rows.end_leases()
    with running_connector(database, paywall.address, tmp_path) as server:
        if len(left_behind) == 2:  # what is in doubt or done keeps its place
            told = send(server, paywall, "refund", **(part | {"refund_reference": "r-2"}))
            assert told["code"] in ("still_in_doubt", "invalid_field")
        assert send(server, paywall, "refund", **part)["outcome"] == "refunded"
        assert send(server, paywall, "refund", reference="o-1")["refunded_total"] == "5"
    assert paywall.booked("deposit") == [Decimal(3), Decimal(2)]
