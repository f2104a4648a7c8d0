"""Group commit on SQLite: one writes for all who wait, and nobody pays for another's failure."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context

import pytest
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from connector.store import Store, make_engine
from connector.store.writer import GroupWriter
from tests.store import many_writes
from tests.store.away import away
from tests.store.held import Held, Work, remember
from tests.support.processes import PATIENCE


@pytest.fixture
def engine(migrated_sqlite: str) -> Iterator[Engine]:
    engine = make_engine(migrated_sqlite)
    yield engine
    engine.dispose()


@pytest.fixture
def writer(engine: Engine) -> Iterator[GroupWriter]:
    """A group writer that keeps callers waiting for at most 5 s."""
    writer = GroupWriter(engine, 5.0)
    yield writer
    writer.close()


def stored(database_url: str) -> list[str]:
    """The tags that another program finds in the file, in the order in which they were written."""
    file = database_url.removeprefix("sqlite:///")
    with contextlib.closing(sqlite3.connect(file)) as other:
        rows = other.execute("SELECT tag FROM server_secrets ORDER BY rowid").fetchall()
    return [tag for (tag,) in rows]


def test_what_was_written_is_there_for_other_programs_at_once(
    writer: GroupWriter, migrated_sqlite: str
) -> None:
    writer.run(remember("a"))
    assert stored(migrated_sqlite) == ["a"]


def test_pieces_that_wait_share_one_transaction_in_their_order(
    writer: GroupWriter, pool: ThreadPoolExecutor, migrated_sqlite: str
) -> None:
    seen: list[Connection] = []

    def work(tag: str) -> Work:
        def noted(connection: Connection) -> None:
            seen.append(connection)
            remember(tag)(connection)

        return noted

    held = Held(writer.run, writer._coalescer, pool)
    calls = [held.later(work(tag)) for tag in ("c", "a", "b")]
    held.let_go()
    for call in calls:
        call.result()
    assert stored(migrated_sqlite) == ["c", "a", "b"]
    assert len({id(connection) for connection in seen}) == 1


def test_a_piece_that_fails_takes_no_other_along(
    writer: GroupWriter, pool: ThreadPoolExecutor, migrated_sqlite: str
) -> None:
    def fail_late(connection: Connection) -> None:
        remember("half done")(connection)
        raise ValueError("no")

    def fail_in_sql(connection: Connection) -> None:
        connection.execute(text("INSERT INTO nowhere VALUES (1)"))

    held = Held(writer.run, writer._coalescer, pool)
    before = held.later(remember("before"))
    failing, wrong = held.later(fail_late), held.later(fail_in_sql)
    after = held.later(remember("after"))
    held.let_go()
    assert isinstance(failing.exception(), ValueError)
    assert isinstance(wrong.exception(), OperationalError)
    assert (before.exception(), after.exception()) == (None, None)
    assert stored(migrated_sqlite) == ["before", "after"]


def test_what_cannot_be_finished_undoes_its_piece_and_no_other(
    writer: GroupWriter, pool: ThreadPoolExecutor, migrated_sqlite: str
) -> None:
    def finish(connection: Connection, results: Sequence[str]) -> None:
        (result,) = results
        if result == "b":
            raise OverflowError("too much")
        remember(f"{result} finished")(connection)

    def piece(tag: str) -> Work:
        def done(connection: Connection) -> str:
            remember(tag)(connection)
            return tag

        return done

    held = Held(writer.run, writer._coalescer, pool)
    calls = [held.later(piece(tag), finish) for tag in "abc"]
    held.let_go()
    assert isinstance(calls[1].exception(), OverflowError)
    assert [calls[place].result() for place in (0, 2)] == ["a", "c"]
    assert stored(migrated_sqlite) == ["a", "a finished", "c", "c finished"]


def test_a_piece_gives_back_what_its_work_returns(writer: GroupWriter) -> None:
    assert writer.run(lambda connection: connection.execute(select(1)).scalar()) == 1


def test_while_another_program_writes_a_piece_waits_no_longer_than_told_and_is_never_done(
    engine: Engine, migrated_sqlite: str
) -> None:
    writer = GroupWriter(engine, 0.2)
    patient = GroupWriter(engine, PATIENCE)
    with away(migrated_sqlite), pytest.raises(OperationalError, match="locked"):
        writer.run(remember("given up"))
    patient.run(remember("next"))
    writer.close()
    patient.close()
    assert stored(migrated_sqlite) == ["next"]


def test_a_piece_that_waits_too_long_for_another_is_told_as_busy_and_is_never_done(
    engine: Engine, pool: ThreadPoolExecutor, migrated_sqlite: str
) -> None:
    writer = GroupWriter(engine, 0.2)
    held = Held(writer.run, writer._coalescer, pool)
    assert isinstance(held.later(remember("given up")).exception(PATIENCE), PoolTimeout)
    held.let_go()
    writer.close()
    assert stored(migrated_sqlite) == []


def test_a_piece_is_run_in_the_context_of_who_brought_it(
    writer: GroupWriter, pool: ThreadPoolExecutor
) -> None:
    told: ContextVar[str] = ContextVar("told", default="nobody")
    held = Held(writer.run, writer._coalescer, pool)

    def bring(name: str) -> object:
        told.set(name)
        return writer.run(lambda _: told.get())

    calls = [pool.submit(copy_context().run, bring, name) for name in ("ann", "ben")]
    held.let_go()
    assert [call.result() for call in calls] == ["ann", "ben"]


def test_closing_writes_what_waits(
    engine: Engine, pool: ThreadPoolExecutor, migrated_sqlite: str
) -> None:
    writer = GroupWriter(engine, 5.0)
    held = Held(writer.run, writer._coalescer, pool)
    call = held.later(remember("last"))
    closing = pool.submit(writer.close)
    held.let_go()
    closing.result()
    assert call.exception() is None
    assert stored(migrated_sqlite) == ["last"]


def test_two_processes_with_eight_writing_threads_each_lose_nothing(migrated_sqlite: str) -> None:
    command = [sys.executable, many_writes.__file__, migrated_sqlite]
    processes = [
        subprocess.Popen([*command, name], stderr=subprocess.PIPE, text=True) for name in "ab"
    ]
    assert [(p.communicate()[1], p.returncode) for p in processes] == [("", 0)] * 2
    store = Store(make_engine(migrated_sqlite))
    rows, counted = store.read(many_writes.found)
    store.close()
    assert (rows, counted) == (2 * 8 * 50, 2 * 8 * 50)
