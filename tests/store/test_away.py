"""A database that is busy or away is told within about five seconds, and used again afterwards."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url

from connector.errors import Unavailable
from connector.store import Store, make_engine, secret_rows
from connector.store.pooler import WAIT_SECONDS
from connector.store.prepared import Prepared
from tests.store.away import away, end_connections

POSTGRES = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
LONGEST = WAIT_SECONDS + 4
"""Five seconds and what a loaded machine adds."""


@contextmanager
def told_in_time() -> Iterator[None]:
    """What happens inside ends by Unavailable, retryable, within about five seconds."""
    began = time.monotonic()
    with pytest.raises(Unavailable) as told:
        yield
    assert time.monotonic() - began < LONGEST
    assert told.value.retryable
    assert told.value.retry_after == 2


def remember(connection: Connection) -> None:
    secret_rows.remember(connection, ["tag"])


def test_a_database_that_is_away_is_told_and_used_again_when_it_is_back(
    store: Store, migrated: str
) -> None:
    store.write(remember)
    with away(migrated), told_in_time():
        store.write(remember)
    store.write(remember)
    assert store.read(secret_rows.tags) == ["tag"]


def test_everybody_who_waits_for_a_locked_database_is_told_in_time(
    store: Store, migrated: str
) -> None:
    """Those in the middle of it as well as those who wait for a connection or for their turn."""

    def wait(_: int) -> None:
        with told_in_time():
            store.write(remember)

    with locked(migrated), ThreadPoolExecutor(8) as pool:
        list(pool.map(wait, range(8)))
    store.write(remember)


def test_reading_goes_on_while_another_program_writes_to_sqlite(migrated_sqlite: str) -> None:
    store = Store(make_engine(migrated_sqlite))
    with away(migrated_sqlite):
        assert store.read(secret_rows.tags) == []
    store.close()


@POSTGRES
def test_after_a_restart_of_postgresql_the_next_call_works(store: Store, migrated: str) -> None:
    store.write(remember)
    assert end_connections(migrated) == 1
    assert store.read(secret_rows.tags) == ["tag"]
    assert end_connections(migrated) == 1
    store.write(remember)


@POSTGRES
def test_a_restart_of_postgresql_in_the_middle_of_a_write_is_told(
    store: Store, migrated: str
) -> None:
    def work(connection: Connection) -> None:
        remember(connection)
        end_connections(migrated)
        remember(connection)

    with told_in_time():
        store.write(work)
    assert store.read(secret_rows.tags) == []


@POSTGRES
def test_what_others_hold_while_one_connection_is_lost_is_closed_afterwards(store: Store) -> None:
    """Otherwise it stays open beside the pool, which opens others, until memory is tidied up."""

    def driver_connection(connection: Connection) -> Any:
        return connection.connection.driver_connection

    def while_another_is_lost(connection: Connection) -> Any:
        with pytest.raises(Unavailable):
            store.read(lambda other: end.rows(other, {}))
        return driver_connection(connection)

    end = Prepared(lambda _: text("SELECT pg_terminate_backend(pg_backend_pid())"))
    held = store.read(while_another_is_lost)
    assert store.read(driver_connection) is not held
    assert held.closed


@contextmanager
def locked(database_url: str) -> Iterator[None]:
    """Another program writes to the database and does not come to an end."""
    if make_url(database_url).get_backend_name() == "sqlite":
        with away(database_url):
            yield
        return
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE server_secrets IN ACCESS EXCLUSIVE MODE"))
        yield
    engine.dispose()


@POSTGRES
def test_a_server_that_is_gone_without_a_word_is_noticed(store: Store) -> None:
    """Without these, a cut line is waited for up to hours."""

    def options(connection: Connection) -> list[int]:
        driver = connection.connection.driver_connection
        with socket.socket(fileno=os.dup(driver.fileno())) as line:  # type: ignore[union-attr]
            tcp = socket.IPPROTO_TCP
            return [
                line.getsockopt(tcp, socket.TCP_USER_TIMEOUT),
                line.getsockopt(tcp, socket.TCP_KEEPIDLE),
            ]

    assert store.read(options) == [10_000, 5]


@POSTGRES
def test_a_server_that_has_become_a_standby_counts_as_away(store: Store) -> None:
    def refused(connection: Connection) -> None:
        connection.execute(text("SET TRANSACTION READ ONLY"))
        remember(connection)

    with told_in_time():
        store.write(refused)
