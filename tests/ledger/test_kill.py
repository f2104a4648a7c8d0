"""SIGKILL to the whole connector at every point of a charge, a restart, the same call again.

The dying connector is the served one, rigged from outside (`rigged_server.py`); the one that takes
over on the same database is not rigged at all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import httpx
import pytest

from connector.store.ledger_rows import DONE, PENDING
from tests.ledger import rigged_server
from tests.ledger.rows import Rows
from tests.support.charge_client import call
from tests.support.processes import SandboxPaywall, running_connector, until

SIGKILLED = -9
ONCE = [Decimal("1.5")]


def die(point: str, database_url: str, paywall: SandboxPaywall, folder: Path) -> None:
    """Charge once with a connector that is killed at `point`; no answer comes."""
    rig = [rigged_server.__file__, "die", point, str(folder)]
    with running_connector(database_url, paywall.address, folder, program=rig) as server:
        with pytest.raises(httpx.RemoteProtocolError):
            call(server, paywall)
        assert server.ended() == SIGKILLED


@pytest.mark.parametrize(
    ("point", "left_behind", "booked", "asked", "duplicate"),
    [
        ("before the intent is committed", [], [], 1, False),
        ("after the intent is committed", [PENDING], [], 1, False),
        ("after the answer came", [PENDING], ONCE, 2, False),
        ("after the answer is committed", [DONE], ONCE, 1, True),
    ],
    ids=rigged_server.POINTS,
)
def test_a_kill_at_any_point_leaves_one_charge(
    point: str,
    left_behind: list[str],
    booked: list[Decimal],
    asked: int,
    duplicate: bool,
    database: str,
    paywall: SandboxPaywall,
    rows: Rows,
    tmp_path: Path,
) -> None:
    die(point, database, paywall, tmp_path)
    assert [row.state for row in rows.all()] == left_behind
    assert paywall.booked("charge") == booked
    rows.end_leases()
    with running_connector(database, paywall.address, tmp_path) as server:
        answer = call(server, paywall)
    assert (answer.status, answer.outcome, answer.duplicate) == (200, "charged", duplicate)
    assert rows.one().state == DONE
    assert paywall.booked("charge") == ONCE
    assert len(paywall.asked("charge")) == asked
    assert len(set(paywall.keys("charge"))) == 1


def test_a_kill_while_upstream_is_at_work_leaves_one_charge(
    database: str, paywall: SandboxPaywall, rows: Rows, tmp_path: Path
) -> None:
    paywall.arm("charge", "slow", seconds=2)
    with (
        running_connector(database, paywall.address, tmp_path) as server,
        ThreadPoolExecutor(1) as background,
    ):
        lost = background.submit(call, server, paywall)
        until(lambda: paywall.asked("charge"))
        server.kill()
        assert isinstance(lost.exception(), httpx.RemoteProtocolError | httpx.ReadError)
    assert rows.one().state == PENDING
    assert paywall.booked("charge") == []
    rows.end_leases()
    with running_connector(database, paywall.address, tmp_path) as server:
        answer = call(server, paywall)
    assert (answer.status, answer.outcome) == (200, "charged")
    assert until(lambda: paywall.booked("charge")) == ONCE
    assert len(set(paywall.keys("charge"))) == 1


def test_after_a_kill_nothing_is_sent_until_the_lease_has_ended(
    database: str, paywall: SandboxPaywall, rows: Rows, tmp_path: Path
) -> None:
    """The lease of the dead holds: who is at work upstream, if anybody, cannot be told."""
    die("after the intent is committed", database, paywall, tmp_path)
    rig = [rigged_server.__file__, "wait", "after the answer is committed", str(tmp_path)]
    (tmp_path / "go").touch()
    with (
        running_connector(database, paywall.address, tmp_path, program=rig) as server,
        ThreadPoolExecutor(1) as background,
    ):
        again = background.submit(call, server, paywall)
        until(lambda: list(tmp_path.glob("waiting-*")))
        assert rows.one().leased
        assert paywall.asked("charge") == []
        rows.end_leases()
        assert again.result().outcome == "charged"
    assert paywall.booked("charge") == ONCE
