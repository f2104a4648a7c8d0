"""A connected app whose hooks may lead to this machine, and owners of paywalls in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from connector.brands import Brand
from tests.inbound.conftest import MakeConnectedApp, make_connected_app
from tests.inbound.conftest import both_brands as brand
from tests.ledger.conftest import database, emptied
from tests.support.connected_app import PUBLIC_URL, ConnectedApp, Owner
from tests.triggers.delivery.receiver import Receiver, running_receiver

__all__ = ["brand", "database", "emptied", "make_connected_app"]
LOOPBACK = "127.0.0.0/8"


@pytest.fixture(scope="session")
def shared_connected_app(database: str, brand: Brand) -> Iterator[ConnectedApp]:
    """A connected app that many owners share, with a worker."""
    connected_app = ConnectedApp(
        database, settings={"public_url": PUBLIC_URL, "allowed_targets": LOOPBACK}, brand=brand
    )
    connected_app.connector.threads.delivery.start()
    yield connected_app
    connected_app.close()


@pytest.fixture
def owner(shared_connected_app: ConnectedApp) -> Owner:
    """The owner of a paywall of its own."""
    return shared_connected_app.owner(f"test-{secrets.token_hex(8)}").ready()


@pytest.fixture
def stranger(shared_connected_app: ConnectedApp) -> Owner:
    """The owner of another paywall."""
    return shared_connected_app.owner(f"test-{secrets.token_hex(8)}").ready()


@pytest.fixture
def target() -> Iterator[Receiver]:
    """A hook's address that takes everything."""
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def strict_app(make_connected_app: MakeConnectedApp) -> ConnectedApp:
    """A connected app in which a paywall may have three hooks."""
    return make_connected_app(
        public_url=PUBLIC_URL, allowed_targets=LOOPBACK, hooks_per_paywall="3", keep_keys="false"
    )


@pytest.fixture
def hidden_app(make_connected_app: MakeConnectedApp) -> ConnectedApp:
    """A connected app that nobody outside reaches."""
    return make_connected_app(allowed_targets=LOOPBACK)
