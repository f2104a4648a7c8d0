"""Behind PgBouncer, which gives each transaction another connection, all holds that holds without.

PgBouncer's transaction pooling: https://www.pgbouncer.org/features.html
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import ProgrammingError

from connector.errors import Unavailable
from connector.store import Store, make_engine, secret_rows
from connector.store.pooler import WAIT_SECONDS
from tests.store.away import end_connections
from tests.store.conftest import up_to_date
from tests.support.charge_client import Answer, call
from tests.support.pgbouncer import PgBouncer, running_pgbouncer
from tests.support.processes import (
    SandboxPaywall,
    postgres_database,
    running_connector,
    running_sandbox,
)

CALLS, REFERENCES = 40, 4
LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")


@pytest.fixture(scope="module")
def pgbouncer(postgres_itself: str) -> Iterator[PgBouncer]:
    """One before PostgreSQL."""
    with running_pgbouncer(postgres_itself) as pgbouncer:
        yield pgbouncer


@pytest.fixture
def pooled(pgbouncer: PgBouncer) -> Iterator[str]:
    """A database that is up to date, by way of the pooler: the migrations went through it."""
    with postgres_database(pgbouncer.server) as url:
        yield up_to_date(pgbouncer.through(url))


@pytest.fixture
def pooled_store(pooled: str) -> Iterator[Store]:
    """A store on `pooled`."""
    store = Store(make_engine(pooled, pool_size=4))
    yield store
    store.close()


def limits(connection: Connection) -> list[str]:
    return [connection.execute(text(f"SHOW {name}")).scalar_one() for name in LIMITS]


def check_limits(store: Store) -> None:
    """Whoever shares a transaction waits for no lock for long; whoever comes next does."""

    def fail(connection: Connection) -> None:
        connection.execute(text("SELECT nothing"))

    for _ in range(2):
        assert store.write_shared(limits, "order") == ["5s", "100ms", "10s"]
        assert store.read(limits) == store.write(limits) == ["5s", "3s", "10s"]
        with pytest.raises(ProgrammingError):
            store.write_shared(fail, "order")
        assert store.read(limits) == store.write(limits) == ["5s", "3s", "10s"]


def test_reading_and_writing_have_their_limits(pooled: str) -> None:
    store = Store(make_engine(pooled, pool_size=1))
    check_limits(store)
    store.close()


def test_without_a_pooler_they_are_the_same(postgres_itself: str) -> None:
    store = Store(make_engine(postgres_itself, pool_size=1))
    check_limits(store)
    store.close()


def test_nothing_is_left_on_a_connection(pooled: str, pooled_store: Store) -> None:
    for _ in range(20):  # psycopg prepares what it has run five times
        pooled_store.read(secret_rows.tags)
        pooled_store.write(secret_rows.rewrite)
    plain = create_engine(pooled, connect_args={"prepare_threshold": None})
    with plain.connect() as connection:
        assert limits(connection) == ["0", "0", "0"]
        prepared = "SELECT count(*) FROM pg_prepared_statements"
        assert connection.execute(text(prepared)).scalar_one() == 0
    plain.dispose()


def test_who_waits_for_a_lock_is_told_in_time(
    pgbouncer: PgBouncer, pooled: str, pooled_store: Store
) -> None:
    engine = create_engine(pgbouncer.behind(pooled))
    with engine.begin() as connection:
        connection.execute(text("LOCK TABLE server_secrets IN ACCESS EXCLUSIVE MODE"))
        for work in (pooled_store.read, pooled_store.write):
            began = time.monotonic()
            with pytest.raises(Unavailable):
                work(secret_rows.tags)
            assert time.monotonic() - began < WAIT_SECONDS + 4
    engine.dispose()
    assert pooled_store.read(secret_rows.tags) == []


def test_after_a_restart_of_postgresql_calls_go_on(
    pgbouncer: PgBouncer, pooled: str, pooled_store: Store
) -> None:
    def interrupted(connection: Connection) -> None:
        secret_rows.remember(connection, ["a"])
        end_connections(pgbouncer.behind(pooled))
        secret_rows.remember(connection, ["b"])

    with pytest.raises(Unavailable):
        pooled_store.write(interrupted)
    assert pooled_store.read(secret_rows.tags) == []


def test_two_connectors_charge_each_reference_once(pooled: str, tmp_path: Path) -> None:
    with (
        running_sandbox(tmp_path) as sandbox,
        running_connector(pooled, sandbox.address, tmp_path) as one,
        running_connector(pooled, sandbox.address, tmp_path) as other,
        ThreadPoolExecutor(CALLS) as callers,
    ):
        paywall = SandboxPaywall(sandbox.address, "pooled")
        paywall.user("ann", balance="10")

        def charge(number: int) -> Answer:
            server = (one, other)[number % 2]
            return call(server, paywall, reference=f"order-{number // 2 % REFERENCES}")

        answers = list(callers.map(charge, range(CALLS)))
        assert [(answer.status, answer.outcome) for answer in answers] == [(200, "charged")] * CALLS
        assert [answer.duplicate for answer in answers].count(False) == REFERENCES
        assert paywall.booked("charge") == [Decimal("1.5")] * REFERENCES
        paywall.close()
