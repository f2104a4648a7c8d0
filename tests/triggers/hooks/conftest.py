"""A house whose hooks may lead to this machine, and owners of paywalls in it."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from tests.inbound.conftest import MakeHouse, make_house
from tests.ledger.conftest import database, emptied
from tests.support.connected_app import PUBLIC_URL, House, Owner
from tests.triggers.delivery.receiver import Receiver, running_receiver

__all__ = ["database", "emptied", "make_house"]
LOOPBACK = "127.0.0.0/8"


@pytest.fixture(scope="session")
def quarter(database: str) -> Iterator[House]:
    """A house that many owners share, with a worker."""
    house = House(database, settings={"public_url": PUBLIC_URL, "allowed_targets": LOOPBACK})
    house.connector.parts.delivery.start()
    yield house
    house.close()


@pytest.fixture
def owner(quarter: House) -> Owner:
    """The owner of a paywall of its own."""
    return quarter.owner(f"test-{secrets.token_hex(8)}").ready()


@pytest.fixture
def stranger(quarter: House) -> Owner:
    """The owner of another paywall."""
    return quarter.owner(f"test-{secrets.token_hex(8)}").ready()


@pytest.fixture
def target() -> Iterator[Receiver]:
    """A hook's address that takes everything."""
    with running_receiver() as receiver:
        yield receiver


@pytest.fixture
def strict_house(make_house: MakeHouse) -> House:
    """A house in which a paywall may have three hooks."""
    return make_house(
        public_url=PUBLIC_URL, allowed_targets=LOOPBACK, hooks_per_paywall="3", keep_keys="false"
    )


@pytest.fixture
def hidden_house(make_house: MakeHouse) -> House:
    """A house that nobody outside reaches."""
    return make_house(allowed_targets=LOOPBACK)
