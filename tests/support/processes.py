"""Real processes for tests: `connector serve` and `connector sandbox` on free ports.

Each is the head of a process group of its own, writes its output to a file, and is gone with all
its workers when its `with` block is left.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import httpx
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from tests.conftest import SECRET
from tests.support.days import zone_at_noon

PATIENCE = 60.0
"""Seconds after which something that should happen counts as never happening."""
_LOOK = 0.01
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "paywalls-connector"
_COMPILED = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(_CACHE / "pycache")}
"""Where a server's modules are kept compiled, even if the tests' own are not: without that, it
takes three times as long to start."""
_LISTENS = re.compile(rb"(http://127\.0\.0\.1:\d+)")
T = TypeVar("T")


def until(look: Callable[[], T | None], patience: float = PATIENCE) -> T:
    """The first true thing that `look` gives. Raises TimeoutError when none comes in time."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        if result := look():
            return result
        time.sleep(_LOOK)
    raise TimeoutError("what the test waits for did not happen")


class Server:
    """A running server: `address` is its URL, `pid` the head of its process group."""

    def __init__(self, arguments: Sequence[str], settings: dict[str, str], output: Path) -> None:
        self.address, self._output = "", output
        # All processes of the group inherit one end of a pipe: it closes when the last one ended.
        self._end, held = os.pipe()
        inherited = {n: v for n, v in os.environ.items() if not n.startswith("CONNECTOR_")}
        with output.open("wb") as stream:
            self._head = subprocess.Popen(
                [sys.executable, *arguments],
                env=inherited | _COMPILED | settings,
                cwd=output.parent,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(held,),
            )
        os.close(held)
        self.pid = self._head.pid

    def listening(self) -> None:
        """Returns once it has told its address. Raises RuntimeError if it ends instead."""

        def told() -> re.Match[bytes] | None:
            if self._gone(0):
                raise RuntimeError(f"the server ended:\n{self._output.read_text()}")
            return _LISTENS.search(self._output.read_bytes())

        self.address = until(told)[1].decode()

    def log(self) -> str:
        """What it has written."""
        return self._output.read_text()

    def workers(self, count: int) -> list[int]:
        """The process ids of its workers, once there are `count`."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")

        def all_of_them() -> list[int]:
            items = [int(pid) for pid in children.read_text().split()]
            return items if len(items) == count else []

        return until(all_of_them)

    def kill(self) -> None:
        """SIGKILL to the head and all workers at once; returns when none is left."""
        if self._head.returncode is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.ended()

    def ended(self) -> int:
        """Wait until the head and all workers have ended; the head's exit code."""
        if not self._gone(PATIENCE):
            raise TimeoutError("the server did not end")
        return self._head.wait()

    def close(self) -> None:
        """Kill what still runs, and remove what it could not remove itself."""
        self.kill()
        os.close(self._end)
        for folder in Path("/dev/shm").glob(f"connector-metrics-{self.pid}-*"):
            shutil.rmtree(folder)

    def _gone(self, patience: float) -> bool:
        return bool(select.select([self._end], [], [], patience)[0])


@contextlib.contextmanager
def _running(arguments: Sequence[str], settings: dict[str, str], output: Path) -> Iterator[Server]:
    server = Server(arguments, settings, output)
    try:
        server.listening()
        yield server
    finally:
        server.close()


@contextlib.contextmanager
def running_connector(
    database_url: str,
    upstream: str,
    folder: Path,
    *,
    program: Sequence[str] = ("-m", "connector", "serve"),
    **settings: str,
) -> Iterator[Server]:
    """A connector before the sandbox at `upstream`, ready to answer; its log goes to `folder`.

    `settings` by lower-case name; `program` is what Python runs.
    """
    given = {
        "database_url": database_url,
        "upstream_url": f"{upstream}/v1",
        "secret_keys": SECRET,
        "rate_limit": "off",
        "listen": "127.0.0.1:0",
        "threads": "64",
    } | settings
    environ = {f"CONNECTOR_{name.upper()}": value for name, value in given.items()}
    number = len(list(folder.glob("connector-*.log"))) + 1
    with _running(program, environ, folder / f"connector-{number}.log") as server:
        httpx.get(f"{server.address}/readyz", timeout=PATIENCE, trust_env=False).raise_for_status()
        yield server


@contextlib.contextmanager
def running_sandbox(folder: Path) -> Iterator[Server]:
    """A sandbox of the upstream API."""
    with _running(["-m", "connector.sandbox", "--port", "0"], {}, folder / "sandbox.out") as server:
        yield server


