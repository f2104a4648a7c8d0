"""What a database's failures mean: who lost a connection, and what a caller is told."""

from __future__ import annotations

from typing import Any

import structlog
from sqlalchemy import Connection, ExceptionContext
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.errors import Unavailable

_READ_ONLY = "25006"
_PASSING = {"25P02", "25P03", _READ_ONLY}
"""PostgreSQL's own word for a transaction that it ended because we stalled, and for a server that
has just become a standby. Source: https://www.postgresql.org/docs/current/errcodes-appendix.html"""

log = structlog.get_logger(__name__)


def only_reads(cause: BaseException | None) -> bool:
    """Whether a driver's error says that the database may only be read."""
    name = getattr(cause, "sqlite_errorname", "") or ""
    return getattr(cause, "sqlstate", None) == _READ_ONLY or name.startswith("SQLITE_READONLY")


def throw_away_read_only(context: ExceptionContext) -> None:
    """A connection that may only read stays so after the database was mended: it is a lost one, and
    so are the others of the pool. A listener of "handle_error"."""
    if only_reads(context.original_exception):
        context.is_disconnect = True


def of_driver(connection: Connection, error: Exception) -> BaseException:
    """What SQLAlchemy would raise for an error of the driver that it did not see itself. A lost
    connection is given up, and the others of the pool are when they are next asked for: what others
    hold right now stays the pool's, so that somebody closes it."""
    dialect = connection.dialect
    ended: Any = error  # of the driver's own kind, which SQLAlchemy only knows as a protocol
    lost = dialect.is_disconnect(ended, connection.connection, None) or only_reads(error)
    if lost:
        connection.engine.pool._invalidate(connection.connection, error)  # as SQLAlchemy does
        connection.invalidate(error)
    return DBAPIError.instance(
        None,
        None,
        error,
        dialect.loaded_dbapi.Error,
        hide_parameters=True,
        connection_invalidated=lost,
        dialect=dialect,
    )


def unavailable(error: Exception) -> Exception:
    """Unavailable for what passes by itself; any other error as it is."""
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
