"""A connector and a sandbox as real processes, shared by the tests that need sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.processes import SandboxPaywall, Server, running_connector, running_sandbox


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The sandbox on a real socket."""
    with running_sandbox(tmp_path_factory.mktemp("live-sandbox")) as server:
        yield server


@pytest.fixture(scope="session")
def connector(sandbox_server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """`connector serve` before that sandbox."""
    folder = tmp_path_factory.mktemp("live")
    database = f"sqlite:///{folder}/connector.sqlite3"
    with running_connector(database, sandbox_server.address, folder) as server:
        yield server


@pytest.fixture
def paywall(sandbox_server: Server) -> Iterator[SandboxPaywall]:
    """A paywall in the running sandbox in which nothing has happened."""
    paywall = SandboxPaywall(sandbox_server.address, "live")
    paywall.reset()
    yield paywall
    paywall.close()
