"""A connector that knows its own address, as FlowXO's builders see it, before a sandbox."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from tests.support.ports import free_port
from tests.support.processes import (
    PATIENCE,
    SandboxPaywall,
    Server,
    running_connector,
    running_sandbox,
)
from tests.triggers.delivery.receiver import Receiver, running_receiver


@dataclass
class FlowXO:
    """FlowXO's side: sends what the steps say, and keeps to nothing else."""

    paywall: SandboxPaywall
    found: dict[str, Any]
    http: httpx.Client

    def step(self, key: str) -> dict[str, Any]:
        """The step of an action."""
        steps: list[dict[str, Any]] = self.found["steps"]
        return next(step for step in steps if step["key"] == key)

    def send(self, step: dict[str, Any], way: str, **changed: str) -> httpx.Response:
        """Send a step `as_form` or `as_json`, exactly as it is written but for the key and rows
        that are `changed`; a row that is changed to "" is left out."""
        headers = self._headers(step[way]["headers"])
        body = step[way]["body"]
        if way == "as_form":
            if changed:
                rows = dict(httpx.QueryParams(body)) | changed
                body = str(httpx.QueryParams({n: v for n, v in rows.items() if v}))
            return self.http.request(step["method"], step["address"], content=body, headers=headers)
        rows = {name: value for name, value in (body | changed).items() if value}
        return self.http.request(step["method"], step["address"], json=rows, headers=headers)

    def _headers(self, rows: list[dict[str, str]]) -> dict[str, str]:
        key = self.found["ai_connection"]["fields"][1]["value"]
        return {row["name"]: row["value"].replace(key, self.paywall.key) for row in rows}


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The sandbox on a real socket."""
    with running_sandbox(tmp_path_factory.mktemp("flowxo-sandbox")) as server:
        yield server


@pytest.fixture(scope="session")
def connector(sandbox_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`connector serve` with a public address that is its own, and hooks to this machine."""
    folder, port = tmp_path_factory.mktemp("flowxo"), free_port()
    with running_connector(
        f"sqlite:///{folder}/connector.sqlite3",
        sandbox_server.address,
        folder,
        listen=f"127.0.0.1:{port}",
        public_url=f"http://127.0.0.1:{port}",
        allowed_targets="127.0.0.0/8",
    ) as server:
        yield server


@pytest.fixture
def flowxo(connector: Server, sandbox_server: Server) -> Iterator[FlowXO]:
    """A builder with a paywall of its own, in Default mode: nobody has any balance."""
    with httpx.Client(trust_env=False, timeout=PATIENCE) as http:
        answer = http.get(f"{connector.address}/specs/flowxo.json").raise_for_status().json()
        paywall = SandboxPaywall(sandbox_server.address, f"flowxo-{secrets.token_hex(6)}")
        paywall.set_feature(connector, price="0.25")
        yield FlowXO(paywall, answer, http)
        paywall.close()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """FlowXO's webhook trigger."""
    with running_receiver() as running:
        yield running
