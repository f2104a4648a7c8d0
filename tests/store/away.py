"""A database that cannot be written to for a while, of each kind."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url


@contextlib.contextmanager
def away(database_url: str) -> Iterator[None]:
    """SQLite: another program holds the lock. PostgreSQL: all connections die, no new one is let
    in."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        other = sqlite3.connect(url.database or "", isolation_level=None, check_same_thread=False)
        with contextlib.closing(other):
            other.execute("BEGIN IMMEDIATE")
            yield
        return
    with _administrator(database_url) as connection:
        connection.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false'))
        _end_connections(connection, url.database)
        try:
            yield
        finally:
            connection.execute(text(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true'))


def end_connections(database_url: str) -> int:
    """PostgreSQL: every connection to this database dies, as in a restart; how many there were."""
    with _administrator(database_url) as connection:
        return _end_connections(connection, make_url(database_url).database)


def _end_connections(connection: Connection, database: str | None) -> int:
    query = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"
    return len(connection.execute(text(query), {"name": database}).all())


@contextlib.contextmanager
def _administrator(database_url: str) -> Iterator[Connection]:
    url = make_url(database_url).set(database="postgres")
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()
