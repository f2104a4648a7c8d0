"""A connector that has a public address, a sandbox, and Zapier's core running our app."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from connector.specs import zapier
from tests.specs.zapier.builder import Builder
from tests.specs.zapier.platform import Core, running_core, write_app
from tests.support.ports import free_port
from tests.support.processes import SandboxPaywall, Server, running_connector, running_sandbox
from tests.triggers.delivery.receiver import Receiver, running_receiver


@pytest.fixture(scope="session")
def definition() -> dict[str, Any]:
    """The app."""
    answer: dict[str, Any] = json.loads(zapier.files()["zapier_spec/app.json"])
    return answer


@pytest.fixture(scope="session")
def zapier_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A sandbox on a real socket."""
    with running_sandbox(tmp_path_factory.mktemp("zapier-sandbox")) as server:
        yield server


@pytest.fixture(scope="session")
def zapier_connector(
    zapier_sandbox: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """`connector serve` before it, whose triggers work on this machine."""
    folder, port = tmp_path_factory.mktemp("zapier-connector"), free_port()
    with running_connector(
        f"sqlite:///{folder}/connector.sqlite3",
        zapier_sandbox.address,
        folder,
        listen=f"127.0.0.1:{port}",
        public_url=f"http://127.0.0.1:{port}",
        allowed_targets="127.0.0.0/8",
    ) as server:
        yield server


@pytest.fixture(scope="session")
def core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Core]:
    """Zapier's core with our app."""
    folder = tmp_path_factory.mktemp("zapier-app")
    app = write_app(folder, "https://connector.example.com")
    with running_core(tmp_path_factory.mktemp("zapier-core"), app) as running:
        yield running


@pytest.fixture
def paywall(zapier_sandbox: Server) -> Iterator[SandboxPaywall]:
    """A paywall of its own in the sandbox."""
    result = SandboxPaywall(zapier_sandbox.address, f"zapier-{secrets.token_hex(6)}")
    yield result
    result.close()


@pytest.fixture
def builder(core: Core, zapier_connector: Server, paywall: SandboxPaywall) -> Builder:
    """The paywall's owner, connected in Zapier."""
    return Builder(core, zapier_connector.address, paywall.key)


@pytest.fixture
def target() -> Iterator[Receiver]:
    """The address that Zapier gives to a Zap's hook."""
    with running_receiver() as receiver:
        yield receiver
