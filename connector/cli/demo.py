"""The demo: a sandbox and a connector, really served, in a temporary folder."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

import click

from connector.brands import PAYWALLS, Brand
from connector.cli.tour import Tour
from connector.config.settings import is_loopback

_START_SECONDS = 30
_STOP_SECONDS = 15
EXAMPLE_USER = "user_42"
_HERE = "127.0.0.0/8"
_CONTAINERS = f"{_HERE},172.16.0.0/12"
"""Where triggers may be sent to in the demo: to this machine, and to containers on it."""


class Demo:
    """Starts both servers on entering and stops both on leaving, however it is left."""

    def __init__(self, host: str, port: int, sandbox_port: int, brand: Brand = PAYWALLS) -> None:
        self._host, self._port, self._sandbox_port = host, port, sandbox_port
        self._brand, self._key = brand, brand.first_sandbox_key
        self._address = f"http://127.0.0.1:{port}"
        self._started: list[subprocess.Popen[bytes]] = []
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Demo:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        for port, option in ((self._port, "PORT"), (self._sandbox_port, "SANDBOX_PORT")):
            if _taken(port):
                self._fail(
                    f"Port {port} is in use. Stop what uses it, or choose another one: "
                    f"make demo {option}={port + 10}"
                )
        folder = Path(
            self._stack.enter_context(tempfile.TemporaryDirectory(prefix="paywalls-demo-"))
        )
        try:
            self._start(folder)
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def tour(self) -> bool:
        """Walk the tour; whether every step was as it should be."""
        user = f"demo-{secrets.token_hex(3)}"
        passed = Tour(self._address, self._key, user, click.echo).run()
        click.echo("\nEverything works." if passed else "\nA step was not as it should be.")
        return passed

    def keep_serving(self) -> None:
        """Print what to try, then serve until Ctrl-C."""
        key = f"-H 'Authorization: Bearer {self._key}'"
        click.echo(
            f"\nNow it is yours, until you press Ctrl-C.\n"
            f"  connector  {self._address}  (all actions to click: {self._address}/docs)\n"
            f"  for tools  {self._address}/specs  (Zapier, n8n, FlowXO)\n"
            f"  key        {self._key}\n"
            f"  also       {self._brand.sandbox_key}shared (users must authorize first)\n"
            "Nothing is kept when it stops. What the actions can do: README.md and docs/.\n\n"
            f"  curl {key} '{self._address}/v1/balance?user=ann'\n"
            f"  curl {key} {self._address}/v1/deposit -d user=ann -d amount=5 -d reference=gift-1\n"
            f"  curl {key} {self._address}/v1/charge -d user=ann -d amount=0.5 -d reference=order-1"
        )
        with contextlib.suppress(KeyboardInterrupt):
            while all(process.poll() is None for process in self._started):
                time.sleep(0.5)
            self._fail("One of the servers has stopped by itself; the lines above say why.")
        click.echo("\nStopping …")

    def _start(self, folder: Path) -> None:
        click.echo("Starting the sandbox and the connector …")
        sandbox = ["sandbox", "--port", str(self._sandbox_port), "--brand", self._brand.name]
        self._run(sandbox, {}, folder)
        self._run(
            ["serve"],
            {
                "CONNECTOR_UPSTREAM_URL": f"http://127.0.0.1:{self._sandbox_port}/v1",
                "CONNECTOR_DATABASE_URL": f"sqlite:///{folder}/demo.sqlite3",
                "CONNECTOR_SECRET_KEYS": secrets.token_urlsafe(32),
                "CONNECTOR_LISTEN": f"{self._host}:{self._port}",
                "CONNECTOR_PUBLIC_URL": self._address,
                "CONNECTOR_ALLOWED_TARGETS": _HERE if is_loopback(self._host) else _CONTAINERS,
                "CONNECTOR_LOG_LEVEL": "warning",
            },
            folder,
        )
        self._await(f"http://127.0.0.1:{self._sandbox_port}/v1/models", answers=401)
        self._await(f"{self._address}/readyz", answers=200)
        self._make_examples_work()

    def _make_examples_work(self) -> None:
        """The user of the examples has something to spend, and the feature that they use costs
        something: it is free three times a day, then for a price."""
        user = f"http://127.0.0.1:{self._sandbox_port}/_sandbox/users/{EXAMPLE_USER}"
        feature = f"{self._address}/v1/features/pdf-parse"
        self._send("POST", user, b'{"balance": "10"}')
        self._send("PUT", feature, b'{"price": "0.25", "free_per_day": 3}')

    def _send(self, method: str, url: str, body: bytes) -> None:
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        asked = urllib.request.Request(url, body, headers, method=method)  # noqa: S310 -- our own
        try:
            urllib.request.urlopen(asked, timeout=_START_SECONDS).close()  # noqa: S310
        except OSError as error:
            self._fail(f"The examples could not be made ready: {error}.")

    def _run(self, arguments: list[str], settings: dict[str, str], folder: Path) -> None:
        inherited = {n: v for n, v in os.environ.items() if not n.startswith("CONNECTOR_")}
        self._started.append(
            subprocess.Popen(  # noqa: S603 -- our own command
                [sys.executable, "-m", "connector", *arguments],
                env=inherited | settings,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        )

    def _await(self, url: str, answers: int) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            if any(process.poll() is not None for process in self._started):
                self._fail("A server did not start; the lines above say why.")
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
                    status = answer.status
            except urllib.error.HTTPError as refused:
                status = refused.code
            except OSError:
                status = 0
            if status == answers:
                return
            time.sleep(0.05)
        self._fail(f"{url} did not answer within {_START_SECONDS} seconds.")

    def _stop(self) -> None:
        for process in reversed(self._started):
            process.terminate()
        for process in self._started:
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._stack.close()

    def _fail(self, sentence: str) -> None:
        click.echo(sentence, err=True)
        sys.exit(1)


def _taken(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
