"""Migrations make what the tables say, whoever runs them and however many do."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from connector.store import make_engine, migrate, trigger_tables
from connector.store.tables import metadata

UPGRADE = """
import sys
from connector.store import make_engine, migrate
migrate.upgrade(make_engine(sys.argv[1]))
"""


def test_the_migrations_make_the_tables_that_the_code_uses(migrated: str) -> None:
    assert trigger_tables.events.metadata is metadata
    engine = make_engine(migrated, pool_size=1)
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), metadata)
    engine.dispose()
    assert differences == []


def test_four_processes_that_start_at_once_migrate_one_after_the_other(database_url: str) -> None:
    command = [sys.executable, "-c", UPGRADE, database_url]
    processes = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(4)]
    assert [(p.communicate()[1], p.returncode) for p in processes] == [("", 0)] * 4
    assert_newest(database_url)


def test_four_threads_that_start_at_once_migrate_one_after_the_other(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=4)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(migrate.upgrade, [engine] * 4))
    engine.dispose()
    assert_newest(database_url)


def test_a_database_that_is_up_to_date_stays_as_it_is(migrated: str) -> None:
    engine = make_engine(migrated, pool_size=1)
    migrate.upgrade(engine)
    engine.dispose()
    assert_newest(migrated)


def test_a_new_database_has_no_revision(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1)
    revision = migrate.current_revision(engine)
    engine.dispose()
    assert revision is None


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("WARNING", "alembic")


def assert_newest(database_url: str) -> None:
    engine = make_engine(database_url, pool_size=1)
    revision = migrate.current_revision(engine)
    engine.dispose()
    assert revision == migrate.head_revision()
