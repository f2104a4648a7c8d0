"""Two hours in which nobody is at home, in scaled time: upstream gives up after an hour.

Real processes: a connector that was killed and is started again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests.support.ports import free_port
from tests.support.processes import PATIENCE, SandboxPaywall, Server, running_connector, until
from tests.system.storm.receivers import KIND, Receiver, running_receiver

HOUR = "0.02"
"""The sandbox's first wait in seconds instead of 30: it gives up after 2.5 seconds, not an hour."""
DEPLETED, BLOCKED = "paywall.balance.depleted", "paywall.request.blocked"

pytestmark = pytest.mark.slow


@dataclass
class OutageSetup:
    """A paywall whose events come in at a connector that is there now and then."""

    database_url: str
    folder: Path
    paywall: SandboxPaywall
    port: int

    def connector(self) -> Any:
        """The connector, which is killed when the block is left."""
        address = f"http://127.0.0.1:{self.port}"
        return running_connector(
            self.database_url,
            self.paywall.address,
            self.folder,
            listen=f"127.0.0.1:{self.port}",
            public_url=address,
            allowed_targets="127.0.0.0/8",
        )

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One call of the connector that goes well."""
        answer = httpx.request(
            method,
            f"http://127.0.0.1:{self.port}/{path}",
            json=body,
            headers=self.paywall.bearer,
            timeout=PATIENCE,
            trust_env=False,
        )
        assert answer.status_code in (200, 201), answer.text
        return answer

    def send(self, kind: str, count: int) -> list[str]:
        """Let upstream have events."""
        body = {"type": kind, "count": count, "user": "user_1"}
        ids: list[str] = self.paywall._control("POST", "events", body)["ids"]
        return ids

    def two_hours(self, *given: tuple[str, int]) -> list[str]:
        """Events of both hours, all of which upstream has given up; their ids."""
        ids: list[str] = []
        for _ in range(2):
            for kind, count in given:
                ids += self.send(kind, count)
            until(lambda: not self.log("pending"))
        assert len(self.log("error")) == min(100, len(ids))
        return ids

    def log(self, status: str) -> list[Any]:
        """Upstream's newest deliveries with a status."""
        path = f"/v1/webhooks/logs?status={status}&limit=100"
        rows: list[Any] = self.paywall._ask("GET", path)["logs"]
        return rows

    def stored(self) -> list[str]:
        """The ids of the stored events of upstream."""
        engine = create_engine(self.database_url)
        try:
            with engine.connect() as connection:
                upstreams = text("SELECT event_id FROM events WHERE event_id NOT LIKE 'attention%'")
                return list(connection.execute(upstreams).scalars())
        finally:
            engine.dispose()

    def logged(self, event: str) -> bool:
        """Whether a connector has written a line of this event."""
        lines = "".join(file.read_text() for file in self.folder.glob("connector-*.log"))
        return f'"event":"{event}"' in lines


@pytest.fixture
def outage_setup(database_url: str, tmp_path: Path) -> Iterator[OutageSetup]:
    arguments = ["-m", "connector.sandbox", "--port", "0", "--retry-base", HOUR]
    sandbox = Server(arguments, {}, tmp_path / "sandbox.out")
    try:
        sandbox.listening()
        paywall = SandboxPaywall(sandbox.address, "outage")
        paywall._control("POST", "settings", {"deactivate_after": 1_000_000})
        outage_setup = OutageSetup(database_url, tmp_path, paywall, free_port())
        yield outage_setup
        paywall.close()
    finally:
        sandbox.close()


def test_one_poll_brings_two_hours_back(outage_setup: OutageSetup) -> None:
    with outage_setup.connector():
        until(lambda: outage_setup.ask("GET", "v1/me").json()["triggers_ready"])
        early = outage_setup.send(DEPLETED, 3)
        until(lambda: len(outage_setup.stored()) == 3)
        # One may have been read back before its delivery came: that must not meet the stop.
        until(lambda: not outage_setup.log("pending"))
    missed = outage_setup.two_hours((DEPLETED, 20), (BLOCKED, 20))
    with outage_setup.connector():
        assert sorted(outage_setup.stored()) == sorted(early), "nobody polled yet"
        outage_setup.ask("GET", "v1/triggers/any_event")
        until(lambda: len(outage_setup.stored()) >= len(early + missed))
        assert sorted(outage_setup.stored()) == sorted(early + missed)
        assert outage_setup.ask("GET", "v1/me").json()["possible_gap"] is False
    assert not outage_setup.logged("possible_gap")


def test_where_only_hooks_are_used_two_hours_are_pushed_without_any_poll(
    outage_setup: OutageSetup,
) -> None:
    with running_receiver(Receiver(KIND, 0)) as receiver:
        with outage_setup.connector():
            until(lambda: outage_setup.ask("GET", "v1/me").json()["triggers_ready"])
            hook = {"target_url": receiver.url, "trigger": "balance_depleted"}
            outage_setup.ask("POST", "v1/hooks", hook)
        missed = outage_setup.two_hours((DEPLETED, 20), (BLOCKED, 5))
        with outage_setup.connector():
            until(lambda: len(outage_setup.stored()) >= len(missed))
            until(lambda: len(receiver.taken) >= 40)
        assert sorted(outage_setup.stored()) == sorted(missed)
        assert sorted(receiver.taken) == sorted(missed[:20] + missed[25:45])


@pytest.mark.parametrize("hooks", [False, True], ids=["by a poll", "by the worker"])
def test_more_than_a_hundred_missed_of_one_kind_are_reported(
    outage_setup: OutageSetup, hooks: bool
) -> None:
    """In what Test Connection tells, in the log, and in the metrics."""
    with running_receiver(Receiver(KIND, 0)) as receiver:
        with outage_setup.connector():
            until(lambda: outage_setup.ask("GET", "v1/me").json()["triggers_ready"])
            if hooks:
                hook = {"target_url": receiver.url, "trigger": "any_event"}
                outage_setup.ask("POST", "v1/hooks", hook)
        missed = outage_setup.two_hours((DEPLETED, 60), (BLOCKED, 5))
        with outage_setup.connector():
            if not hooks:
                outage_setup.ask("GET", "v1/triggers/any_event")
            until(lambda: outage_setup.logged("possible_gap"))
            metrics = outage_setup.ask("GET", "metrics").text
            assert "connector_possible_gaps_total 1.0" in metrics
            told = outage_setup.ask("GET", "v1/me").json()
            assert told["possible_gap"] is True
            assert "Balance Depleted (error)" in told["triggers_message"]
            assert "Request Blocked" not in told["triggers_message"]
    kept = outage_setup.stored()
    assert len(kept) == 110, "of one kind as many as upstream shows, and all of the others"
    assert set(kept) < set(missed)
