"""Statements that run on the driver: the same types and the same errors as SQLAlchemy's."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

import pytest
from sqlalchemy import bindparam, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from connector.errors import Unavailable
from connector.store import Store, clock, make_engine
from connector.store.prepared import Prepared
from connector.store.tables import paywalls
from tests.store.conftest import up_to_date

WHEN = datetime(2026, 1, 31, 23, 59, 59, 123456, tzinfo=UTC)
COLUMNS = ("id", "upstream_id", "has_aliases", "created_at")
put = Prepared(lambda _: paywalls.insert().values(**{name: bindparam(name) for name in COLUMNS}))
get = Prepared(
    lambda _: (
        select(*(paywalls.c[name] for name in COLUMNS))
        .where(paywalls.c.id == bindparam("asked"), paywalls.c.created_at <= bindparam("until"))
        .limit(1)
    )
)


def row(**values: object) -> dict[str, object]:
    """A paywall, with some values of one's own."""
    return {
        "id": secrets.token_hex(8),
        "upstream_id": None,
        "has_aliases": True,
        "created_at": WHEN,
    } | values


def test_types_come_back_as_they_went_in(store: Store) -> None:
    one = row()
    assert store.write(lambda connection: put.changed(connection, one)) == 1
    asked = {"asked": one["id"], "until": WHEN}
    assert store.read(lambda connection: get.rows(connection, asked)) == [tuple(one.values())]
    assert store.read(lambda connection: get.first(connection, asked | {"asked": "x"})) is None


def test_one_statement_for_many(store: Store) -> None:
    many = [row(), row()]
    store.write(lambda connection: put.each(connection, many))
    for one in many:
        asked = {"asked": one["id"], "until": WHEN}
        assert store.read(lambda c, a=asked: get.first(c, a)) == tuple(one.values())  # type: ignore[misc]


def test_a_constraint_says_so_and_undoes_the_work(store: Store) -> None:
    one = row()
    with pytest.raises(IntegrityError):
        store.write(lambda connection: put.each(connection, [one, one]))
    asked = {"asked": one["id"], "until": WHEN}
    assert store.read(lambda connection: get.first(connection, asked)) is None


def test_no_value_stands_in_an_error(store: Store) -> None:
    with pytest.raises(IntegrityError) as told:
        store.write(lambda connection: put.changed(connection, row(created_at=None, id="hidden")))
    assert "[parameters" not in str(told.value)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_dies_under_a_statement_is_given_up(database_url: str) -> None:
    store = Store(make_engine(up_to_date(database_url)))
    end = Prepared(lambda _: text("SELECT pg_terminate_backend(pg_backend_pid())"))
    with pytest.raises(Unavailable):
        store.write(lambda connection: end.changed(connection, {}))
    assert store.read(clock.moment)
    store.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_connection_that_died_while_idle_is_not_handed_out(database_url: str) -> None:
    store = Store(make_engine(up_to_date(database_url)))
    store.read(clock.moment)
    other = make_engine(database_url)
    with other.begin() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    other.dispose()
    assert store.read(clock.moment)
    store.close()


def test_a_statement_that_is_wrong_is_no_outage(store: Store) -> None:
    wrong = Prepared(lambda _: text("SELECT 1 FROM nowhere"))
    with pytest.raises(Exception) as told:  # noqa: PT011 -- each database has its own kind
        store.read(lambda connection: wrong.rows(connection, {}))
    assert store.engine.dialect.name == "sqlite" or isinstance(told.value, ProgrammingError)
