"""A real sandbox for the whole run, and a paywall, a database and a connector for each test."""

from __future__ import annotations

import contextlib
import secrets
import socket
from collections.abc import Iterator

import pytest

from connector.store import make_engine, migrate
from connector.store.tables import metadata
from tests.ledger.rows import Rows
from tests.support.charge_client import ChargeClient
from tests.support.processes import SandboxPaywall, Server, postgres_database, running_sandbox


@pytest.fixture(scope="session")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A sandbox in a process of its own."""
    with running_sandbox(tmp_path_factory.mktemp("upstream")) as server:
        yield server


@pytest.fixture
def paywall(upstream: Server) -> Iterator[SandboxPaywall]:
    """A paywall that nobody else uses, whose user `ann` has a balance of 10."""
    paywall = SandboxPaywall(upstream.address, f"test-{secrets.token_hex(8)}")
    paywall.user("ann", balance="10")
    yield paywall
    paywall.close()


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A database of each kind, up to date, for all tests: making one takes longer than most."""
    with contextlib.ExitStack() as opened:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('database')}/connector.sqlite3"
        else:
            server = request.getfixturevalue("postgres_server")
            url = opened.enter_context(postgres_database(server))
        engine = make_engine(url, pool_size=1)
        migrate.upgrade(engine)
        engine.dispose()
        yield url


@pytest.fixture
def emptied(database: str) -> str:
    """The database, with nothing in it."""
    engine = make_engine(database, pool_size=1)
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(table.delete())
    engine.dispose()
    return database


@pytest.fixture
def rows(emptied: str) -> Iterator[Rows]:
    """The database's ledger, seen from behind."""
    rows = Rows(emptied)
    yield rows
    rows.close()


@pytest.fixture(scope="session")
def shared_charge_client(database: str, upstream: Server) -> Iterator[ChargeClient]:
    """A connector in this process, on a database of each kind."""
    charge_client = ChargeClient(database, upstream.address)
    yield charge_client
    charge_client.close()


@pytest.fixture
def charge_client(
    shared_charge_client: ChargeClient, emptied: str, paywall: SandboxPaywall
) -> ChargeClient:
    """A connector in this process, with nothing in its database."""
    return shared_charge_client.open_for(paywall)


@pytest.fixture
def unused_port() -> Iterator[int]:
    """A port of this machine that is taken, but on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]
