"""Bringing the database to the newest tables, by one process at a time.

Alembic, with its scripts inside the package. Source: https://alembic.sqlalchemy.org/en/latest/
"""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from connector.store.pooler import NO_LIMITS

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x70617977  # "payw": any constant that nothing else in the database uses


def upgrade(engine: Engine) -> None:
    """Apply what is missing. Several processes may call this at once; one works, others wait."""
    if engine.dialect.name == "sqlite":
        with _file_lock(engine), engine.connect() as connection:
            _upgrade(connection)
            connection.commit()
        return
    with engine.begin() as connection:  # one transaction, whose end frees the lock
        connection.exec_driver_sql(NO_LIMITS)
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        _upgrade(connection)


def current_revision(engine: Engine) -> str | None:
    """The revision that the database is at, or None for one that was never migrated."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str:
    """The newest revision that this version of the connector knows."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if head is None:
        raise RuntimeError("the package holds no migrations")
    return head


def _upgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS))
    config.set_main_option("path_separator", "os")
    return config


@contextlib.contextmanager
def _file_lock(engine: Engine) -> Iterator[None]:
    database = engine.url.database
    if not database or database == ":memory:":
        yield
        return
    with Path(database + ".migrate").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
