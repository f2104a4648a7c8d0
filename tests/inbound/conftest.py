"""A house that all share, and one for each test that breaks things, on each database."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator

import pytest

from tests.ledger.conftest import database, emptied
from tests.support.connected_app import PUBLIC_URL, House, Owner

__all__ = ["database", "emptied", "hasty", "house", "make_house", "owner", "street"]

MakeHouse = Callable[..., House]


@pytest.fixture
def make_house(emptied: str) -> Iterator[MakeHouse]:
    """Makes a house whose connectors have these settings."""
    made: list[House] = []

    def make(retry_base: float = 30.0, **settings: str) -> House:
        made.append(House(emptied, retry_base, settings or {"public_url": PUBLIC_URL}))
        return made[-1]

    yield make
    for house in made:
        house.close()


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """A sandbox and a connector that can be reached by it."""
    return make_house()


@pytest.fixture
def hasty(make_house: MakeHouse) -> House:
    """Upstream gives up after half a second instead of an hour."""
    return make_house(retry_base=0.004)


@pytest.fixture(scope="session")
def street(database: str) -> Iterator[House]:
    """A house that many owners share: making one takes longer than most tests."""
    house = House(database)
    yield house
    house.close()


@pytest.fixture
def owner(street: House) -> Iterator[Owner]:
    """The owner of a paywall of its own, whose events come in."""
    yield street.owner(f"test-{secrets.token_hex(8)}").ready()
    street.idle()