@contextlib.contextmanager
def postgres_database(server: str) -> Iterator[str]:
    """An empty database for servers that several tests share."""
    name = f"connector_test_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        engine.dispose()


class SandboxPaywall:
    """One paywall of a sandbox: its key, what it saw and booked, what it shall do wrong. The
    sandbox is a running one, or `transport` leads to it."""

    def __init__(
        self, address: str, name: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.address, self.name = address, name
        self.key = f"sk-paywalls-sandbox-{name}"
        self._http = httpx.Client(
            base_url=address, trust_env=False, timeout=PATIENCE, transport=transport
        )

    @property
    def bearer(self) -> dict[str, str]:
        """The header that its owner's tools send."""
        return {"Authorization": f"Bearer {self.key}"}

    def arm(self, operation: str, kind: str, times: int = 1, seconds: float = 1.0) -> None:
        """Do something wrong to the next `times` requests of an operation."""
        fault = {"operation": operation, "kind": kind, "times": times, "seconds": seconds}
        self._control("POST", "faults", fault)

    def release(self) -> int:
        """Let the requests go on that the fault `hold` holds right now; how many there were."""
        return int(self._control("POST", "release", {})["released"])

    def user(self, user: str, **state: object) -> None:
        """Set a user's `balance` (a decimal string) or whether they are `connected`."""
        self._control("POST", f"users/{user}", state)

    def set_feature(self, connector: Server, name: str = "pdf-parse", **rule: object) -> None:
        """Set at a connector what a feature of this paywall costs; its day does not end soon."""
        self.set_noon(connector)
        self._put(connector, f"features/{name}", rule)

    def set_noon(self, connector: Server) -> None:
        """Set at a connector that it is noon at this paywall: its day does not end soon."""
        self._put(connector, "settings", {"timezone": zone_at_noon()})

    def _put(self, connector: Server, path: str, values: dict[str, Any]) -> None:
        address = f"{connector.address}/v1/{path}"
        answer = httpx.put(address, json=values, headers=self.bearer, trust_env=False)
        answer.raise_for_status()

    def settings(self, **changed: object) -> None:
        """Change how the paywall behaves, such as its `decline_wording`."""
        self._control("POST", "settings", changed)

    def balance(self, user: str) -> Decimal:
        """A user's balance."""
        return Decimal(self._control("GET", f"users/{user}")["balance"])

    def asked(self, operation: str) -> list[dict[str, Any]]:
        """The requests of an operation that came, oldest first."""
        rows: list[dict[str, Any]] = self._control("GET", "requests")
        return [row for row in rows if row["operation"] == operation]

    def keys(self, operation: str) -> list[str]:
        """The idempotency keys with which an operation was asked for."""
        return [str(row["idempotency_key"]) for row in self.asked(operation)]

    def booked(self, kind: str) -> list[Decimal]:
        """The amounts of the charges or deposits in its ledger."""
        rows = self._control("GET", "ledger")
        return [Decimal(row["amount"]) for row in rows if row["type"] == kind]

    def notes(self, kind: str) -> list[dict[str, Any]]:
        """The metadata of the charges or deposits in its ledger."""
        rows = self._control("GET", "ledger")
        return [row["metadata"] for row in rows if row["type"] == kind]

    def rotate(self) -> None:
        """Replace the key; the old one is refused from now on."""
        self.key = self._control("POST", "rotate", {})["key"]

    def reset(self) -> None:
        """Let it forget everything but its id; its first key is valid again."""
        self.key = self._control("POST", "reset", {})["key"]

    def emit(self, kind: str, user: str, **data: object) -> None:
        """Have an event of a type happen to a user."""
        self._control("POST", "events", {"type": kind, "user": user, "data": data})

    def advance(self, seconds: float) -> None:
        """Put its clock forward."""
        self._control("POST", "clock", {"advance": seconds})

    def tell_its_id(self) -> None:
        """Have a subscription from now on: only through one does upstream tell a paywall's id."""
        body = {"url": "https://receiver.example/hook", "events": ["paywall.archived"]}
        self._ask("POST", "/v1/webhooks/subscriptions", body)

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _control(self, method: str, path: str, body: object = None) -> Any:
        return self._ask(method, f"/_sandbox/{path}", body)

    def _ask(self, method: str, path: str, body: object = None) -> Any:
        answer = self._http.request(method, path, json=body, headers=self.bearer)
        answer.raise_for_status()
        return answer.json()
