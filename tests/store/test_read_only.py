"""A database that may only be read for a while: told at once, and over when it is mended."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from connector.api.write_probe import WriteProbe
from connector.errors import Unavailable
from connector.store import Store, make_engine, migrate, secret_rows
from tests.store.conftest import up_to_date

READ_ONLY = 'ALTER DATABASE "{}" SET default_transaction_read_only = {}'


@pytest.fixture
def with_secret(store: Store) -> Store:
    """A store with something in it to write again."""
    store.write(lambda connection: secret_rows.remember(connection, ["a" * 16]))
    return store


def new_sessions_may_only_read(url: str, switch: str) -> None:
    """On PostgreSQL, from now on: "on" or "off"."""
    engine = make_engine(url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("SET default_transaction_read_only = off"))
        connection.execute(text(READ_ONLY.format(engine.url.database, switch)))
    engine.dispose()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_calls_go_on_as_soon_as_postgresql_can_be_written_again(database_url: str) -> None:
    store = Store(make_engine(up_to_date(database_url)))
    store.write(lambda connection: secret_rows.remember(connection, ["a" * 16]))
    store.engine.dispose()
    new_sessions_may_only_read(database_url, "on")
    with pytest.raises(Unavailable):
        store.write(secret_rows.rewrite)
    new_sessions_may_only_read(database_url, "off")
    store.write(secret_rows.rewrite)
    store.close()


def test_a_read_only_connection_of_sqlite_is_not_used_again(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite3"
    store = Store(make_engine(f"sqlite:///{file}"))
    migrate.upgrade(store.engine)
    store.write(lambda connection: secret_rows.remember(connection, ["a" * 16]))
    store.write(lambda connection: connection.exec_driver_sql("PRAGMA query_only = 1"))
    with pytest.raises(Unavailable):
        store.write(secret_rows.rewrite)
    store.write(secret_rows.rewrite)
    store.close()


def test_readiness_is_proven_by_a_write_once_a_second(
    with_secret: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    probe = WriteProbe(with_secret, lambda: now[0])
    probe.check()
    written: list[object] = []
    monkeypatch.setattr(with_secret, "write", written.append)
    probe.check()
    assert written == []
    now[0] = 1.0
    probe.check()
    assert written == [secret_rows.rewrite]


def test_a_failure_is_told_each_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise Unavailable("The disk is full.")

    monkeypatch.setattr(store, "write", full)
    probe = WriteProbe(store)
    for _ in range(2):
        with pytest.raises(Unavailable):
            probe.check()


def test_the_command_line_says_it_in_a_sentence(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/x.sqlite3"
    up_to_date(url)
    store = Store(make_engine(f"sqlite:///file:{tmp_path}/x.sqlite3?mode=ro&uri=true"))
    with pytest.raises(Unavailable, match="can only be read right now"):
        store.write(lambda connection: secret_rows.remember(connection, ["a" * 16]))
    store.close()
