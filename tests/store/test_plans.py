"""What is asked often never reads a whole big table, with and without statistics.

The statements are those that the functions really send. On PostgreSQL, where an almost empty table
is always read whole, that is made expensive: what is left are statements that no index serves.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from connector.store import (
    Store,
    counter_rows,
    delivery_rows,
    event_rows,
    feature_rows,
    hook_rows,
    ledger_rows,
    make_engine,
    paywall_rows,
    settings_rows,
    subscription_rows,
    sum_rows,
    token_rows,
)
from connector.store.prepared import Prepared
from connector.store.tables import metadata, paywalls
from tests.store.asked import ASKED, WHEN
from tests.store.conftest import up_to_date

BIG = (
    "events",
    "deliveries",
    "delivery_attempts",
    "ledger",
    "ledger_sums",
    "attention",
    "chats",
    "chat_callbacks",
)
PARTIAL = {
    index.name
    for table in metadata.tables.values()
    for index in table.indexes
    if index.dialect_options["sqlite"]["where"] is not None
}


@pytest.fixture(params=[False, True], ids=["no-statistics", "statistics"])
def analysed(request: pytest.FixtureRequest, store: Store) -> Store:
    """A store, before and after somebody's ANALYZE."""
    if request.param:
        with store.engine.connect() as connection:
            connection.execute(text("ANALYZE"))
            connection.commit()
    return store


