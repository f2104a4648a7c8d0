"""PostgreSQL's limits on how long a caller may wait, directly or behind a connection pooler.

Behind a pooler that lends its connections for one transaction at a time, such as PgBouncer with
`pool_mode = transaction`, nothing may be left on a connection: it is another caller's next. So the
limits go with each transaction there, statements are not prepared on the server, and reading has a
transaction too, because without one it would have no limits.
Source: https://www.pgbouncer.org/features.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from sqlalchemy import Connection

from connector.store.failures import of_driver

WAIT_SECONDS, LOCK_SECONDS = 5, 3
"""How long a statement may take, and how long of that it may wait for a lock."""
_LIMITS = {
    "statement_timeout": WAIT_SECONDS * 1000,
    "lock_timeout": LOCK_SECONDS * 1000,
    "idle_in_transaction_session_timeout": WAIT_SECONDS * 2000,
}


def _setting(how: str, limits: dict[str, int]) -> str:
    return "; ".join(f"{how} {name} = {milliseconds}" for name, milliseconds in limits.items())


@lru_cache(maxsize=256)
def _beginning(pooled: bool, lock_milliseconds: int | None) -> str:
    """How a transaction begins that has limits of its own, in one journey; "" for another one."""
    limits = dict(_LIMITS) if pooled else {}
    if lock_milliseconds is not None:
        limits["lock_timeout"] = lock_milliseconds
    return f"BEGIN; {_setting('SET LOCAL', limits)}" if limits else ""


_SET = _setting("SET", _LIMITS)
LOCK_MILLISECONDS = "connector.lock_milliseconds"
"""An engine's option: how long its transactions may wait for a lock, if not for `LOCK_SECONDS`."""
NO_LIMITS = _setting("SET LOCAL", dict.fromkeys(_LIMITS, 0))
"""What a transaction says that may take as long as it likes."""
_POOLED = "connector.pooled"


def limit(connection: Any, record: Any) -> None:
    """A listener of "connect". A pooler makes up the process id that a new connection is told, for
    it does not know yet whose it will be."""
    try:
        connection.autocommit = True
        (process,) = connection.execute("SELECT pg_backend_pid()").fetchone()
        if process == connection.info.backend_pid:
            connection.execute(_SET)
        else:
            connection.prepare_threshold = None
            record.info[_POOLED] = True
        connection.autocommit = False
    except Exception:
        connection.close()  # nobody else knows of it yet
        raise


def begin(connection: Connection) -> None:
    """A listener of "begin". Where there is no pooler reading goes without a transaction: each
    statement sees what was committed when it began, within one or not, and two of three journeys
    are saved. A transaction with limits of its own begins and sets them in one."""
    options = connection.get_execution_options()
    if "isolation_level" in options:
        return
    driver: Any = connection.connection.driver_connection
    pooled = _POOLED in connection.info
    said = _beginning(pooled, options.get(LOCK_MILLISECONDS))
    by_itself = bool(said) or options.get("reads_only", False)
    if driver.autocommit != by_itself:
        driver.autocommit = by_itself
    if said:
        try:
            driver.execute(said)
        except connection.dialect.loaded_dbapi.Error as error:
            raise of_driver(connection, error) from error
