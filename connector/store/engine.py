"""Opening the database, and the two ways to use it: read and write.

SQLite: WAL, `synchronous=FULL`, `BEGIN IMMEDIATE` for writes, which are committed in groups.
PostgreSQL: a bounded pool, whatever the number of threads. A database that keeps a caller waiting
for more than 5 s is told as Unavailable (503).
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from connector.store import clock, failures, pooler, sqlite_file
from connector.store.pieces import Finish
from connector.store.pooler import LOCK_SECONDS, WAIT_SECONDS
from connector.store.shared_commits import SharedCommits
from connector.store.writer import GroupWriter

READERS = 8
"""Connections that read SQLite at a time in one process; one more writes."""
POOL_SECONDS = WAIT_SECONDS - LOCK_SECONDS
"""On PostgreSQL one caller may wait for a connection and then for a lock: five seconds in all."""
_SPARE = 2
"""Connections to PostgreSQL that groups leave to others."""
T = TypeVar("T")


def make_engine(database_url: str, pool_size: int = 10) -> Engine:
    """An engine for a SQLite or PostgreSQL address; connects on first use.

    `pool_size` bounds the connections of this process to PostgreSQL.
    """
    engine = (
        _sqlite(database_url)
        if database_url.startswith("sqlite")
        else _postgresql(database_url, pool_size)
    )
    event.listen(engine, "handle_error", failures.throw_away_read_only)
    return engine


def _postgresql(database_url: str, pool_size: int) -> Engine:
    engine = create_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=POOL_SECONDS,
        pool_recycle=1800,
        hide_parameters=True,
        connect_args={
            "connect_timeout": WAIT_SECONDS,
            # A server that is gone without a word is noticed within about ten seconds.
            "tcp_user_timeout": 10_000,
            "keepalives_idle": 5,
            "keepalives_interval": 2,
            "keepalives_count": 3,
            "application_name": "paywalls-connector",
        },
    )
    event.listen(engine, "connect", pooler.limit)
    event.listen(engine, "checkout", _refuse_ended)
    event.listen(engine, "begin", pooler.begin)
    return engine


def _refuse_ended(connection: Any, *_: object) -> None:
    """A connection that the server has ended while it was idle shows that without being asked:
    something can be read from it. Raises DisconnectionError, at which the pool makes a new one."""
    ended = connection.closed
    if not ended:
        poll = select.poll()
        poll.register(connection.fileno(), select.POLLIN)
        ended = bool(poll.poll(0))
    if ended:
        raise DisconnectionError("the database has ended this connection")


def _sqlite(database_url: str) -> Engine:
    engine = create_engine(
        database_url,
        pool_size=READERS + 1,
        max_overflow=0,
        pool_use_lifo=True,
        pool_timeout=WAIT_SECONDS,
        hide_parameters=True,
        connect_args={"timeout": WAIT_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get("reads_only", False):
            return  # each statement sees what was committed when it began, as on PostgreSQL
        driver: Any = connection.connection.driver_connection
        try:
            driver.execute("BEGIN IMMEDIATE")
        except connection.dialect.loaded_dbapi.Error as error:
            raise failures.of_driver(connection, error) from error

    sqlite_file.watch(engine)
    return engine


class Store:
    """The database of one process. `work` is a function of a connection inside a transaction; it
    is committed when it returns and rolled back when it raises."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reader = engine.execution_options(reads_only=True)
        self._group = GroupWriter(engine, WAIT_SECONDS) if engine.dialect.name == "sqlite" else None
        connections = cast(QueuePool, engine.pool).size()
        self._shared = SharedCommits(engine, POOL_SECONDS, max(1, connections - _SPARE))
        self.clock = clock.DatabaseClock(lambda: self.read(clock.moment))

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run a reading `work`. Raises Unavailable while the database is away."""
        try:
            with self._reader.begin() as connection:
                return work(connection)
        except (DBAPIError, PoolTimeout) as error:
            raise failures.unavailable(error) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run a writing `work`; when this returns, it is durable. Raises Unavailable while the
        database is away; then the work may still have been committed."""
        return self.write_shared(work, None)

    def write_shared(
        self, work: Callable[[Connection], T], order: str | None, finish: Finish | None = None
    ) -> T:
        """The same for a `work` that locks nothing but what `order` names, and may be run twice: it
        may share its transaction with others. None for one of its own. `finish` writes what is left
        to be written of all their results together. Raises the same."""
        try:
            if self._group is not None:
                return cast(T, self._group.run(work, finish))
            return cast(T, self._shared.run(work, order, finish))
        except (DBAPIError, PoolTimeout) as error:
            raise failures.unavailable(error) from error

    def close(self) -> None:
        """Finish what is being written and let go of all connections."""
        if self._group is not None:
            self._group.close()
        self.engine.dispose()
