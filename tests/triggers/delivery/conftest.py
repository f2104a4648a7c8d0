"""A paywall with hooks, on an empty database of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.store import make_engine, migrate
from tests.ledger.conftest import database, emptied
from tests.support.delivery_setup import Scene

__all__ = ["database", "emptied", "scene", "sqlite_scene"]


@pytest.fixture
def scene(emptied: str) -> Iterator[Scene]:
    """A paywall on each kind of database."""
    made = Scene(emptied)
    yield made
    made.close()


@pytest.fixture
def sqlite_scene(sqlite_url: str) -> Iterator[Scene]:
    """A paywall on SQLite, for what does not depend on the kind."""
    engine = make_engine(sqlite_url, pool_size=1)
    migrate.upgrade(engine)
    engine.dispose()
    made = Scene(sqlite_url)
    yield made
    made.close()
