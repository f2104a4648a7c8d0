"""What the tests share: settings, databases, an app whose upstream is the sandbox in-process."""

from __future__ import annotations

import logging
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import structlog
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import URL, MetaData, create_engine, text
from sqlalchemy.engine import make_url

from connector.app import create_app
from connector.config.settings import Settings, load
from connector.sandbox import create_sandbox
from connector.store import make_engine, migrate, settings_rows
from connector.telemetry.logs import configure_logging
from tests.support.days import zone_at_noon
from tests.support.secret_search import leaks, searched

KEY = "sk-paywalls-sandbox-default"
SHARED_KEY = "sk-paywalls-sandbox-shared"
BEARER = {"Authorization": f"Bearer {KEY}"}
LONG = os.environ.get("PROOFS") == "long"
"""Whether the tests take their time, and those marked `proof` run (make proofs)."""
POOLED = os.environ.get("POOLED") == "yes"
"""Whether PostgreSQL is reached through a PgBouncer (make test-pooled)."""
SECRET = "the-tests-server-secret-0123456789abcdef"
_LOCAL_POSTGRES = "postgresql://postgres@127.0.0.1:5432/postgres"


@pytest.fixture(scope="session", autouse=True)
def _logs_kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Every log line of this process goes to a file, which is searched for secrets at the end."""
    file = tmp_path_factory.mktemp("logs") / "connector.log"
    with file.open("w") as kept:
        configure_logging("debug")
        structlog.configure(logger_factory=structlog.WriteLoggerFactory(kept))
        for handler in logging.getLogger().handlers:
            if isinstance(handler, logging.StreamHandler):
                handler.setStream(kept)
        yield


@pytest.fixture(scope="session", autouse=True)
def _noon() -> Iterator[None]:
    """In this process the day of a paywall that has no time zone does not end meanwhile."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(settings_rows, "UTC_NAME", zone_at_noon())
        yield


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes minutes, unless all is to be proved."""
    proofs = [] if LONG else [item for item in items if item.get_closest_marker("proof")]
    if proofs:
        config.hook.pytest_deselected(items=proofs)
        items[:] = [item for item in items if item not in proofs]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """After the whole run: no key, prompt or secret in any log or database that it left."""
    if hasattr(session.config, "workerinput") or session.config.option.collectonly:
        return
    factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
    folder = factory.getbasetemp()
    result = leaks(folder)
    print(f"\nsearched {searched(folder)} logs and databases for secrets: {len(result)} found")  # noqa: T201
    for line in result:
        print(f"LEAK {line}")  # noqa: T201
    if result:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session")
def postgres_server(postgres_itself: str) -> Iterator[str]:
    """The address at which databases can be made and reached: PostgreSQL's, or its pooler's."""
    from tests.support.pgbouncer import pooled  # which imports this module

    with pooled(postgres_itself) as address:
        yield address


@pytest.fixture(scope="session")
def postgres_itself() -> str:
    """The address of a PostgreSQL server on which databases can be made."""
    given = os.environ.get("CONNECTOR_TEST_POSTGRES_URL")
    url = make_url(given or _LOCAL_POSTGRES).set(drivername="postgresql+psycopg")
    address = url.render_as_string(hide_password=False)
    engine = create_engine(address, connect_args={"connect_timeout": 3})
    try:
        with engine.connect():
            pass
    except Exception as error:
        if given or os.environ.get("CI") == "true":
            pytest.fail(f"PostgreSQL at {url} does not answer: {type(error).__name__}")
        pytest.skip("no PostgreSQL: set CONNECTOR_TEST_POSTGRES_URL")
    finally:
        engine.dispose()
    return address


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/connector.sqlite3"
        return
    server = request.getfixturevalue("postgres_server")
    name = f"connector_test_{secrets.token_hex(6)}"
    engine = create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    try:
        yield make_url(server).set(database=name).render_as_string(hide_password=False)
    finally:
        _dump(make_url(server).set(database=name), tmp_path / f"{name}.dump")
        with engine.connect() as connection:
            connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))
        engine.dispose()


def _dump(url: URL, file: Path) -> None:
    """Every row of every table as text, for the search for secrets."""
    engine = create_engine(url)
    tables = MetaData()
    with engine.connect() as connection, file.open("w") as kept:
        tables.reflect(connection)
        for table in tables.sorted_tables:
            kept.writelines(f"{row}\n" for row in connection.execute(table.select()))
    engine.dispose()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """An empty SQLite database, for what does not depend on the kind."""
    return f"sqlite:///{tmp_path}/connector.sqlite3"


def settings_for(database_url: str, **changed: str) -> Settings:
    """Settings as an operator would give them; `changed` by lower-case name."""
    environ = {
        "CONNECTOR_DATABASE_URL": database_url,
        "CONNECTOR_UPSTREAM_URL": "http://127.0.0.1:8001/v1",
        "CONNECTOR_SECRET_KEYS": SECRET,
        "CONNECTOR_RATE_LIMIT": "off",
    }
    return load(environ | {f"CONNECTOR_{n.upper()}": value for n, value in changed.items()})


@pytest.fixture
def sandbox() -> Flask:
    """A sandbox of its own, in-process."""
    return create_sandbox()


@pytest.fixture
def app(sqlite_url: str, sandbox: Flask) -> Flask:
    """A connector on SQLite whose upstream is `sandbox`."""
    settings = settings_for(sqlite_url)
    engine = make_engine(settings.database_url)
    migrate.upgrade(engine)
    engine.dispose()
    return create_app(settings, transport=httpx.WSGITransport(app=sandbox))


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A builder's tool that talks to `app`; send `BEARER` along."""
    return app.test_client()


@pytest.fixture
def control(sandbox: Flask) -> FlaskClient:
    """The sandbox's own controls, `/_sandbox/…`."""
    return sandbox.test_client()
