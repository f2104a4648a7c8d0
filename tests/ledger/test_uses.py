"""Features over gunicorn: a crowd on two workers, and SIGKILL at every point of a use."""

from __future__ import annotations

import json
from collections import Counter as Tally
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from threading import Barrier

import httpx
import pytest

from connector import actions
from connector.deadline import Deadline
from connector.ledger import exactly_once
from connector.ledger.ends import OWNER
from connector.store import Store, make_engine
from connector.store.ledger_rows import DONE, PENDING
from tests.ledger import rigged_server
from tests.ledger.rows import Rows
from tests.ledger.test_kill import SIGKILLED
from tests.ledger.test_parallel_calls import CALLS, connections
from tests.support.processes import PATIENCE, SandboxPaywall, Server, running_connector

actions.load()
pytestmark = pytest.mark.xdist_group("parallel calls")
EACH = 4
"""How many uses are sent over each connection."""


def use(server: Server, paywall: SandboxPaywall, reference: str) -> str:
    """Use it once; the outcome, or an error's code."""
    values = {"user": "ann", "feature": "pdf", "reference": reference}
    told = httpx.post(
        f"{server.address}/v1/use",
        json=values,
        headers=paywall.bearer,
        timeout=PATIENCE,
        trust_env=False,
    ).json()
    return str(told.get("outcome") or told.get("code"))


def until_decided(
    connection: HTTPConnection, values: dict[str, str], headers: dict[str, str]
) -> str:
    """Use it as the tools of builders do, which send the same again after a 503: those who wait
    longer for the user's counter than the connector lets anybody wait are told so, and nothing was
    done. On a slow machine that happens to some of a crowd."""
    deadline = Deadline(PATIENCE)
    while True:
        connection.request("POST", "/v1/use", json.dumps(values), headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        if answer.status != HTTPStatus.SERVICE_UNAVAILABLE or deadline.left() <= 0:
            return str(told.get("outcome") or told.get("code"))


def left(server: Server, paywall: SandboxPaywall) -> tuple[int, str, str]:
    """What is free, what is spent and what the cap leaves."""
    told = httpx.get(
        f"{server.address}/v1/usage",
        params={"user": "ann", "feature": "pdf"},
        headers=paywall.bearer,
        trust_env=False,
    ).json()
    return told["free_left"], told["spent_today"], told["cap_left"]


def test_without_a_time_zone_the_day_ends_at_midnight_utc(
    database: str, paywall: SandboxPaywall, tmp_path: Path
) -> None:
    with running_connector(database, paywall.address, tmp_path) as server:
        told = httpx.get(
            f"{server.address}/v1/settings", headers=paywall.bearer, trust_env=False
        ).json()
    assert told["timezone"] == "UTC"
    assert told["day_ends_at"].endswith("T00:00:00.000Z")


def test_200_first_uses_on_two_workers(
    database: str, paywall: SandboxPaywall, tmp_path: Path
) -> None:
    with running_connector(database, paywall.address, tmp_path, workers="2") as server:
        paywall.set_feature(server, "pdf", price="0.25", free_per_day=3, cap_per_user_day="2.50")
        opened = connections(server)
        start = Barrier(len(opened))
        headers = paywall.bearer | {"Content-Type": "application/json"}

        def four(number: int, connection: HTTPConnection) -> list[str]:
            start.wait(PATIENCE)
            outcomes = []
            for again in range(EACH):
                values = {"user": "ann", "feature": "pdf", "reference": f"o-{number}-{again}"}
                outcomes.append(until_decided(connection, values, headers))
            connection.close()
            return outcomes

        with ThreadPoolExecutor(CALLS) as pool:
            told = [one for many in pool.map(four, range(CALLS), opened) for one in many]
        assert Tally(told) == {"free": 3, "charged": 10, "cap_reached": CALLS * EACH - 13}
        assert left(server, paywall) == (0, "2.5", "0")
    assert paywall.booked("charge") == [Decimal("0.25")] * 10


@pytest.mark.parametrize(
    ("point", "left_behind", "held"),
    [
        ("before the intent is committed", [], (0, "0", "0.5")),
        ("after the intent is committed", [PENDING], (0, "0.5", "0")),
        ("after the answer came", [PENDING], (0, "0.5", "0")),
        ("after the answer is committed", [DONE], (0, "0.5", "0")),
    ],
    ids=rigged_server.POINTS,
)
def test_a_kill_at_any_point_keeps_the_cap_and_takes_once(
    point: str,
    left_behind: list[str],
    held: tuple[int, str, str],
    database: str,
    paywall: SandboxPaywall,
    rows: Rows,
    tmp_path: Path,
) -> None:
    with running_connector(database, paywall.address, tmp_path) as server:
        paywall.set_feature(server, "pdf", price="0.5", cap_per_user_day="0.5")
    rig = [rigged_server.__file__, "die", point, str(tmp_path)]
    with running_connector(database, paywall.address, tmp_path, program=rig) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            use(server, paywall, "o-1")
        assert server.ended() == SIGKILLED
    assert [row.state for row in rows.all()] == left_behind
    rows.end_leases()
    with running_connector(database, paywall.address, tmp_path) as server:
        assert left(server, paywall) == held
        if left_behind:  # what is in doubt or done keeps its place
            assert use(server, paywall, "o-2") == "cap_reached"
        assert use(server, paywall, "o-1") == "charged"
        assert use(server, paywall, "o-2") == "cap_reached"
        assert left(server, paywall) == (0, "0.5", "0")
    assert paywall.booked("charge") == [Decimal("0.5")]


@pytest.mark.parametrize(
    "point", ["before the intent is committed", "after the intent is committed"]
)
def test_a_kill_never_loses_a_free_use(
    point: str, database: str, paywall: SandboxPaywall, rows: Rows, tmp_path: Path
) -> None:
    """One that is partly free: 1 of 2 is held with the doubt, and is free again after a no."""
    with running_connector(database, paywall.address, tmp_path) as server:
        paywall.set_feature(server, "pdf", price="100", free_per_day=1)
    rig = [rigged_server.__file__, "die", point, str(tmp_path)]
    values = {"user": "ann", "feature": "pdf", "reference": "o-1", "quantity": 2}
    with running_connector(database, paywall.address, tmp_path, program=rig) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            httpx.post(
                f"{server.address}/v1/use",
                json=values,
                headers=paywall.bearer,
                timeout=PATIENCE,
                trust_env=False,
            )
        assert server.ended() == SIGKILLED
    in_doubt = [row.id for row in rows.all() if row.state == PENDING]
    rows.end_leases()
    with running_connector(database, paywall.address, tmp_path) as server:
        assert left(server, paywall)[0] == (0 if in_doubt else 1)
    store = Store(make_engine(database, pool_size=1))
    for entry_id in in_doubt:
        exactly_once.resolve(store, entry_id, happened=False, who=OWNER)
    store.close()
    with running_connector(database, paywall.address, tmp_path) as server:
        assert left(server, paywall) == (1, "0", "")
    assert paywall.booked("charge") == []
