"""Opening the database, and the two ways to use it: read and write.

SQLite: WAL, `synchronous=FULL`, `BEGIN IMMEDIATE` for writes, which one thread commits in groups.
PostgreSQL: a bounded pool, whatever the number of threads. A database that keeps a caller waiting
for more than 5 s is told as Unavailable (503).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.errors import Unavailable
from connector.store import clock, sqlite_file
from connector.store.writer import GroupWriter

WAIT_SECONDS = 5
POOL_SECONDS, LOCK_SECONDS = 2, 3
"""On PostgreSQL one caller may wait for a connection and then for a lock: five seconds in all."""
T = TypeVar("T")

log = structlog.get_logger(__name__)


def make_engine(database_url: str, pool_size: int = 10) -> Engine:
    """An engine for a SQLite or PostgreSQL address; connects on first use.

    `pool_size` bounds the connections of this process to PostgreSQL.
    """
    engine = (
        _sqlite(database_url)
        if database_url.startswith("sqlite")
        else _postgresql(database_url, pool_size)
    )
    event.listen(engine, "handle_error", _throw_away_read_only)
    return engine


def _postgresql(database_url: str, pool_size: int) -> Engine:
    milliseconds = WAIT_SECONDS * 1000
    return create_engine(
        database_url,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_SECONDS,
        pool_pre_ping=True,
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
            "options": f"-c statement_timeout={milliseconds} -c lock_timeout={LOCK_SECONDS * 1000} "
            f"-c idle_in_transaction_session_timeout={milliseconds * 2}",
        },
    )


def _sqlite(database_url: str) -> Engine:
    engine = create_engine(
        database_url,
        pool_size=8,
        max_overflow=0,
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
        reads = connection.get_execution_options().get("reads_only", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    sqlite_file.watch(engine)
    return engine


class Store:
    """The database of one process. `work` is a function of a connection inside a transaction; it
    is committed when it returns and rolled back when it raises."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._reader = engine.execution_options(reads_only=True)
        self._group = GroupWriter(engine, WAIT_SECONDS) if engine.dialect.name == "sqlite" else None
        self.clock = clock.DatabaseClock(lambda: self.read(clock.moment))

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run a reading `work`. Raises Unavailable while the database is away."""
        try:
            with self._reader.begin() as connection:
                return work(connection)
        except (DBAPIError, PoolTimeout) as error:
            raise _unavailable(error) from error

    def write(self, work: Callable[[Connection], T]) -> T:
        """Run a writing `work`; when this returns, it is durable. Raises Unavailable while the
        database is away; then the work may still have been committed."""
        try:
            if self._group is not None:
                return self._group.run(work)
            with self.engine.begin() as connection:
                return work(connection)
        except (DBAPIError, PoolTimeout) as error:
            raise _unavailable(error) from error

    def close(self) -> None:
        """Finish what is being written and let go of all connections."""
        if self._group is not None:
            self._group.close()
        self.engine.dispose()


_READ_ONLY = "25006"


def _throw_away_read_only(context: ExceptionContext) -> None:
    """A connection that may only read stays so after the database was mended: it is a lost one, and
    so are the others of the pool."""
    if only_reads(context.original_exception):
        context.is_disconnect = True


def only_reads(cause: BaseException | None) -> bool:
    """Whether a driver's error says that the database may only be read."""
    name = getattr(cause, "sqlite_errorname", "") or ""
    return getattr(cause, "sqlstate", None) == _READ_ONLY or name.startswith("SQLITE_READONLY")


_PASSING = {"25P02", "25P03", _READ_ONLY}
"""PostgreSQL's own word for a transaction that it ended because we stalled, and for a server that
has just become a standby. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def _unavailable(error: Exception) -> Exception:
    cause = error.orig if isinstance(error, DBAPIError) else error
    state = getattr(cause, "sqlstate", None) or ""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout) or state in _PASSING:
        log.warning("database_unavailable", cause=type(cause).__name__, sqlstate=state)
        what = "can only be read right now" if only_reads(cause) else "is busy or away"
        return Unavailable(
            f"The connector's database {what}, so nothing was done. Try again in a moment.",
            retry_after=2,
        )
    return error
