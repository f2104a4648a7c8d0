"""A paywall with hooks, on an empty database of each kind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connector.store import make_engine, migrate
from tests.ledger.conftest import database, emptied
from tests.support.delivery_setup import DeliverySetup

__all__ = ["database", "delivery_setup", "emptied", "sqlite_delivery_setup"]


@pytest.fixture
def delivery_setup(emptied: str) -> Iterator[DeliverySetup]:
    """A paywall on each kind of database."""
    made = DeliverySetup(emptied)
    yield made
    made.close()


@pytest.fixture
def sqlite_delivery_setup(sqlite_url: str) -> Iterator[DeliverySetup]:
    """A paywall on SQLite, for what does not depend on the kind."""
    engine = make_engine(sqlite_url, pool_size=1)
    migrate.upgrade(engine)
    engine.dispose()
    made = DeliverySetup(sqlite_url)
    yield made
    made.close()
