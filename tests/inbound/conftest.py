"""A connected app that all share, and one for each test that breaks things, on each database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest

from connector.brands import BRANDS, PAYWALLS, Brand
from tests.ledger.conftest import database, emptied
from tests.support.connected_app import PUBLIC_URL, ConnectedApp, Owner

__all__ = [
    "app_with_quick_retries",
    "brand",
    "connected_app",
    "database",
    "emptied",
    "make_connected_app",
    "owner",
    "shared_connected_app",
]

DEFAULTS = {"public_url": PUBLIC_URL}
MakeConnectedApp = Callable[..., ConnectedApp]


@pytest.fixture(scope="session")
def brand() -> Brand:
    """The vendor's name under which upstream plays; folders that try both replace this."""
    return PAYWALLS


@pytest.fixture(scope="session", params=list(BRANDS.values()), ids=list(BRANDS))
def both_brands(request: pytest.FixtureRequest) -> Brand:
    """Each of the vendor's names."""
    brand: Brand = request.param
    return brand


@pytest.fixture
def make_connected_app(emptied: str, brand: Brand) -> Iterator[MakeConnectedApp]:
    """Makes a connected app whose connectors have these settings."""
    made: list[ConnectedApp] = []

    def make(retry_base: float = 30.0, **settings: str) -> ConnectedApp:
        made.append(ConnectedApp(emptied, retry_base, settings or DEFAULTS, brand))
        return made[-1]

    yield make
    for connected_app in made:
        connected_app.close()


@pytest.fixture
def connected_app(make_connected_app: MakeConnectedApp) -> ConnectedApp:
    """A sandbox and a connector that can be reached by it."""
    return make_connected_app()


@pytest.fixture
def app_with_quick_retries(make_connected_app: MakeConnectedApp) -> ConnectedApp:
    """Upstream gives up after half a second instead of an hour."""
    return make_connected_app(retry_base=0.004)


@pytest.fixture(scope="session")
def shared_connected_app(database: str, brand: Brand) -> Iterator[ConnectedApp]:
    """A connected app that many owners share: making one takes longer than most tests."""
    connected_app = ConnectedApp(database, brand=brand)
    yield connected_app
    connected_app.close()


@pytest.fixture
def owner(shared_connected_app: ConnectedApp) -> Iterator[Owner]:
    """The owner of a paywall of its own, whose events come in."""
    yield shared_connected_app.owner(f"test-{secrets.token_hex(8)}").ready()
    shared_connected_app.idle()