@pytest.fixture
def sent(analysed: Store) -> Iterator[list[tuple[str, Any]]]:
    """The statements that the store sends, with their parameters."""
    statements: list[tuple[str, Any]] = []

    def note(_c: Any, _k: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.split(maxsplit=1)[0] in ("SELECT", "UPDATE", "DELETE", "WITH"):
            statements.append((statement, parameters))

    event.listen(analysed.engine, "before_cursor_execute", note)
    yield statements
    event.remove(analysed.engine, "before_cursor_execute", note)


@pytest.mark.parametrize("name", ASKED)
def test_no_big_table_is_read_whole(
    analysed: Store, sent: list[tuple[str, Any]], name: str
) -> None:
    with analysed.engine.begin() as connection:
        ASKED[name](connection)
        asked = list(sent)
        assert asked
        read_whole = [
            line for statement in asked for line in plan(connection, *statement) if scans(line)
        ]
        connection.rollback()
    assert read_whole == []


def test_nor_is_one_where_a_single_paywall_has_all_of_it(sqlite_url: str) -> None:
    """SQLite's statistics then say that a paywall, or a state, is half of a table or all of it."""
    store = Store(make_engine(up_to_date(sqlite_url)))
    statements: list[tuple[str, Any]] = []
    with store.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.exec_driver_sql("DELETE FROM sqlite_stat1")
        for name in BIG:
            for index in metadata.tables[name].indexes:
                if index.name not in PARTIAL:
                    of = " ".join(map(str, (ROWS, *(_alike(c.name) for c in index.columns))))
                    connection.exec_driver_sql(
                        "INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (name, index.name, of)
                    )
        connection.commit()
        connection.exec_driver_sql("ANALYZE sqlite_schema")  # they are read now
        event.listen(connection, "before_cursor_execute", lambda *a: statements.append(a[2:4]))
        read_whole = []
        for name, ask in ASKED.items():
            statements.clear()
            ask(connection)
            for one in list(statements):
                read_whole += [(name, line) for line in plan(connection, *one) if scans(line)]
            connection.rollback()
    store.close()
    assert read_whole == []


ROWS = 1_000_000


def _alike(column: str) -> int:
    """How many rows have the same in a column."""
    return {"paywall_id": ROWS, "hook_id": ROWS, "state": ROWS // 2, "action": ROWS}.get(column, 1)


SERVED = {
    "newest-of-a-user": ["paywall_id_external_id_seq", "paywall_id_wallet_id_seq"],
    "newest-of-both": ["paywall_id_external_id_seq", "paywall_id_wallet_id_seq"],
    "after-of-a-user": ["paywall_id_external_id_seq", "paywall_id_wallet_id_seq"],
    "undecided": ["paywall_id_received_at"],
    "replay": ["paywall_id_received_at"],
    "overdue": ["ix_ledger_open"],
    "log-by-state": ["paywall_id_state_created_at"],
    "log-of-both": ["hook_id_state_created_at"],
    "purge-deliveries": ["deliveries_created_at"],
    "transactions": ["paywall_id_created_at_id"],
    "transactions-of-reference": ["sqlite_autoindex_ledger"],
    "transactions-of-user": ["paywall_id_user_id_created_at_id"],
    "transactions-that-begin": ["ix_ledger_paywall_id_reference"],
    "transactions-of-state": ["paywall_id_state_created_at_id"],
}
"""Statements that would go through all rows of a paywall, with the indexes that spare them that."""


@pytest.mark.parametrize("name", SERVED)
def test_rows_of_a_paywall_that_are_not_wanted_are_not_read(sqlite_url: str, name: str) -> None:
    store = Store(make_engine(up_to_date(sqlite_url)))
    statements: list[tuple[str, Any]] = []
    event.listen(store.engine, "before_cursor_execute", lambda *a: statements.append((a[2], a[3])))
    with store.engine.begin() as connection:
        paywall = paywalls.insert().values(id="p", has_aliases=False, created_at=WHEN)
        connection.execute(paywall)
        event_rows.learn_pair(connection, "p", "w", "ann")
        statements.clear()
        ASKED[name](connection)
        lines = [
            line
            for one in list(statements)
            if one[0] != "BEGIN IMMEDIATE"
            for line in plan(connection, *one)
        ]
    store.close()
    for index in SERVED[name]:
        assert any(index in line for line in lines), lines


def test_a_statement_that_no_index_serves_would_be_seen(
    analysed: Store, sent: list[tuple[str, Any]]
) -> None:
    with analysed.engine.begin() as connection:
        connection.execute(text("SELECT id FROM events WHERE body = 'x'"))
        assert any(scans(line) for line in plan(connection, *sent[0]))
        connection.rollback()


HOT = {
    f"{module.__name__.rsplit('.', 1)[1]}.{name}": prepared
    for module in (
        paywall_rows,
        ledger_rows,
        event_rows,
        hook_rows,
        delivery_rows,
        subscription_rows,
        token_rows,
        counter_rows,
        feature_rows,
        settings_rows,
        sum_rows,
    )
    for name, prepared in vars(module).items()
    if isinstance(prepared, Prepared)
} | {f"settle-{flags}": ledger_rows._settle(*flags) for flags in product((False, True), repeat=4)}
"""The statements that run on the driver itself, whom nobody listening to SQLAlchemy sees."""
NUMBERS = {"seq", "shard", "units", "row_id", "number", "count", "mine", "more", "most"}


def sample(name: str) -> object:
    """A value of the kind that a parameter of that name has."""
    if name.endswith("_at"):
        return WHEN
    return 1 if name in NUMBERS else "x"


@pytest.mark.parametrize("name", HOT)
def test_the_hot_path_reads_no_big_table_whole(analysed: Store, name: str) -> None:
    with analysed.engine.begin() as connection:
        compiled = HOT[name]._of(connection.dialect)
        asked = {one: sample(one) for one in compiled.names}
        lines = plan(connection, compiled.sql, compiled.arguments(asked))
        connection.rollback()
    assert [line for line in lines if scans(line)] == []


@pytest.mark.parametrize("whose", ["", "_to_all"])
def test_hooks_that_do_not_want_an_event_are_not_read(sqlite_url: str, whose: str) -> None:
    store = Store(make_engine(up_to_date(sqlite_url)))
    with store.engine.begin() as connection:
        compiled = HOT[f"delivery_rows._fan_out{whose}"]._of(connection.dialect)
        asked = compiled.arguments(dict.fromkeys(compiled.names, "x"))
        lines = plan(connection, compiled.sql, asked)
    store.close()
    assert any("ix_hooks_live (paywall_id=? AND trigger=?" in line for line in lines), lines


def plan(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """The lines in which the database tells how it would do that."""
    if connection.dialect.name == "sqlite":
        explained = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
        return [str(row[3]) for row in explained]
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    explained = connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)
    return [str(row[0]) for row in explained]


def scans(line: str) -> bool:
    """Whether a big table is read from its beginning to its end; an index of few rows may be."""
    words = line.replace("->", " ").split()
    if words[:1] == ["SCAN"]:
        return words[1] in BIG and words[-1] not in PARTIAL
    return words[:3] == ["Seq", "Scan", "on"] and words[3] in BIG
