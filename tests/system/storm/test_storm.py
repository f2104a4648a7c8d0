"""Events keep coming while the connector is killed again and again, and its database restarted.

At the end every event is stored once, no reader has missed or repeated one, and every live hook
got each of them. The size is the one of a pull request; for the whole storm:

    STORM_EVENTS=10000 STORM_KILLS=50 STORM_RESTARTS=5 pytest -m slow -s tests/system/storm
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine, text

from tests.conftest import POOLED, SECRET
from tests.support.ports import free_port
from tests.support.processes import PATIENCE, SandboxPaywall, Server, until
from tests.system.storm.conftest import Database
from tests.system.storm.readers import OWN, Reader
from tests.system.storm.receivers import FAULTY, GONE_AFTER, KIND, Receiver, running_receiver

EVENTS = int(os.environ.get("STORM_EVENTS", "400"))
KILLS = int(os.environ.get("STORM_KILLS", "5"))
RESTARTS = int(os.environ.get("STORM_RESTARTS", "1"))
SEED = int(os.environ.get("STORM_SEED", "20260131"))

LEASE_SECONDS = 60
"""For so long, what a killed worker had begun to push is left alone."""
PUSH_SECONDS = 0.06
"""What the pushes of one event may take on a busy machine, rude receivers included."""
LOOK_SECONDS = 0.25
STRAGGLERS = 60
"""How many events may still be on their way when the next ones are sent: fewer than upstream's log
shows of one type and status, so that what it gives up can be read back."""
PUSH_SCHEDULE = ",".join(["1"] * 10 + ["2"] * 10)
RETRY_BASE = "0.3"
"""Upstream gives up after forty seconds here, not after an hour."""
TYPES = (
    "paywall.balance.depleted",
    "paywall.balance.charge.created",
    "paywall.balance.deposit.created",
    "paywall.request.blocked",
    "paywall.usage.charge.created",
)


@dataclass
class Storm:
    """The connector that is killed, the upstream that sends, and who looks at what comes out."""

    database: Database
    folder: Path
    sandbox: Server
    paywall: SandboxPaywall
    rng: random.Random
    port: int = field(default_factory=free_port)
    sent: dict[str, str] = field(default_factory=dict)
    server: Server | None = None
    starts: int = 0
    spent: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    @property
    def address(self) -> str:
        """Where the connector is, whenever it is there."""
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Add the seconds of the block to `spent`."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.spent[what] += time.monotonic() - began

    def start(self) -> None:
        """Start the connector; returns when it can work."""
        settings = {
            "database_url": self.database.url,
            "upstream_url": f"{self.sandbox.address}/v1",
            "secret_keys": SECRET,
            "rate_limit": "off",
            "listen": f"127.0.0.1:{self.port}",
            "public_url": self.address,
            "workers": str(self.database.workers),
            "threads": "32",
            "allowed_targets": "127.0.0.0/8",
            "retry_schedule": PUSH_SCHEDULE,
            "log_level": "warning",
        }
        environ = {f"CONNECTOR_{name.upper()}": value for name, value in settings.items()}
        self.starts += 1
        log = self.folder / f"connector-{self.starts}.log"
        self.server = Server(["-m", "connector", "serve"], environ, log)
        with self.timed("starts"):
            until(self._ready)

    def kill(self) -> None:
        """SIGKILL to all of it; with several workers, now and then to one of them only."""
        assert self.server is not None
        if self.database.workers > 1 and self.rng.random() < 0.3:
            victim = self.rng.choice(self.server.workers(self.database.workers))
            os.kill(victim, 9)
            return
        self.close()
        self.start()

    def close(self) -> None:
        """The end of the connector that runs."""
        if self.server is not None:
            self.server.close()
            self.server = None

    def send(self, count: int) -> None:
        """Let upstream have so many events, of all types."""
        for number, kind in enumerate(TYPES):
            share = count // len(TYPES) + (number < count % len(TYPES))
            if share:
                body = {"type": kind, "count": share, "user": f"user-{number}"}
                made = self.paywall._control("POST", "events", body)
                assert made["deliveries"] == share
                self.sent |= dict.fromkeys(made["ids"], kind)

    def on_its_way(self) -> bool:
        """Whether upstream still tries to send something."""
        return bool(self.log("pending"))

    def log(self, status: str) -> list[dict[str, Any]]:
        """Upstream's newest deliveries with a status."""
        path = f"/v1/webhooks/logs?status={status}&limit=100"
        result: list[dict[str, Any]] = self.paywall._ask("GET", path)["logs"]
        return result

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """One call of the connector."""
        answer = httpx.request(
            method,
            f"{self.address}/v1/{path}",
            json=body,
            headers=self.paywall.bearer,
            timeout=PATIENCE,
            trust_env=False,
        )
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    def stored(self) -> list[str]:
        """The ids of upstream's events in their order, which have numbers without a gap together
        with the connector's own: a hook is switched off here, and events may be missing."""
        engine = create_engine(self.database.url.replace("postgresql:", "postgresql+psycopg:"))
        try:
            with engine.connect() as connection:
                rows = connection.execute(text("SELECT seq, event_id FROM events ORDER BY seq"))
                numbered = [(row.seq, row.event_id) for row in rows]
        finally:
            engine.dispose()
        assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
        return [event_id for _, event_id in numbered if not event_id.startswith(OWN)]

    def _ready(self) -> bool:
        assert self.server is not None
        if self.server._gone(0):
            raise RuntimeError(f"it ended:\n{self.server._output.read_text()}")
        with contextlib.suppress(httpx.TransportError):
            answer = httpx.get(f"{self.address}/readyz", timeout=PATIENCE, trust_env=False)
            return answer.status_code == 200
        return False


