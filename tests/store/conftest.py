"""A migrated database of each kind, and stores on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from connector.store import Store, make_engine, migrate

MakeStore = Callable[[], Store]


@pytest.fixture
def migrated(database_url: str) -> str:
    """A database of each kind, up to date."""
    return up_to_date(database_url)


@pytest.fixture
def migrated_sqlite(sqlite_url: str) -> str:
    """A SQLite database, up to date."""
    return up_to_date(sqlite_url)


@pytest.fixture
def store(migrated: str) -> Iterator[Store]:
    """A store on `migrated`."""
    store = Store(make_engine(migrated, pool_size=4))
    yield store
    store.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Eight threads."""
    with ThreadPoolExecutor(8) as pool:
        yield pool


def up_to_date(database_url: str) -> str:
    engine = make_engine(database_url, pool_size=1)
    migrate.upgrade(engine)
    engine.dispose()
    return database_url