@pytest.fixture
def storm(database: Database, tmp_path: Path) -> Iterator[Storm]:
    """A connector that runs, and a paywall whose events come in."""
    arguments = ["-m", "connector.sandbox", "--port", "0", "--retry-base", RETRY_BASE]
    sandbox = Server(arguments, {}, tmp_path / "sandbox.out")
    storm: Storm | None = None
    try:
        sandbox.listening()
        paywall = SandboxPaywall(sandbox.address, "storm")
        storm = Storm(database, tmp_path, sandbox, paywall, random.Random(SEED))
        paywall._control("POST", "settings", {"deactivate_after": 1_000_000})
        storm.start()
        until(lambda: storm is not None and storm.ask("GET", "me")["triggers_ready"])
        yield storm
        paywall.close()
    finally:
        if storm is not None:
            storm.close()
        sandbox.close()


@pytest.mark.slow
def test_every_event_arrives_once_whatever_is_killed(storm: Storm) -> None:
    began = time.monotonic()
    receivers = {
        "any_event": Receiver(KIND, SEED),
        "request_blocked": Receiver(FAULTY, SEED + 1),
        "balance_depleted": Receiver(FAULTY, SEED + 2),
        "usage_charge_created": Receiver(FAULTY, SEED + 3, gone_after=GONE_AFTER),
    }
    readers = [
        Reader(storm.address, storm.paywall.key, "any_event", 100, by_header=True),
        Reader(storm.address, storm.paywall.key, "any_event", 20, by_header=False),
        Reader(storm.address, storm.paywall.key, "balance_depleted", 50, by_header=True),
    ]
    restarts = 0
    with contextlib.ExitStack() as running:
        for trigger, receiver in receivers.items():
            running.enter_context(running_receiver(receiver))
            storm.ask("POST", "hooks", {"target_url": receiver.url, "trigger": trigger})
        for reader in readers:
            reader.start()
            running.callback(reader.stop)
        restart_at = set(storm.rng.sample(range(KILLS), min(RESTARTS, KILLS)))
        for turn in range(KILLS):
            count = EVENTS // KILLS + (turn < EVENTS % KILLS)
            late = min(len(storm.sent), STRAGGLERS)
            enough = len(storm.sent) - late + max(1, round(count * storm.rng.random() * 0.8))
            with storm.timed("sending"):
                storm.send(count)
            with storm.timed("coming in"):
                # A reading-back that is killed keeps others from it for two minutes.
                until(lambda enough=enough: len(readers[0].ids) >= enough, PATIENCE * 4)  # type: ignore[misc]
            if storm.database.restart is not None and turn in restart_at:
                with storm.timed("database"):
                    storm.database.restart()
                restarts += 1
            storm.kill()
        with storm.timed("upstream's retries"):
            eventually(lambda: not storm.on_its_way(), PATIENCE * 2)
        given_up = len(storm.log("error"))  # 100 are a hundred or more
        storm.close()
        storm.start()  # after a restart, whatever upstream gave up is read back by the next poll
        eventually(lambda: all(len(reader.ids) >= EVENTS for reader in readers[:2]))
        stormed = time.monotonic() - began
        live = {
            trigger: one for trigger, one in receivers.items() if trigger != "usage_charge_created"
        }
        eventually(
            lambda: not any(_missing(storm, *one) for one in live.items()),
            LEASE_SECONDS * 3 + EVENTS * PUSH_SECONDS,
        )
        hooks = {hook["trigger"]: hook["state"] for hook in storm.ask("GET", "hooks")}
    _tell(storm, restarts, given_up, stormed, time.monotonic() - began, readers, receivers)

    in_order = storm.stored()
    assert sorted(in_order) == sorted(storm.sent)
    depleted = [event_id for event_id in in_order if storm.sent[event_id] == TYPES[0]]
    assert readers[0].ids == in_order
    assert readers[1].ids == in_order
    assert readers[2].ids == depleted
    assert hooks == dict.fromkeys(live, "active") | {"usage_charge_created": "off"}


def eventually(look: Callable[[], bool], patience: float = PATIENCE) -> None:
    """Returns once `look` is true; looks seldom, because a look costs. Raises TimeoutError when
    that does not happen in time."""
    deadline = time.monotonic() + patience
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError("what the test waits for did not happen")
        time.sleep(LOOK_SECONDS)


def _missing(storm: Storm, trigger: str, receiver: Receiver) -> set[str]:
    """The events that a receiver should have got and has not."""
    kind = "" if trigger == "any_event" else "paywall." + trigger.replace("_", ".")
    wanted = {event_id for event_id, sent in storm.sent.items() if kind in ("", sent)}
    return wanted - receiver.taken.keys()


def _tell(
    storm: Storm,
    restarts: int,
    given_up: int,
    stormed: float,
    seconds: float,
    readers: list[Reader],
    receivers: dict[str, Receiver],
) -> None:
    """The figures, for the log of the run."""
    twice = sum(count - 1 for one in receivers.values() for count in one.taken.values())
    sys.stdout.write(
        f"\n{storm.database.url.split(':')[0]}{' behind PgBouncer' if POOLED else ''}: "
        f"{EVENTS} events, {KILLS} kills "
        f"({storm.starts} starts), {restarts} restarts of the database, {given_up} given up by "
        f"upstream and read back; {sum(r.polls for r in readers)} polls, "
        f"{sum(r.failures for r in readers)} of them in vain; "
        f"{sum(r.pushes for r in receivers.values())} pushes, {twice} taken more than once; "
        f"all stored and read after {stormed:.0f} s, all pushed after {seconds:.0f} s; "
        f"of these: {', '.join(f'{what} {time:.0f} s' for what, time in storm.spent.items())}\n"
    )
